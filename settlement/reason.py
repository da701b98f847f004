"""Reason: the code and the sentence that a refused payment's sender receives.

Rule: ``code`` is one that the counterparty's scheme knows (ISO 20022 ExternalStatusReason1Code, Nacha return codes);
``text`` says value, rule and remedy in one line, for people.
"""

from __future__ import annotations

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """Why a payment was refused."""

    code: str
    text: str
