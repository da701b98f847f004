"""Limits per payment and the first look at data quality.

Rule: limits and words are data; the most specific limit applies. A limit is per payment: what depends on the day's
total is decided by the book's writer. Sources: ISO 20022 ExternalStatusReason1Code (AM02 amount above the allowed
maximum; RR02, RR03 debtor's and creditor's name or address missing); FATF recommendation 16 and Regulation (EU)
2023/1113 on information that is missing or meaningless.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

import msgspec

from engine.compliance.normalise import latin
from payments import Finding, Money, Party, Payment, PaymentKind, error, warning


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The largest single payment: ``maximum`` in minor units of ``currency``; None for any scheme or participant.

    ``participant`` is the sender: a BIC of eight (every branch) or eleven characters, or a routing number.
    """

    currency: str
    maximum: int
    scheme: str | None = None
    participant: str | None = None
    code: str = "AM02"

    def __post_init__(self) -> None:
        if self.maximum < 0:
            raise ValueError(f"limit {self.maximum} is negative; 0 refuses every payment")
        Money(self.maximum, self.currency)


class Limits:
    """A set of limits, looked up by currency, scheme and participant."""

    def __init__(self, limits: tuple[Limit, ...] = ()) -> None:
        self._limits: dict[tuple[str, str | None, str | None], Limit] = {}
        for limit in limits:
            key = (limit.currency, limit.scheme, limit.participant)
            if key in self._limits:
                raise ValueError(f"two limits for currency, scheme and participant {key}: keep one")
            self._limits[key] = limit
        self.find = lru_cache(maxsize=4_096)(self._find)
        self.version = hashlib.sha256(msgspec.json.encode(limits)).hexdigest()[:16]

    def _find(self, currency: str, scheme: str | None, participant: str | None) -> Limit | None:
        """The most specific limit: the participant's in the scheme, the participant's, the scheme's, the currency's."""
        if not self._limits:
            return None
        institution = participant[:8] if participant is not None and len(participant) == 11 else None
        for who in dict.fromkeys((participant, institution, None)):
            for where in dict.fromkeys((scheme, None)):
                found = self._limits.get((currency, where, who))
                if found is not None:
                    return found
        return None

    def check(self, payment: Payment, scheme: str | None, participant: str | None) -> Finding | None:
        """The error of a payment above its limit, or None."""
        amount = payment.amount
        if amount is None:
            return None
        limit = self.find(amount.currency, scheme, participant)
        if limit is None or amount.minor <= limit.maximum:
            return None
        who, where = limit.participant or "every participant", limit.scheme or "every scheme"
        return error(
            limit.code,
            "message",
            "amount",
            amount,
            f"the limit of a payment of {who} in {where} is {Money(limit.maximum, limit.currency)}",
            "send smaller payments, or ask the operator for a higher limit",
        )


#: Names that say nothing, in the form of ``normalise.latin``.
MEANINGLESS: Final = frozenset(
    """
not provided|notprovided|not available|unavailable|unknown|n a|na|none|null|nil|no name|noname|name|a customer|customer
our customer|a client|client|our client|one of our customers|one of our clients|undisclosed|confidential|various
sundry|test|dummy|beneficiary|creditor|debtor|ordering customer|account holder|self|same|as above|see below|tbd|tba
payee|payer|sender|receiver|recipient|person|individual|unbekannt|inconnu|desconocido|sconosciuto|onbekend
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_FIRST_WORDS: Final = frozenset(name.split()[0] for name in MEANINGLESS)
_LETTER = re.compile(r"[^\W\d_]")
_ONE_LETTER = re.compile(r"(.)\1*", re.DOTALL)
#: Party's place in the payment -> code of the reason when its name is missing.
_NAME_CODES: Final = (("debtor", "RR02"), ("creditor", "RR03"))
#: Between institutions the parties are known by their BIC.
_NAMED_KINDS: Final = frozenset({PaymentKind.CREDIT_TRANSFER, PaymentKind.DIRECT_DEBIT})


def meaningless(name: str) -> str | None:
    """Why a name says nothing, or None.

    >>> meaningless("XXX"), meaningless("12345"), meaningless("Not Provided"), meaningless("Li")
    ('one character repeated', 'no letter', 'a placeholder', None)
    """
    first = name.split(None, 1)[0] if name[:1].isalpha() else ""
    if first.isascii() and first.isalpha() and (word := first.lower()) not in _FIRST_WORDS and word.strip(word[0]):
        return None  # nearly every name: a first word of different letters that begins no placeholder
    plain = latin(name[:140])
    if _LETTER.search(plain) is None:
        return "no letter"
    if _ONE_LETTER.fullmatch(plain.replace(" ", "")):
        return "one character repeated"
    return "a placeholder" if plain in MEANINGLESS else None


def data_quality(payment: Payment) -> tuple[Finding, ...]:
    """Warnings about names of debtor and creditor that are missing or say nothing."""
    if payment.kind not in _NAMED_KINDS:
        return ()
    found = []
    for place, code in _NAME_CODES:
        party: Party | None = getattr(payment, place)
        if party is None or (not party.name and (party.bic or party.lei)):
            continue
        problem = meaningless(party.name) if party.name else "missing"
        if problem is not None:
            found.append(
                warning(
                    code,
                    "field",
                    f"{place}.name",
                    party.name,
                    f"the name of the {place} is {problem} (FATF recommendation 16)",
                    "send the name as the account is held under",
                )
            )
    return tuple(found)
