"""The compliance decision: cleared, held or rejected, under which rule and which versions.

Rule: pure; RULES is an ordered tuple of small functions, the first that speaks decides, its name is recorded. A hit
comes before a limit: it must be looked at even where the payment would fall anyway, for a refused payment comes back
changed. An instant payment is never held: a hit rejects it (RR04), and whether its parties are screened at all is the
scheme's ``party_screening`` (Regulation (EU) 2024/886, article 5d). A release is screened again: hits that the case
decided stay decided, new ones hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple

import msgspec

from engine.compliance.limits import Limits, data_quality
from engine.compliance.screening import Hit, Screener, Screening, Suppressed
from payments import Finding, Payment, PaymentKind

Decision = Literal["CLEARED", "HELD", "REJECTED"]
PartyScreening = Literal["off", "on", "own-lists"]

#: Raised with every change of RULES or of what one of them does.
RULES_VERSION: Final = "compliance-1"
#: ISO 20022 ExternalStatusReason1Code: regulatory reason.
REGULATORY: Final = "RR04"
#: What the counterparty reads: never which list or which entry.
REGULATORY_TEXT: Final = "regulatory reason"
#: Requests and notices move no money: what they are about was screened when it was paid.
_NOT_SCREENED: Final = frozenset({PaymentKind.CANCELLATION_REQUEST, PaymentKind.NOTIFICATION})


class Clearance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The decision on one payment.

    ``reason`` and ``text`` are for the counterparty (codes of ISO 20022), ``rule`` is the name of the rule that
    decided, ``released`` holds hits that a case had decided already, ``findings`` are warnings.
    """

    decision: Decision
    reason: str | None = None
    text: str = ""
    rule: str = ""
    hits: tuple[Hit, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    released: tuple[Hit, ...] = ()
    findings: tuple[Finding, ...] = ()
    list_version: str = ""
    settings_version: str = ""
    limits_version: str = ""
    rules_version: str = ""


@dataclass(frozen=True)
class ComplianceFacts:
    """What decisions are made from, built once and replaced as a whole when any of it changes.

    ``own_lists``: lists that bind the operator itself, screened where the scheme says ``own-lists``. ``today`` is the
    business date (ISO 8601) for the expiry of good guys. ``refuse_meaningless``: reject rather than warn.
    """

    screener: Screener
    limits: Limits = field(default_factory=Limits)
    own_lists: frozenset[str] = frozenset()
    today: str | None = None
    refuse_meaningless: bool = False

    @cached_property
    def cleared(self) -> Clearance:
        """The clearance of a payment that nothing speaks against, with the versions that every clearance names."""
        list_version, settings_version = self.screener.versions
        return Clearance(
            decision="CLEARED",
            rule="nothing_found",
            list_version=list_version,
            settings_version=settings_version,
            limits_version=self.limits.version,
            rules_version=RULES_VERSION,
        )


class Assessed(NamedTuple):
    """A payment with everything the rules look at."""

    payment: Payment
    instant: bool
    screening: Screening
    over_limit: Finding | None
    quality: tuple[Finding, ...]
    refuse_meaningless: bool


class Verdict(NamedTuple):
    """What a rule says: the decision, the code and the text for the counterparty."""

    decision: Decision
    reason: str
    text: str


def listed_party_in_instant_payment(assessed: Assessed) -> Verdict | None:
    """An instant payment with a hit cannot wait for a person."""
    if assessed.instant and assessed.screening.hits:
        return Verdict("REJECTED", REGULATORY, REGULATORY_TEXT)
    return None


def listed_party(assessed: Assessed) -> Verdict | None:
    """A hit waits for two persons, whatever its measure: the measure says what they may decide."""
    if assessed.screening.hits:
        return Verdict("HELD", REGULATORY, REGULATORY_TEXT)
    return None


def amount_over_limit(assessed: Assessed) -> Verdict | None:
    """A payment above its limit."""
    finding = assessed.over_limit
    if finding is None:
        return None
    return Verdict("REJECTED", finding.code, f"{finding.value}: {finding.rule}; {finding.remedy}")


def meaningless_name(assessed: Assessed) -> Verdict | None:
    """A name that says nothing, where the operator refuses those."""
    if not assessed.refuse_meaningless or not assessed.quality:
        return None
    finding = assessed.quality[0]
    return Verdict("REJECTED", finding.code, f"{finding.place} {finding.value!r}: {finding.rule}; {finding.remedy}")


#: In this order; the first that speaks decides.
RULES: Final[tuple[Callable[[Assessed], Verdict | None], ...]] = (
    listed_party_in_instant_payment,
    listed_party,
    amount_over_limit,
    meaningless_name,
)


def hit_key(hit: Hit) -> str:
    """What a case decides about when it releases a payment: this value, as it stands, against this entry's version."""
    return f"{hit.field}|{hit.party}|{hit.entry_id}|{hit.entry_version}"


def comply(
    payment: Payment,
    facts: ComplianceFacts,
    *,
    instant: bool = False,
    party_screening: PartyScreening = "on",
    scheme: str | None = None,
    participant: str | None = None,
    released: frozenset[str] = frozenset(),
) -> Clearance:
    """Decide on one payment.

    ``instant`` and ``party_screening`` are the scheme's; ``participant`` is the sender for limits; ``released`` holds
    the ``hit_key`` of each hit that two operators released.
    """
    screening, decided = _screened(payment, facts, party_screening, released)
    over_limit = facts.limits.check(payment, scheme, participant)
    quality = data_quality(payment)
    if not screening.hits and not screening.suppressed and over_limit is None and not quality and not decided:
        return facts.cleared
    assessed = Assessed(payment, instant, screening, over_limit, quality, facts.refuse_meaningless)
    rule, verdict = next(
        ((rule.__name__, found) for rule in RULES if (found := rule(assessed)) is not None),
        ("nothing_found", None),
    )
    return msgspec.structs.replace(
        facts.cleared,
        decision=verdict.decision if verdict else "CLEARED",
        reason=verdict.reason if verdict else None,
        text=verdict.text if verdict else "",
        rule=rule,
        hits=screening.hits,
        suppressed=screening.suppressed,
        released=decided,
        findings=quality + ((over_limit,) if over_limit is not None else ()),
    )


def _screened(
    payment: Payment, facts: ComplianceFacts, party_screening: PartyScreening, released: frozenset[str]
) -> tuple[Screening, tuple[Hit, ...]]:
    """The screening with the hits that were released taken out, and these."""
    if payment.kind in _NOT_SCREENED:
        return Screening((), (), *facts.screener.versions), ()
    lists = facts.own_lists if party_screening == "own-lists" else None
    screening = facts.screener.screen(payment, names=party_screening != "off", lists=lists, today=facts.today)
    if not released or not screening.hits:
        return screening, ()
    decided = tuple(hit for hit in screening.hits if hit_key(hit) in released)
    still_open = tuple(hit for hit in screening.hits if hit_key(hit) not in released)
    return msgspec.structs.replace(screening, hits=still_open), decided
