"""Roles: one table, from which cases and commands take what a role may do."""

from __future__ import annotations

from engine.compliance import cases
from engine.compliance.cases import CaseAction
from engine.roles import ROLES, roles_for


def test_the_rules_of_cases_know_exactly_the_roles_there_are():
    assert set(cases.ROLES) == set(ROLES)


def test_who_moves_money_decides_no_case_and_who_decides_cases_moves_no_money():
    for name, role in ROLES.items():
        assert not ("book" in role.may and cases.ROLES[name]), name


def test_an_analyst_proposes_and_an_officer_also_approves():
    assert cases.ROLES["analyst"] == {CaseAction.PROPOSE, CaseAction.WITHDRAW}
    assert cases.ROLES["officer"] == set(CaseAction)
    assert roles_for("book") == ("operator", "supervisor")
