"""What a decided case sends back into the stream: the held payment's next attempt, with the decision on it.

Rule: pure. A release is screened and routed anew, so everything that was found out about the held attempt is cleared
and only the hits that two persons saw are named; a refusal carries a code of ISO 20022 ExternalStatusReason1Code and
never what was found (RR04: regulatory reason, MS03: not specified). The attempt has a number of its own, so that the
inbox takes it once.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.bus.topics import REJECTED, RELEASED
from engine.compliance.cases import Case, Proposal, released_keys
from engine.compliance.decision import REGULATORY, REGULATORY_TEXT, hit_key
from engine.wire import Envelope, Rejection, Release

#: What the counterparty reads where processing had failed, not a rule had spoken.
_FAILED: Final = Rejection("MS03", "the message could not be processed", "operations")
_REGULATORY: Final = Rejection(REGULATORY, REGULATORY_TEXT, "compliance")


def next_attempt(held: Envelope, case: Case, proposal: Proposal, approved_by: str) -> tuple[str, Envelope]:
    """Topic and envelope of a decided case: ``held`` as it was put aside, ``case`` as approved."""
    attempt = msgspec.structs.replace(held, attempt=held.attempt + 1, route=None)
    if case.decision == "release":
        return RELEASED, msgspec.structs.replace(
            attempt,
            state="RECEIVED",
            clearance=None,
            rejection=None,
            crash=None,
            release=Release(
                case_id=case.case_id,
                proposed_by=proposal.proposed_by,
                approved_by=approved_by,
                reason=proposal.reason,
                hits=tuple(sorted(released_keys(case) | _released_before(held))),
            ),
        )
    return REJECTED, msgspec.structs.replace(
        attempt,
        state="BLOCKED" if case.decision == "block" else "REJECTED",
        rejection=_REGULATORY if held.crash is None else _FAILED,
        crash=None,
        release=None,
    )


def _released_before(held: Envelope) -> frozenset[str]:
    """Hits that an earlier case of this payment released: without them its next screening would hold it for those."""
    return frozenset() if held.clearance is None else frozenset(map(hit_key, held.clearance.released))
