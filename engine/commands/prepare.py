"""``qenex prepare``: schema and topics, as ``qenex up`` makes them before its workers."""

from __future__ import annotations

from engine.commands import services
from engine.commands.output import DataOption, say


def prepare(data: DataOption = None) -> int:
    """Bring the schema up and create the topics that are missing, as the owner role; start nothing.

    For who starts the workers himself (containers, systemd): run it before them, at every new version. Running it
    twice changes nothing.

    Example: `qenex prepare`
    """
    from engine.stack import prepare as stage
    from engine.stack.supervisor import check_given

    settings = services.load(data, kafka=True, postgres=True)
    check_given(settings)
    with services.kafka_faults():
        stage.prepare(settings, say)
    return 0
