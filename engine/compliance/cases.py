"""Cases: a held payment, what one operator proposes, what a second one approves.

Rule: pure values and rules; someone else stores them. TRANSITIONS is the whole life of a case. Whoever approves is not
whoever proposed, and approves what was proposed: the approval carries the SHA-256 of the proposal over canonical JSON,
so a changed case, decision or reason needs a fresh pair. Errors name the rule.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final, Literal

import msgspec

from engine import roles
from engine.compliance.decision import hit_key
from engine.compliance.screening import GoodGuy, Hit
from engine.roles import Permission

CaseDecision = Literal["release", "reject", "block"]
#: Decision -> state of the payment.
PAYMENT_STATES: Final[dict[CaseDecision, str]] = {"release": "CLEARED", "reject": "REJECTED", "block": "BLOCKED"}
#: Longest reason: what fits a page of the case file.
REASON_MAX: Final = 2_000


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    DECIDED = "decided"


class CaseAction(StrEnum):
    """What an operator does to a case."""

    PROPOSE = "propose"
    WITHDRAW = "withdraw"
    REFUSE = "refuse"
    APPROVE = "approve"


TRANSITIONS: Final[dict[tuple[CaseStatus, CaseAction], CaseStatus]] = {
    (CaseStatus.OPEN, CaseAction.PROPOSE): CaseStatus.PROPOSED,
    (CaseStatus.PROPOSED, CaseAction.WITHDRAW): CaseStatus.OPEN,
    (CaseStatus.PROPOSED, CaseAction.REFUSE): CaseStatus.OPEN,
    (CaseStatus.PROPOSED, CaseAction.APPROVE): CaseStatus.DECIDED,
}
FINAL: Final = frozenset(CaseStatus) - {before for before, _ in TRANSITIONS}
#: Permission -> what it allows to do to a case.
_ACTIONS: Final[dict[Permission, frozenset[CaseAction]]] = {
    "cases.propose": frozenset({CaseAction.PROPOSE, CaseAction.WITHDRAW}),
    "cases.approve": frozenset({CaseAction.REFUSE, CaseAction.APPROVE}),
}
#: Role -> what it may do to a case.
ROLES: Final[dict[str, frozenset[CaseAction]]] = {
    name: frozenset(action for permission in role.may for action in _ACTIONS.get(permission, ()))
    for name, role in roles.ROLES.items()
}


class CaseRuleError(ValueError):
    """The action is not allowed; the message names the rule."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


class Operator(msgspec.Struct, frozen=True):
    """Who acts: known by a token, with a role of ROLES."""

    name: str
    role: str


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that waits for two persons.

    ``payment_digest`` is the SHA-256 of the payment as it was held. ``readable`` is False for a message whose
    processing failed before a payment could be read from it: there is nothing that could go on.
    """

    case_id: int
    payment_id: str
    attempt: int
    payment_digest: str
    hits: tuple[Hit, ...]
    list_version: str
    settings_version: str
    readable: bool = True
    status: CaseStatus = CaseStatus.OPEN
    decision: CaseDecision | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What the first operator wants. ``good_guys`` come into force with the approval."""

    case_id: int
    decision: CaseDecision
    reason: str
    proposed_by: str
    good_guy_entries: tuple[str, ...] = ()
    good_guys_expire: str | None = None
    hash: str


def proposal_hash(
    case: Case,
    decision: CaseDecision,
    reason: str,
    proposed_by: str,
    good_guy_entries: tuple[str, ...] = (),
    good_guys_expire: str | None = None,
) -> str:
    """SHA-256 (hexadecimal) over canonical JSON of everything that the approver answers for.

    The case's own status is not in it; payment, hits, versions, decision, reason, author and good guys are.
    """
    proposed = {
        "case_id": case.case_id,
        "payment_id": case.payment_id,
        "attempt": case.attempt,
        "payment_digest": case.payment_digest,
        "hits": sorted(map(hit_key, case.hits)),
        "list_version": case.list_version,
        "settings_version": case.settings_version,
        "decision": decision,
        "reason": reason,
        "proposed_by": proposed_by,
        "good_guy_entries": sorted(good_guy_entries),
        "good_guys_expire": good_guys_expire,
    }
    return hashlib.sha256(msgspec.json.encode(proposed, order="sorted")).hexdigest()


def after(case: Case, action: CaseAction, operator: Operator) -> CaseStatus:
    """The status after an action; CaseRuleError when the status or the operator's role does not allow it."""
    allowed = ROLES.get(operator.role)
    if allowed is None or action not in allowed:
        able = ", ".join(sorted(role for role, actions in ROLES.items() if action in actions))
        raise CaseRuleError("role", f"{operator.name} is {operator.role!r}; to {action} a case takes the role {able}")
    status = TRANSITIONS.get((case.status, action))
    if status is None:
        raise CaseRuleError(
            "status", f"case {case.case_id} is {case.status}: it is too late, or too early, to {action}"
        )
    return status


def propose(
    case: Case,
    operator: Operator,
    decision: CaseDecision,
    reason: str,
    good_guy_entries: tuple[str, ...] = (),
    good_guys_expire: str | None = None,
) -> tuple[Case, Proposal]:
    """The first operator's part: the case as proposed, and the proposal with its hash."""
    status = after(case, CaseAction.PROPOSE, operator)
    reason = reason.strip()
    if not reason or len(reason) > REASON_MAX:
        raise CaseRuleError("reason", f"a decision needs a reason of 1 to {REASON_MAX} characters")
    if decision != "reject" and not case.readable:
        raise CaseRuleError(
            "no payment",
            f"case {case.case_id} is a message whose processing failed: no payment was read that could be screened"
            " again; it can only be rejected, and sent anew by its sender",
        )
    if decision == "block" and not any(hit.measure == "block" for hit in case.hits):
        raise CaseRuleError(
            "measure", f"no hit of case {case.case_id} is on a list that freezes funds: release or reject"
        )
    _check_good_guys(case, decision, good_guy_entries, good_guys_expire)
    digest = proposal_hash(case, decision, reason, operator.name, good_guy_entries, good_guys_expire)
    proposal = Proposal(
        case_id=case.case_id,
        decision=decision,
        reason=reason,
        proposed_by=operator.name,
        good_guy_entries=good_guy_entries,
        good_guys_expire=good_guys_expire,
        hash=digest,
    )
    return msgspec.structs.replace(case, status=status), proposal


def _check_good_guys(case: Case, decision: CaseDecision, entries: tuple[str, ...], expire: str | None) -> None:
    if not entries:
        return
    if decision != "release":
        raise CaseRuleError("good guy", f"who is released can be a good guy; this proposal is to {decision}")
    if expire is None:
        raise CaseRuleError("good guy", "a good-guy entry needs a last day")
    strangers = sorted(set(entries) - {hit.entry_id for hit in case.hits})
    if strangers:
        raise CaseRuleError("good guy", f"case {case.case_id} has no hit against {', '.join(strangers)}")


def approve(case: Case, proposal: Proposal, operator: Operator, approved_hash: str) -> tuple[Case, tuple[GoodGuy, ...]]:
    """The second operator's part: the decided case, and the good guys that come into force.

    ``approved_hash`` is the hash that the second operator saw. CaseRuleError names the rule: ``role``, ``status``,
    ``four eyes``, ``hash``.
    """
    status = after(case, CaseAction.APPROVE, operator)
    if operator.name == proposal.proposed_by:
        raise CaseRuleError("four eyes", f"{operator.name} proposed this; another operator has to approve it")
    now = proposal_hash(
        case,
        proposal.decision,
        proposal.reason,
        proposal.proposed_by,
        proposal.good_guy_entries,
        proposal.good_guys_expire,
    )
    if proposal.case_id != case.case_id or not approved_hash == proposal.hash == now:
        raise CaseRuleError(
            "hash", f"what is approved is not what stands proposed in case {case.case_id}: read it again"
        )
    decided = msgspec.structs.replace(case, status=status, decision=proposal.decision)
    return decided, _good_guys(case, proposal, operator)


def _good_guys(case: Case, proposal: Proposal, operator: Operator) -> tuple[GoodGuy, ...]:
    wanted = set(proposal.good_guy_entries)
    pairs = {(hit.party, hit.entry_id, hit.entry_version) for hit in case.hits if hit.entry_id in wanted}
    return tuple(
        GoodGuy(
            party=party,
            entry_id=entry_id,
            entry_version=entry_version,
            expires=proposal.good_guys_expire or "",
            reason=proposal.reason,
            proposed_by=proposal.proposed_by,
            approved_by=operator.name,
        )
        for party, entry_id, entry_version in sorted(pairs)
    )


def drop_proposal(case: Case, proposal: Proposal, operator: Operator, action: CaseAction, seen_hash: str) -> Case:
    """Withdraw one's own proposal, or refuse another's: the case is open again. ``action`` is one of the two."""
    status = after(case, action, operator)
    own = operator.name == proposal.proposed_by
    if own and action is not CaseAction.WITHDRAW:
        raise CaseRuleError("author", f"{operator.name} proposed this himself: his own proposal he can only withdraw")
    if not own and action is CaseAction.WITHDRAW:
        raise CaseRuleError("author", f"{proposal.proposed_by} proposed this: only he withdraws it; refuse it instead")
    if seen_hash != proposal.hash:
        raise CaseRuleError("hash", f"what stands proposed in case {case.case_id} is something else: read it again")
    return msgspec.structs.replace(case, status=status)


def released_keys(case: Case) -> frozenset[str]:
    """For ``comply``: the hits that the case released; empty when it did not."""
    return frozenset(map(hit_key, case.hits)) if case.decision == "release" else frozenset()
