"""Scheme profiles: what a payment scheme accepts, when, and with which codes it answers.

Rule: a scheme is a row of data; no other module asks for a scheme by name. Amounts are minor units of the scheme's
currency. Sources: T2 (customer cut-off 17:00, interbank 18:00 CET, warehouse of 10 calendar days), SCT Inst rulebook
2025 (positive answer ACCP, 10 s, no party screening against EU lists in flight: Regulation (EU) 2024/886 art. 5d),
Nacha (ten-digit amount, R codes), Fedwire Funds (ten-digit dollars), ISO 20022 ExternalStatusReason1Code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from settlement.calendar import ALWAYS_OPEN

PartyScreening = Literal["off", "on", "own-lists"]
AfterCutOff = Literal["reject", "next-day"]


@dataclass(frozen=True, slots=True)
class Codes:
    """The reason code for each thing that can be wrong."""

    insufficient_funds: str = "AM04"
    debtor_agent_unknown: str = "DNOR"
    creditor_agent_unknown: str = "CNOR"
    debtor_agent_suspended: str = "AG10"
    creditor_agent_suspended: str = "AG11"
    debtor_account_closed: str = "AC05"
    creditor_account_closed: str = "AC07"
    currency: str = "AM03"
    zero_amount: str = "AM01"
    amount_too_low: str = "AM06"
    amount_too_high: str = "AM02"
    limit: str = "AM23"
    daily_limit: str = "AM14"
    date: str = "DT01"
    cut_off: str = "TM01"
    not_available: str = "ED06"
    not_settled: str = "ED05"
    forbidden: str = "AG01"
    cancelled: str = "DS02"
    duplicate: str = "AM05"
    time_out: str = "AB06"


@dataclass(frozen=True, slots=True)
class Statuses:
    """What pacs.002 says of an accepted, a settled and a rejected payment."""

    accepted: str = "ACTC"
    settled: str = "ACSC"
    rejected: str = "RJCT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One scheme. ``books``: the systems, in order of preference, in which both accounts may lie.

    ``accepts``: format -> message types (None: every type of that format). ``past_days``: how many calendar days a
    value date may lie back (None: any; it then settles today). ``duplicate_days``: for how many calendar days a
    reference may not come again. ``time_out_seconds``: for the receiver's answer, where one is asked for.
    """

    name: str
    aliases: tuple[str, ...] = ()
    currency: str
    books: tuple[str, ...]
    accepts: Mapping[str, frozenset[str] | None]
    minimum: int = 1
    maximum: int
    may_wait: bool
    party_screening: PartyScreening
    calendar: str
    zone: str
    customer_cut_off: time | None
    interbank_cut_off: time | None
    after_cut_off: AfterCutOff
    warehouse_days: int = 10
    past_days: int | None = 0
    duplicate_days: int
    time_out_seconds: int | None = None
    codes: Codes = Codes()
    statuses: Statuses = Statuses()


_MT = frozenset("MT102 MT103 MT104 MT192 MT200 MT202 MT203 MT204 MT205 MT292".split())
_PACS = frozenset("pacs.002 pacs.003 pacs.004 pacs.008 pacs.009 pacs.010 camt.056".split())
_HIGH_VALUE = MappingProxyType({"swift-mt": _MT, "iso20022": _PACS})
_ACH_CODES = Codes(
    insufficient_funds="R01",
    debtor_agent_unknown="R13",
    creditor_agent_unknown="R13",
    debtor_agent_suspended="R13",
    creditor_agent_suspended="R13",
    debtor_account_closed="R13",
    creditor_account_closed="R13",
    currency="R19",
    zero_amount="R19",
    amount_too_low="R19",
    amount_too_high="R19",
    limit="R19",
    daily_limit="R19",
    date="R18",
    cut_off="R18",
    not_available="R18",
    not_settled="R01",
    forbidden="R13",
    cancelled="R06",
    duplicate="R24",
    time_out="R01",
)

#: The schemes; order is the order of choice for a message that names none.
_ROWS = (
    Scheme(
        name="EUR-RTGS",
        currency="EUR",
        books=("EUR-RTGS",),
        accepts=_HIGH_VALUE,
        maximum=99_999_999_999_999,
        may_wait=True,
        party_screening="on",
        calendar="XECB",
        zone="Europe/Berlin",
        customer_cut_off=time(17, 0),
        interbank_cut_off=time(18, 0),
        after_cut_off="reject",
        duplicate_days=1,
    ),
    Scheme(
        name="EUR-INST",
        aliases=("SCT-INST",),
        currency="EUR",
        books=("EUR-INST", "EUR-RTGS"),
        accepts=MappingProxyType({"iso20022": frozenset(("pacs.002", "pacs.004", "pacs.008", "pacs.028", "camt.056"))}),
        maximum=99_999_999_999,
        may_wait=False,
        party_screening="own-lists",
        calendar=ALWAYS_OPEN,
        zone="Europe/Berlin",
        customer_cut_off=None,
        interbank_cut_off=None,
        after_cut_off="reject",
        warehouse_days=0,
        past_days=1,  # accepted before midnight, here after it
        duplicate_days=10,
        time_out_seconds=10,
        statuses=Statuses(settled="ACCP"),
    ),
    Scheme(
        name="USD-ACH",
        currency="USD",
        books=("USD-ACH", "USD-RTGS"),
        accepts=MappingProxyType({"ach": None}),
        maximum=9_999_999_999,
        may_wait=True,
        party_screening="on",
        calendar="XFED",
        zone="America/New_York",
        customer_cut_off=time(16, 45),
        interbank_cut_off=time(16, 45),
        after_cut_off="next-day",
        past_days=None,  # a stale effective entry date settles on the next banking day
        duplicate_days=30,
        codes=_ACH_CODES,
    ),
    Scheme(
        name="USD-RTGS",
        currency="USD",
        books=("USD-RTGS",),
        accepts=_HIGH_VALUE,
        maximum=999_999_999_999,
        may_wait=True,
        party_screening="on",
        calendar="XFED",
        zone="America/New_York",
        customer_cut_off=time(18, 45),
        interbank_cut_off=time(19, 0),
        after_cut_off="reject",
        duplicate_days=1,
    ),
)

#: Name or alias -> scheme.
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {name: scheme for scheme in _ROWS for name in (scheme.name, *scheme.aliases)}
)

#: The settlement systems in fixed order: the index is the partition of ``payments.routed``. Append only.
BOOKS: tuple[str, ...] = ("EUR-RTGS", "EUR-INST", "USD-ACH", "USD-RTGS")
#: Book -> the currency that all its accounts are in.
BOOK_CURRENCY: Mapping[str, str] = MappingProxyType(
    {book: next(scheme.currency for scheme in _ROWS if book in scheme.books) for book in BOOKS}
)


def _family(type_: str) -> str:
    """A message type without version or variant: ``pacs.008.001.08`` -> ``pacs.008``, ``MT202COV`` -> ``MT202``."""
    if type_.startswith("MT"):
        return type_[:5]
    return ".".join(type_.split(".")[:2])


@lru_cache(maxsize=4_096)
def scheme_for(format_: str | None, type_: str | None, parser_scheme: str | None, currency: str) -> Scheme | None:
    """The scheme of a payment: the one its message names if that takes it, else the first that does; None: no scheme.

    A scheme that is named and does not take the currency gives None, not another scheme: money never changes rails
    because a field was wrong. A name that is not one of ours (a usage guideline: CBPR+, HVPS+) does not choose.

    >>> scheme_for("iso20022", "pacs.008.001.08", "SCT-INST", "EUR").name
    'EUR-INST'
    >>> scheme_for("swift-mt", "MT202COV", None, "USD").name
    'USD-RTGS'
    """
    if format_ is None or type_ is None:
        return None
    named = SCHEMES.get(parser_scheme) if parser_scheme is not None else None
    for scheme in (named,) if named is not None else _ROWS:
        if scheme.currency != currency or (scheme.time_out_seconds is not None and named is None):
            continue
        types = scheme.accepts.get(format_, frozenset())
        if types is None or _family(type_) in types:
            return scheme
    return None
