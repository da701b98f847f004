"""The story: what is sent in which order, and what each message is to become.

Rule: expectations are data; a scene that becomes anything else fails the demonstration, whoever is to blame. Answers
are written ``recipient: type``, in any order. Amounts that depend on what an account holds are said by name and
computed when the scene is played, so that the story works whatever ran before. The amounts go round: what a bank pays
in a run comes back to it in the same run or the next, so that it can be told any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from payments import Money

AURORA, LUMIERE, TULPEN = "AURODEFFXXX", "LUMIFRPPXXX", "TULPNL2AXXX"
HARBOR, MESA = "HARBUS33XXX", "MESAUS66XXX"

#: Of Tulpen's accounts: SHORT_BY more than is free there; a quarter of it more than its queue lacks.
Amount = Literal["more-than-available", "more-than-available-instant", "what-is-missing"]
#: How much more than it has Tulpen wants to pay.
SHORT_BY = Money(1_000_000, "EUR")
Decision = Literal["release", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One message and its fate.

    ``first``: outcome of the first decision; ``outcome``: where it ends (the same unless said). ``repeats`` sends the
    bytes of another scene again; ``reference_of`` takes another scene's reference. ``decision`` is what the two persons
    decide about it when it is held, ``because`` their reason.
    """

    name: str
    title: str
    sample: str = ""
    first: str
    outcome: str
    reasons: tuple[str, ...] = ()
    answers: tuple[str, ...]
    amount: Money | Amount | None = None
    repeats: str | None = None
    reference_of: str | None = None
    decision: Decision | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Scenes whose messages are sent together."""

    title: str
    scenes: tuple[Scene, ...] = field(default=())


def _simple(name: str, title: str, sample: str, outcome: str, *answers: str, reason: str | None = None) -> Scene:
    """A scene whose first decision is the last."""
    reasons = () if reason is None else (reason,)
    return Scene(
        name=name, title=title, sample=sample, first=outcome, outcome=outcome, reasons=reasons, answers=answers
    )


STORY: tuple[Chapter, ...] = (
    Chapter(
        "A payment of each family",
        (
            Scene(
                name="mt103",
                title="MT103: Aurora pays a customer of Lumiere, EUR",
                sample="customer-transfer.fin",
                amount=Money(750_000, "EUR"),
                first="SETTLED",
                outcome="SETTLED",
                answers=(f"{AURORA}: ACK", f"{AURORA}: MT900", f"{LUMIERE}: MT103"),
            ),
            _simple(
                "pacs.008",
                "pacs.008: Lumiere pays a customer of Aurora, EUR",
                "customer-transfer.xml",
                "SETTLED",
                f"{LUMIERE}: pacs.002",
                f"{AURORA}: pacs.008.001.08",
            ),
            _simple(
                "mt202",
                "MT202: Harbor pays Mesa, USD",
                "liquidity.fin",
                "SETTLED",
                f"{HARBOR}: ACK",
                f"{HARBOR}: MT900",
                f"{MESA}: MT202",
            ),
            _simple(
                "pacs.009",
                "pacs.009: Mesa pays Harbor, USD",
                "bank-transfer.xml",
                "SETTLED",
                f"{MESA}: pacs.002",
                f"{HARBOR}: pacs.009.001.08",
            ),
            _simple(
                "sct-inst",
                "SCT Inst: Aurora pays a customer of Tulpen at once",
                "instant.xml",
                "SETTLED",
                f"{AURORA}: pacs.002",
                f"{TULPEN}: pacs.008.001.08",
            ),
            _simple(
                "ach",
                "ACH: a payroll file (PPD) of three entries, Harbor to Mesa",
                "payroll.ach",
                "SETTLED",
                f"{HARBOR}: ACH-ACK",
                f"{MESA}: NACHA",
            ),
        ),
    ),
    Chapter(
        "Messages that break their format",
        (
            _simple(
                "mt103-wrong-date",
                "MT103 with a month 13",
                "wrong-date.fin",
                "REJECTED",
                f"{AURORA}: NAK",
                reason="T50",
            ),
            _simple(
                "pacs.008-invalid",
                "pacs.008 that its schema refuses: no ChrgBr",
                "without-charge-bearer.xml",
                "REJECTED",
                f"{LUMIERE}: pacs.002",
                reason="FF01",
            ),
        ),
    ),
    Chapter(
        "The same again, and almost the same",
        (
            Scene(
                name="duplicate",
                title="The first MT103 a second time, byte for byte",
                repeats="mt103",
                first="DUPLICATE",
                outcome="DUPLICATE",
                answers=(f"{AURORA}: ACK", f"{AURORA}: MT900"),
            ),
            Scene(
                name="other-amount",
                title="Its reference again, with another amount",
                sample="customer-transfer.fin",
                reference_of="mt103",
                amount=Money(850_000, "EUR"),
                first="REJECTED",
                outcome="REJECTED",
                reasons=("AM05",),
                answers=(f"{AURORA}: ACK", f"{AURORA}: MT199"),
            ),
        ),
    ),
    Chapter(
        "Short of funds: a high-value payment waits, an instant one cannot",
        (
            Scene(
                name="queued",
                title="MT103: Tulpen pays 10,000.00 more than it has; a credit releases it",
                sample="short-of-funds.fin",
                amount="more-than-available",
                first="QUEUED",
                outcome="SETTLED",
                answers=(f"{TULPEN}: ACK", f"{TULPEN}: MT900", f"{LUMIERE}: MT103"),
            ),
            Scene(
                name="instant-short",
                title="SCT Inst: Tulpen pays 10,000.00 more than it has",
                sample="instant-short-of-funds.xml",
                amount="more-than-available-instant",
                first="REJECTED",
                outcome="REJECTED",
                reasons=("AM04",),
                answers=(f"{TULPEN}: pacs.002",),
            ),
        ),
    ),
    Chapter(
        "The credit that was missing",
        (
            Scene(
                name="releasing-credit",
                title="MT202: Aurora pays Tulpen, and Tulpen's queue moves",
                sample="releasing-credit.fin",
                amount="what-is-missing",
                first="SETTLED",
                outcome="SETTLED",
                answers=(f"{AURORA}: ACK", f"{AURORA}: MT900", f"{TULPEN}: MT202"),
            ),
        ),
    ),
    Chapter(
        "Names on the sanctions list: two persons decide",
        (
            Scene(
                name="namesake",
                title="MT103 to a namesake of a listed person, released",
                sample="namesake.fin",
                first="HELD",
                outcome="SETTLED",
                decision="release",
                because="The creditor is a singer born in 1995 in Utrecht, the listed person was born in 1961.",
                answers=(f"{LUMIERE}: ACK", f"{LUMIERE}: MT900", f"{TULPEN}: MT103"),
            ),
            Scene(
                name="listed",
                title="pacs.008 to a listed organisation, refused",
                sample="listed-organisation.xml",
                first="HELD",
                outcome="REJECTED",
                reasons=("RR04",),
                decision="reject",
                because="Name and business are those of the listed organisation.",
                answers=(f"{AURORA}: pacs.002", f"{AURORA}: pacs.002"),
            ),
        ),
    ),
    Chapter(
        "A file with one bad entry",
        (
            _simple(
                "ach-one-bad",
                "ACH: a supplier file (CCD), the third entry's routing number is wrong",
                "one-bad-entry.ach",
                "PARTIAL",
                f"{MESA}: ACH-ACK",
                f"{HARBOR}: NACHA",
                reason="R28",
            ),
        ),
    ),
)

#: Every scene, in the order in which they are sent.
SCENES: tuple[Scene, ...] = tuple(scene for chapter in STORY for scene in chapter.scenes)
