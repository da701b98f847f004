"""``qenex cases``: what is held, why, and what two operators decide about it.

Rule: the first operator's ``decide --decision`` proposes and prints the proposal's hash; the second one's ``decide
--approve HASH`` approves exactly that. Who acts is who holds the token; a rule that forbids it is named and ends the
command with 1.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from engine import ids
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.compliance.cases import CaseRuleError, CaseStatus, Operator
from engine.compliance.screening import Hit
from engine.errors import UsageFault
from engine.roles import Permission
from engine.store import cases as store
from engine.store.cases import ListedCase, Proposed, StoredCase, UnknownCaseError
from engine.store.connection import Connection
from engine.store.outcomes import moment

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Held payments: two operators decide, the second about exactly what the first proposed.",
)
CaseArgument = Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.", min=1, max=2**31 - 1)]
_HASH_LENGTH = 64


class Decision(StrEnum):
    """What can be proposed."""

    RELEASE = "release"
    REJECT = "reject"
    BLOCK = "block"


@app.command("list")
def list_(
    status: Annotated[CaseStatus | None, typer.Option("--status", help="Cases of this status only.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """List cases, oldest first.

    Example: `qenex cases list --status open`
    """
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        records = [_listed(each) for each in store.list_cases(connection, status)]
    if json:
        json_lines(records)
        return 0
    for record in records:
        record["stands"] = record["decision"] or (record["proposed"] and f"{record['proposed']}?")
    columns = ["case", "status", "stands", "proposed_by", "opened_at", "sender", "reference", "amount", "currency"]
    table(records, [*columns, "summary"], right="case amount")
    return 0


def _listed(each: ListedCase) -> dict[str, Any]:
    return {
        "case": each.case_id,
        "status": each.status,
        "kind": each.kind,
        "payment": ids.shown(each.payment_id),
        "attempt": each.attempt,
        "sender": each.sender,
        "reference": each.reference,
        "amount": None if each.amount is None else each.amount.decimal,
        "currency": None if each.amount is None else each.amount.currency,
        "opened_at": moment(each.opened_at),
        "summary": each.summary,
        "proposed": each.proposed,
        "proposed_by": each.proposed_by,
        "decision": each.decision,
        "decided_at": None if each.decided_at is None else moment(each.decided_at),
    }


@app.command()
def show(case: CaseArgument, data: DataOption = None, json: JsonOption = False) -> int:
    """Show a case: the payment, each hit with its reason, what is proposed, and what to type next.

    Example: `qenex cases show 7`
    """
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        record = _record(_found(connection, case))
    if json:
        json_line(record)
    else:
        _show(record)
    return 0


def _found(connection: Connection, case_id: int) -> StoredCase:
    try:
        return store.load(connection, case_id)
    except UnknownCaseError as problem:
        raise _unknown(problem) from None


def _unknown(problem: UnknownCaseError) -> UsageFault:
    return UsageFault(f"{problem}".capitalize() + ". Which there are: qenex cases list")


def _record(stored: StoredCase) -> dict[str, Any]:
    case, envelope = stored.case, stored.envelope
    clearance = envelope.clearance
    return {
        "case": case.case_id,
        "status": case.status,
        "kind": stored.kind,
        "opened_at": moment(stored.opened_at),
        "summary": stored.summary,
        "decision": case.decision,
        "decided_at": None if stored.decided_at is None else moment(stored.decided_at),
        "payment": case.payment_id,
        "attempt": case.attempt,
        "type": envelope.type,
        "sender": envelope.sender,
        "reference": envelope.reference,
        "scheme": envelope.scheme,
        "content": None if envelope.payment is None else envelope.payment.record(),
        "hits": [_hit(hit) for hit in case.hits],
        "released_before": [_hit(hit) for hit in (() if clearance is None else clearance.released)],
        "rule": None if clearance is None else clearance.rule,
        "list_version": case.list_version or None,
        "settings_version": case.settings_version or None,
        "error": envelope.crash,
        "proposals": [_proposal(each) for each in stored.proposals],
        "next": _next(stored),
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in hit.__struct_fields__}


def _proposal(each: Proposed) -> dict[str, Any]:
    proposal = each.proposal
    withdrawn = each.dropped_by == proposal.proposed_by
    return {
        "hash": proposal.hash,
        "decision": proposal.decision,
        "reason": proposal.reason,
        "good_guys": list(proposal.good_guy_entries),
        "good_guys_expire": proposal.good_guys_expire,
        "proposed_by": proposal.proposed_by,
        "proposed_at": moment(each.proposed_at),
        "fate": "approved" if each.approved_by else "stands" if each.dropped_by is None else _dropped(withdrawn),
        "by": each.approved_by or each.dropped_by,
        "at": next((moment(at) for at in (each.approved_at, each.dropped_at) if at is not None), None),
    }


def _dropped(withdrawn: bool) -> str:
    return "withdrawn" if withdrawn else "refused"


def _next(stored: StoredCase) -> list[str]:
    """What can be typed now."""
    number, standing = stored.case.case_id, stored.standing
    if stored.case.status is CaseStatus.DECIDED:
        return [f"qenex trace {stored.case.payment_id}"]
    if standing is not None:
        return [
            f"qenex cases decide {number} --approve {standing.hash}   (an officer who is not {standing.proposed_by})",
            f"qenex cases decide {number} --refuse {standing.hash}   (the same)",
            f"qenex cases decide {number} --withdraw {standing.hash}   ({standing.proposed_by})",
        ]
    decisions = ["release", "reject"] if stored.case.readable else ["reject"]
    if stored.case.readable and any(hit.measure == "block" for hit in stored.case.hits):
        decisions.append("block")
    return [f"qenex cases decide {number} --decision {'|'.join(decisions)} --reason TEXT"]


def _show(record: dict[str, Any]) -> None:
    decided = f": {record['decision']}, {record['decided_at']}" if record["decision"] else ""
    line(f"Case {record['case']} is {record['status']}{decided}  (opened {record['opened_at']}, {record['kind']})")
    line(f"  payment   {record['payment']}, attempt {record['attempt']}")
    line(f"  message   {record['type'] or '-'} from {record['sender'] or '-'}, reference {record['reference'] or '-'}")
    if record["content"] is not None:
        _show_payment(record["content"])
    if record["error"]:
        line(f"  error     {record['error'].splitlines()[0][:400]}")
    if record["list_version"]:
        line(f"  versions  list {record['list_version']}, settings {record['settings_version']}")
    if record["hits"]:
        columns = ["field", "value", "score", "list", "entry_id", "matched_name", "measure", "reason"]
        table(record["hits"], columns, title="Hits", right="score")
    if record["released_before"]:
        table(record["released_before"], ["field", "value", "list", "entry_id"], title="Released by an earlier case")
    for proposal in record["proposals"]:
        _show_proposal(proposal)
    line("Next:")
    for text in record["next"]:
        line(f"  {text}")


def _show_payment(content: dict[str, Any]) -> None:
    line(
        f"  amount    {content['amount'] or '-'} {content['currency'] or ''}, value date {content['value_date'] or '-'}"
    )
    for side in ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor"):
        party = content[side]
        if party is not None:
            words = (party["name"], party["account"], party["birth_date"], _address(party["address"]))
            line(f"  {side.replace('_', ' ')[:17]:9} {', '.join(word for word in words if word) or '-'}")
    if content["remittance"]:
        line(f"  for       {content['remittance']}")


def _address(address: dict[str, Any] | None) -> str | None:
    if address is None:
        return None
    named = ("street", "building", "postal_code", "town", "country_subdivision", "country")
    return " ".join([*address["lines"], *(address[name] for name in named if address[name])]) or None


def _show_proposal(proposal: dict[str, Any]) -> None:
    fate = "" if proposal["by"] is None else f" by {proposal['by']}, {proposal['at']}"
    line(f"Proposal of {proposal['proposed_by']}, {proposal['proposed_at']}: {proposal['decision']}")
    line(f"  reason    {proposal['reason']}")
    if proposal["good_guys"]:
        line(f"  good guy  {', '.join(proposal['good_guys'])}, until {proposal['good_guys_expire']}")
    line(f"  hash      {proposal['hash']}")
    line(f"  fate      {proposal['fate']}{fate}")


@app.command(no_args_is_help=True)
def decide(
    case: CaseArgument,
    decision: Annotated[Decision | None, typer.Option("--decision", help="First operator: what he proposes.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the case file.", metavar="TEXT")] = None,
    good_guy: Annotated[
        list[str] | None,
        typer.Option("--good-guy", metavar="ENTRY", help="With a release: this party is not that listed entry."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="DATE", help="Last day of the good guy, YYYY-MM-DD.")
    ] = None,
    approve: Annotated[
        str | None, typer.Option("--approve", metavar="HASH", help="Second operator: approve what has this hash.")
    ] = None,
    refuse: Annotated[
        str | None, typer.Option("--refuse", metavar="HASH", help="Second operator: refuse it; the case is open again.")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", metavar="HASH", help="First operator: take his proposal back.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Propose a decision, or approve, refuse or withdraw the one that stands proposed.

    Nobody approves his own proposal. Exit 1 when a rule forbids it; nothing has changed then.

    Example: `qenex cases decide 7 --decision release --reason "born 1995, the listed person 1951"`,
    then the second operator: `qenex cases decide 7 --approve HASH`
    """
    proposed = (decision, reason, tuple(good_guy or ()), expires)
    action, permission = _action(case, proposed, {"approve": approve, "refuse": refuse, "withdraw": withdraw})
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        acting = services.acting(settings, connection)
        if acting.role is None:  # whether an operator's role is enough is a rule of cases, named like the others
            services.require(settings, connection, permission)
        try:
            said = action(connection, Operator(acting.name, acting.role or ""))
        except CaseRuleError as refused:
            if json:
                json_line({"case": case, "ok": False, "rule": refused.rule, "text": str(refused)})
            say(f"refused: {refused}")
            return 1
        except UnknownCaseError as problem:
            raise _unknown(problem) from None
        record = _record(_found(connection, case))
    if json:
        json_line({"ok": True, **record, "hash": record["proposals"][-1]["hash"]})
        return 0
    line(said)
    for text in record["next"]:
        line(f"  {text}")
    return 0


_Proposed = tuple[Decision | None, str | None, tuple[str, ...], str | None]
#: Carries out what was asked for and says what was done.
_Action = Callable[[Connection, Operator], str]


def _action(case: int, proposed: _Proposed, hashes: dict[str, str | None]) -> tuple[_Action, Permission]:
    """The one thing asked for, and the permission it takes; UsageFault when it is none, several or half of one."""
    given = {name: value.strip().lower() for name, value in hashes.items() if value is not None}
    decision, reason, good_guys, expires = proposed
    if len(given) + (decision is not None) != 1:
        raise UsageFault("Give one of --decision, --approve, --refuse, --withdraw.")
    if decision is not None:
        return _propose(case, decision, reason, good_guys, expires), "cases.propose"
    if reason is not None or good_guys or expires is not None:
        raise UsageFault("--reason, --good-guy and --expires belong to --decision: what was proposed is not changed.")
    ((name, seen),) = given.items()
    if len(seen) != _HASH_LENGTH or not set(seen) <= set("0123456789abcdef"):
        raise UsageFault(
            f"--{name} {seen}: a hash has {_HASH_LENGTH} hexadecimal digits. It is in: qenex cases show {case}"
        )
    if name == "approve":
        return _approve(case, seen), "cases.approve"
    drop = store.withdraw if name == "withdraw" else store.refuse

    def dropped(connection: Connection, operator: Operator) -> str:
        drop(connection, case, operator, seen)
        return f"Case {case}: the proposal is {_dropped(name == 'withdraw')}, the case is open again."

    return dropped, "cases.propose" if name == "withdraw" else "cases.approve"


def _propose(
    case: int, decision: Decision, reason: str | None, good_guys: tuple[str, ...], expires: str | None
) -> _Action:
    if reason is None:
        raise UsageFault("--decision needs --reason TEXT: what the second operator and the auditor will read.")
    if expires is not None:
        try:
            expires = date.fromisoformat(expires).isoformat()
        except ValueError:
            raise UsageFault(f"--expires {expires}: not a date YYYY-MM-DD.") from None

    def proposed(connection: Connection, operator: Operator) -> str:
        made = store.propose(connection, case, operator, decision.value, reason, good_guys, expires)
        return f"Case {case}: {operator.name} proposes to {decision}. Hash of the proposal:\n{made.hash}"

    return proposed


def _approve(case: int, seen: str) -> _Action:
    def approved(connection: Connection, operator: Operator) -> str:
        decided = store.approve(connection, case, operator, seen)
        goes = "is screened and routed again" if decided.decision == "release" else "is refused to its sender"
        return f"Case {case} is decided ({decided.decision}), approved by {operator.name}: the payment {goes}."

    return approved
