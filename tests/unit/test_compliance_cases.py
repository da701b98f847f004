"""Cases: every action in every status, two different operators, the approval bound to what was proposed."""

from __future__ import annotations

import msgspec
import pytest

from engine.compliance.cases import (
    FINAL,
    PAYMENT_STATES,
    ROLES,
    TRANSITIONS,
    Case,
    CaseAction,
    CaseRuleError,
    CaseStatus,
    Operator,
    after,
    approve,
    drop_proposal,
    proposal_hash,
    propose,
    released_keys,
)
from engine.compliance.decision import hit_key
from engine.compliance.screening import Hit

HIT = Hit(
    field="creditor.name",
    value="Orlan Teszkovary",
    entry_id="T:1",
    entry_version="ab" * 8,
    list="T",
    matched_name="Orlan Teszkovary",
    score=0.95,
    reason="equal",
    measure="block",
    party="cd" * 16,
)
CASE = Case(
    case_id=7,
    payment_id="00" * 16,
    attempt=0,
    payment_digest="11" * 32,
    hits=(HIT,),
    list_version="22" * 32,
    settings_version="33" * 8,
)
KIM, LOU = Operator("kim", "officer"), Operator("lou", "officer")


def test_every_action_in_every_status_is_allowed_or_names_the_rule():
    for status in CaseStatus:
        for action in CaseAction:
            case = msgspec.structs.replace(CASE, status=status)
            if (status, action) in TRANSITIONS:
                assert after(case, action, KIM) is TRANSITIONS[status, action]
            else:
                with pytest.raises(CaseRuleError, match="status"):
                    after(case, action, KIM)
    assert {CaseStatus.DECIDED} == FINAL


def test_roles_limit_the_actions():
    for role, actions in ROLES.items():
        for status, action in TRANSITIONS:
            case = msgspec.structs.replace(CASE, status=status)
            if action in actions:
                after(case, action, Operator("ann", role))
            else:
                with pytest.raises(CaseRuleError, match="role"):
                    after(case, action, Operator("ann", role))
    with pytest.raises(CaseRuleError, match="role"):
        after(CASE, CaseAction.PROPOSE, Operator("ann", "cook"))


@pytest.mark.parametrize("decision", ["release", "reject", "block"])
def test_two_operators_decide(decision):
    proposed, proposal = propose(CASE, KIM, decision, "born 1995")
    decided, good_guys = approve(proposed, proposal, LOU, proposal.hash)
    assert (decided.status, decided.decision, good_guys) == (CaseStatus.DECIDED, decision, ())
    assert decision in PAYMENT_STATES
    assert released_keys(decided) == (frozenset({hit_key(HIT)}) if decision == "release" else frozenset())


def rule_of(call, *arguments):
    with pytest.raises(CaseRuleError) as caught:
        call(*arguments)
    return caught.value.rule


def test_nobody_approves_his_own_proposal():
    proposed, proposal = propose(CASE, KIM, "release", "born 1995")
    assert rule_of(approve, proposed, proposal, KIM, proposal.hash) == "four eyes"


def test_the_approval_is_bound_to_what_was_proposed():
    proposed, proposal = propose(CASE, KIM, "release", "born 1995")
    assert rule_of(approve, proposed, proposal, LOU, "0" * 64) == "hash"
    for field, value in (("decision", "reject"), ("reason", "other"), ("proposed_by", "ann")):
        tampered = msgspec.structs.replace(proposal, **{field: value})
        assert rule_of(approve, proposed, tampered, LOU, proposal.hash) == "hash"
    for field, value in (("case_id", 8), ("payment_digest", "44" * 32), ("list_version", "55" * 32), ("hits", ())):
        changed = msgspec.structs.replace(proposed, **{field: value})
        assert rule_of(approve, changed, proposal, LOU, proposal.hash) == "hash"


def test_the_hash_says_the_same_for_the_same():
    assert proposal_hash(CASE, "reject", "r", "kim") == proposal_hash(CASE, "reject", "r", "kim")
    assert len(proposal_hash(CASE, "reject", "r", "kim")) == 64


def test_a_proposal_needs_a_reason_and_a_fitting_measure():
    assert rule_of(propose, CASE, KIM, "release", "  ") == "reason"
    assert rule_of(propose, CASE, KIM, "release", "x" * 2_001) == "reason"
    refer = msgspec.structs.replace(CASE, hits=(msgspec.structs.replace(HIT, measure="refer"),))
    assert rule_of(propose, refer, KIM, "block", "sectoral") == "measure"


def test_a_proposal_is_withdrawn_or_refused_and_the_case_is_open_again():
    ann = Operator("ann", "analyst")
    proposed, proposal = propose(CASE, ann, "release", "born 1995")
    assert drop_proposal(proposed, proposal, ann, CaseAction.WITHDRAW, proposal.hash).status is CaseStatus.OPEN
    assert drop_proposal(proposed, proposal, LOU, CaseAction.REFUSE, proposal.hash).status is CaseStatus.OPEN


def test_dropping_a_proposal_takes_the_right_person_and_what_he_saw():
    ann = Operator("ann", "analyst")
    proposed, proposal = propose(CASE, ann, "release", "born 1995")
    seen = proposal.hash
    assert rule_of(drop_proposal, proposed, proposal, Operator("bob", "analyst"), CaseAction.REFUSE, seen) == "role"
    assert rule_of(drop_proposal, proposed, proposal, LOU, CaseAction.WITHDRAW, seen) == "author"
    assert rule_of(drop_proposal, proposed, proposal, LOU, CaseAction.REFUSE, "0" * 64) == "hash"
    own, his = propose(CASE, KIM, "release", "born 1995")
    assert rule_of(drop_proposal, own, his, KIM, CaseAction.REFUSE, his.hash) == "author"


def test_what_could_not_be_read_can_only_be_rejected():
    unread = msgspec.structs.replace(CASE, hits=(), readable=False)
    assert rule_of(propose, unread, KIM, "release", "mended") == "no payment"
    assert rule_of(propose, unread, KIM, "block", "mended") == "no payment"
    assert propose(unread, KIM, "reject", "mended")[1].decision == "reject"


def test_a_release_can_make_a_good_guy():
    proposed, proposal = propose(CASE, KIM, "release", "born 1995", ("T:1",), "2027-01-31")
    _, (good,) = approve(proposed, proposal, LOU, proposal.hash)
    assert (good.party, good.entry_id, good.entry_version) == (HIT.party, "T:1", HIT.entry_version)
    assert (good.proposed_by, good.approved_by, good.expires) == ("kim", "lou", "2027-01-31")


@pytest.mark.parametrize(
    ("decision", "entries", "expire"),
    [("reject", ("T:1",), "2027-01-31"), ("release", ("T:1",), None), ("release", ("T:9",), "2027-01-31")],
    ids=["not released", "no last day", "no such hit"],
)
def test_good_guys_come_only_with_a_release_of_their_hit(decision, entries, expire):
    assert rule_of(propose, CASE, KIM, decision, "born 1995", entries, expire) == "good guy"
