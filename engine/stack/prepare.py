"""Between the services and the workers: the schema, then the topics.

Rule: idempotent, and run at every ``qenex up`` before a worker starts; workers refuse a schema of another version.
"""

from __future__ import annotations

from engine.settings import Settings
from engine.stack.piece import Say


def prepare(settings: Settings, say: Say) -> None:
    """Bring schema and topics up to date at ``settings.postgres`` and ``settings.kafka``; EngineFault when refused."""
    del settings, say
