"""Parties, agents, accounts and addresses of a message, from its facts.

Rule: one reading for all editions: an agent's BIC is ``BIC`` before 2010 and ``BICFI`` since, a party may stand in a
``Pty`` wrapper (since 2019, in original and return references), and then may be an agent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from parsers.iso20022.facts import Facts, listed
from payments import Address, Agent, Party

_EMPTY: Facts = {}


def address(facts: Facts | None) -> Address | None:
    """PostalAddress: free lines and whatever is structured."""
    if not facts:
        return None
    return Address(
        lines=tuple([line for line in listed(facts["AdrLine"]) if line]) if "AdrLine" in facts else (),
        street=facts.get("StrtNm"),
        building=facts.get("BldgNb"),
        postal_code=facts.get("PstCd"),
        town=facts.get("TwnNm"),
        country_subdivision=facts.get("CtrySubDvsn"),
        country=facts.get("Ctry"),
    )


def account_number(facts: Facts | None) -> str | None:
    """CashAccount: its IBAN or the servicer's own number."""
    if not facts:
        return None
    identification = facts.get("Id")
    if not identification:
        return None
    iban: str | None = identification.get("IBAN")
    if iban is not None:
        return iban
    other: str | None = (identification.get("Othr") or _EMPTY).get("Id")
    return other


@lru_cache(maxsize=4_096)
def _agent_of(bic: str) -> Agent:
    """The agent of a BIC alone, one object for all messages that name it."""
    return Agent(bic=bic)


def agent(facts: Facts | None, account: Facts | None = None) -> Agent | None:
    """BranchAndFinancialInstitutionIdentification."""
    if not facts:
        return None
    institution = facts.get("FinInstnId") or _EMPTY
    bic = institution.get("BICFI") or institution.get("BIC")
    if len(institution) == 1 and bic is not None and account is None:
        return _agent_of(bic)
    member = institution.get("ClrSysMmbId") or _EMPTY
    system = member.get("ClrSysId") or _EMPTY
    return Agent(
        bic=bic,
        clearing_system=system.get("Cd") or system.get("Prtry"),
        clearing_id=member.get("MmbId"),
        name=institution.get("Nm"),
        account=account_number(account),
        address=address(institution.get("PstlAdr")),
    )


def party(facts: Facts | None, account: Facts | None = None) -> Party | None:
    """PartyIdentification, or an institution in the place of a party; None when there is neither party nor account."""
    if facts:
        if "Pty" in facts:
            facts = facts["Pty"]
        elif "Agt" in facts:
            facts = facts["Agt"]
    if not facts:
        return Party(account=account_number(account)) if account else None
    if "FinInstnId" in facts:
        return _institution(facts, account)
    identification = facts.get("Id")
    name, postal = facts.get("Nm"), address(facts.get("PstlAdr"))
    if not identification:
        return Party(name=name, account=account_number(account), address=postal)
    organisation = identification.get("OrgId") or {}
    person = identification.get("PrvtId") or {}
    other = next(iter(listed(organisation.get("Othr") or person.get("Othr"))), None) or {}
    return Party(
        name=name,
        account=account_number(account),
        address=postal,
        bic=organisation.get("AnyBIC") or organisation.get("BICOrBEI"),
        lei=organisation.get("LEI"),
        identification=other.get("Id"),
        birth_date=(person.get("DtAndPlcOfBirth") or {}).get("BirthDt"),
    )


def _institution(facts: Facts, account: Facts | None) -> Party:
    """An institution that is itself debtor or creditor (pacs.009)."""
    institution = facts["FinInstnId"] or {}
    return Party(
        name=institution.get("Nm"),
        account=account_number(account),
        address=address(institution.get("PstlAdr")),
        bic=institution.get("BICFI") or institution.get("BIC"),
        lei=institution.get("LEI"),
    )


def identity(found: Agent | None) -> str | None:
    """What an agent is known by to us: its BIC, else its number in a clearing system."""
    if found is None:
        return None
    return found.bic or found.clearing_id


def identity_in(facts: Any, *steps: str) -> str | None:
    """The identity of the agent at a path below facts of whatever shape: of a message that broke its schema, too."""
    for step in (*steps, "FinInstnId"):
        facts = facts.get(step) if isinstance(facts, dict) else None
    if not isinstance(facts, dict):
        return None
    member = facts.get("ClrSysMmbId")
    number = member.get("MmbId") if isinstance(member, dict) else None
    found = (facts.get("BICFI"), facts.get("BIC"), number)
    return next((value for value in found if isinstance(value, str)), None)
