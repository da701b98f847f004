"""Admission: whether an instruction may enter the book today.

Rule: an ordered tuple of small rules, the first that objects decides; the date is looked at last, for it may send a
payment to the warehouse instead of away. What stops a whole book is no rejection: a stopped book is not read from.
``Facts`` is built once for a batch; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from payments import Money, PaymentKind
from settlement.calendar import Calendar, is_past, local
from settlement.day import BusinessDay, Phase
from settlement.instruction import Instruction
from settlement.reason import Reason
from settlement.schemes import SCHEMES, Scheme

Verdict = Literal["ADMIT", "WAREHOUSE", "REJECT"]


class Participant(msgspec.Struct, frozen=True):
    """A participant as this book knows it. ``account``: its account here; ``daily_limit`` in minor units, or none."""

    status: Literal["active", "suspended"] = "active"
    account: Literal["open", "closed", "none"] = "open"
    daily_limit: int | None = None


class Admission(msgspec.Struct, frozen=True):
    """What admission decided: ``until`` (ISO date) with WAREHOUSE, ``reason`` with REJECT."""

    verdict: Verdict
    until: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true for one batch. ``used_today``: participant -> outgoing of today (``Book.used_today``), live.

    ``over``: scheme name -> the kinds of payment that are over for the business date ("customer", "interbank").
    ``stopped``: the operator stopped the book; the writer then reads nothing, and nothing is rejected for it.
    """

    business_date: str
    phase: Phase
    participants: Mapping[str, Participant]
    used_today: Callable[[str], int]
    over: Mapping[str, frozenset[str]]
    calendars: Mapping[str, Calendar]
    stopped: bool = False


def facts(
    day: BusinessDay,
    participants: Mapping[str, Participant],
    used_today: Callable[[str], int],
    calendars: Mapping[str, Calendar],
    now: datetime | None = None,
    stopped: bool = False,
) -> Facts:
    """Facts of a batch. With ``now`` (aware) the schemes' clock times count too, without it the day's phase alone.

    ``calendars`` is by calendar name. Cut-offs by command are the rule of the house; the clock only adds to them.
    """
    over = {
        name: _over(scheme, day, None if now is None else local(now, scheme.zone)) for name, scheme in SCHEMES.items()
    }
    return Facts(day.day.isoformat(), day.phase, participants, used_today, over, calendars, stopped)


_NONE: frozenset[str] = frozenset()
_CUSTOMER = frozenset(("customer",))
_ALL = frozenset(("customer", "interbank"))


def _over(scheme: Scheme, day: BusinessDay, now: datetime | None) -> frozenset[str]:
    if day.phase in (Phase.CLOSING, Phase.CLOSED):
        return _ALL
    over = _CUSTOMER if day.phase is Phase.CUT_OFF and scheme.customer_cut_off is not None else _NONE
    if now is not None:
        if is_past(scheme.interbank_cut_off, day.day, now):
            return _ALL
        if is_past(scheme.customer_cut_off, day.day, now):
            return _CUSTOMER
    return over


def _parties(instruction: Instruction, known: Facts) -> Reason | None:
    debit = known.participants.get(instruction.debit)
    credit = known.participants.get(instruction.credit)
    if (
        debit is not None
        and credit is not None
        and debit.status == credit.status == "active"
        and debit.account == credit.account == "open"
        and instruction.debit != instruction.credit
    ):
        return None
    return _party_reason(instruction, debit, credit)


def _party_reason(instruction: Instruction, debit: Participant | None, credit: Participant | None) -> Reason:
    codes, book = SCHEMES[instruction.scheme].codes, instruction.book
    payer, payee = instruction.debit, instruction.credit
    if payer == payee:
        return Reason(codes.forbidden, f"payer and receiver are both {payer}: it settles in its own books")
    if debit is None or debit.account == "none":
        return Reason(codes.debtor_agent_unknown, f"the payer {payer} has no account in {book}")
    if credit is None or credit.account == "none":
        return Reason(codes.creditor_agent_unknown, f"the receiver {payee} has no account in {book}")
    if debit.status == "suspended":
        return Reason(codes.debtor_agent_suspended, f"the payer {payer} is suspended from {book}")
    if credit.status == "suspended":
        return Reason(codes.creditor_agent_suspended, f"the receiver {payee} is suspended from {book}")
    if debit.account == "closed":
        return Reason(codes.debtor_account_closed, f"the account of the payer {payer} in {book} is closed")
    return Reason(codes.creditor_account_closed, f"the account of the receiver {payee} in {book} is closed")


def _currency(instruction: Instruction, _: Facts) -> Reason | None:
    scheme = SCHEMES[instruction.scheme]
    if instruction.currency == scheme.currency:
        return None
    text = f"{instruction.currency} does not settle in {scheme.name}: send {scheme.currency}"
    return Reason(scheme.codes.currency, text)


def _amount(instruction: Instruction, _: Facts) -> Reason | None:
    scheme = SCHEMES[instruction.scheme]
    if scheme.minimum <= instruction.amount_minor <= scheme.maximum:
        return None
    amount = Money(instruction.amount_minor, scheme.currency)
    if instruction.amount_minor <= 0:
        return Reason(scheme.codes.zero_amount, f"{amount} moves no money")
    if instruction.amount_minor < scheme.minimum:
        least = Money(scheme.minimum, scheme.currency)
        return Reason(scheme.codes.amount_too_low, f"{amount} is less than the {least} that {scheme.name} takes")
    most = Money(scheme.maximum, scheme.currency)
    return Reason(scheme.codes.amount_too_high, f"{amount} is more than the {most} that {scheme.name} takes")


def _daily_limit(instruction: Instruction, known: Facts) -> Reason | None:
    limit = known.participants[instruction.debit].daily_limit
    if limit is None:
        return None
    used = known.used_today(instruction.debit)
    if used + instruction.amount_minor <= limit:
        return None
    scheme = SCHEMES[instruction.scheme]
    amount, whole, spent = (Money(minor, scheme.currency) for minor in (instruction.amount_minor, limit, used))
    text = f"{amount} on top of {spent} of today is over the daily limit {whole} of {instruction.debit}"
    return Reason(scheme.codes.daily_limit, text)


Rule = Callable[[Instruction, Facts], Reason | None]
#: The rules, in order: the first that objects gives the reason.
RULES: tuple[Rule, ...] = (_parties, _currency, _amount, _daily_limit)

_ADMIT = Admission("ADMIT")
_INTERBANK = PaymentKind.FINANCIAL_INSTITUTION_TRANSFER.value


def admit(instruction: Instruction, known: Facts, due: str | None = None) -> Admission:
    """Run the rules. ``due``: the date until which the payment was warehoused; it stands for its value date then."""
    for rule in RULES:
        reason = rule(instruction, known)
        if reason is not None:
            return Admission("REJECT", reason=reason)
    over = known.over[instruction.scheme]
    value_date = instruction.value_date if due is None else max(due, known.business_date)
    if not over and (value_date is None or value_date == known.business_date):
        return _ADMIT
    return _place(instruction, known, value_date or known.business_date, over)


def _reject(code: str, text: str) -> Admission:
    return Admission("REJECT", reason=Reason(code, text))


def _place(instruction: Instruction, known: Facts, value_date: str, over: frozenset[str]) -> Admission:
    """Find the business date on which it settles: today, a later one (warehouse), or none."""
    scheme = SCHEMES[instruction.scheme]
    calendar = known.calendars[scheme.calendar]
    today = date.fromisoformat(known.business_date)
    try:
        asked = date.fromisoformat(value_date)
        settles = calendar.following(asked)
    except ValueError:
        return _reject(scheme.codes.date, f"{value_date} is not a date on which {scheme.name} can settle")
    if settles < today and scheme.past_days is not None and (today - asked).days > scheme.past_days:
        text = f"value date {value_date} is past, the business date is {today}: send it with a new date"
        return _reject(scheme.codes.date, text)
    settles = max(settles, today)
    if settles == today:
        stream = "interbank" if instruction.kind == _INTERBANK else "customer"
        if stream not in over:
            return _ADMIT
        if known.phase in (Phase.CLOSING, Phase.CLOSED) and scheme.customer_cut_off is None:
            return _reject(scheme.codes.not_available, f"{instruction.book} is closed for {today}")
        if scheme.after_cut_off == "reject":
            text = f"the cut-off of {scheme.name} for {stream} payments of {today} has passed: send it for the next day"
            return _reject(scheme.codes.cut_off, text)
        settles = calendar.next(today)
    if settles - today > timedelta(days=scheme.warehouse_days) and asked > today:
        text = f"value date {value_date} is more than {scheme.warehouse_days} days after the business date {today}"
        return _reject(scheme.codes.date, text)
    return Admission("WAREHOUSE", until=settles.isoformat())
