"""Payments as a Nacha file: batches, totals, controls, blocks of ten.

Rule: what is written passes our own reader; trace numbers are those of the payments (a retry never gets new ones);
totals are computed. An entry that came from a file goes out with every field it came in with. Source: Nacha Operating
Rules, Appendix Three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parsers.ach.codes import TRANSACTION_CODES, TransactionCode
from parsers.ach.entries import routing_fault
from parsers.ach.file import joined
from parsers.ach.layouts import (
    BATCH_CONTROL,
    BATCH_CONTROL_ADV,
    BATCH_HEADER,
    ENTRY,
    FILE_CONTROL,
    FILE_CONTROL_ADV,
    FILE_HEADER,
    RECORDS_PER_BLOCK,
    Layout,
    entry_layout,
)
from payments import Party, Payment

_HASH_MODULUS = 10**10
_DETAILS_OF_BATCH = (
    "company_name",
    "company_discretionary",
    "company_id",
    "sec",
    "entry_description",
    "descriptive_date",
    "settlement_date",
)


def write_file(
    *,
    origin: str,
    destination: str,
    origin_name: str,
    destination_name: str,
    created: str,
    modifier: str,
    payments: Sequence[Payment],
) -> bytes:
    """A Nacha file with ``payments``, one batch for each company, class, service class, bank and effective date.

    ``origin`` and ``destination`` are routing numbers (nine digits) or numbers of ten characters agreed upon;
    ``created`` is YYMMDDHHMM; ``modifier`` tells the files of one minute apart (A-Z, 0-9). Each payment's ``details``
    name ``sec`` and ``transaction_code`` at least; money and agents are those of the payment. ValueError says which
    payment cannot be written and why.
    """
    groups: dict[tuple[str, ...], list[Payment]] = {}
    for payment in payments:
        groups.setdefault(_batch_key(payment), []).append(payment)
    records = [_file_header(origin, destination, origin_name, destination_name, created, modifier)]
    totals = _Totals()
    for number, group in enumerate(groups.values(), 1):
        batch = _Totals()
        records.extend(_batch(group, number, batch))
        totals.add(batch)
    count = len(records) + 1
    layout = FILE_CONTROL_ADV if payments and _all_advices(payments) else FILE_CONTROL
    values = {
        "record_type": 9,
        "batch_count": len(groups),
        "block_count": -(-count // RECORDS_PER_BLOCK),
        **totals.values(),
    }
    records.append(layout.build(values))
    return joined(records)


class _Totals:
    __slots__ = ("credit", "debit", "hash", "records")

    def __init__(self) -> None:
        self.records = self.hash = self.debit = self.credit = 0

    def add(self, other: _Totals) -> None:
        self.records += other.records
        self.hash += other.hash
        self.debit += other.debit
        self.credit += other.credit

    def values(self) -> dict[str, object]:
        return {
            "entry_addenda_count": self.records,
            "entry_hash": self.hash % _HASH_MODULUS,
            "total_debit": self.debit,
            "total_credit": self.credit,
        }


def _all_advices(payments: Sequence[Payment]) -> bool:
    return all(payment.details.get("sec") == "ADV" for payment in payments)


def _sender(payment: Payment) -> str:
    agent = payment.instructing_agent
    if agent is None or agent.clearing_id is None:
        raise ValueError(f"payment {payment.index}: no instructing agent with a routing number")
    return agent.clearing_id


def _receiver(payment: Payment) -> str:
    agent = payment.instructed_agent
    if agent is None or agent.clearing_id is None:
        raise ValueError(f"payment {payment.index}: no instructed agent with a routing number")
    return agent.clearing_id


def _effective(payment: Payment) -> str:
    if payment.value_date is None:
        return payment.details.get("effective_date", "")
    return payment.value_date[2:4] + payment.value_date[5:7] + payment.value_date[8:10]


def _batch_key(payment: Payment) -> tuple[str, ...]:
    """Everything that a batch header says, and whether the entries are forward or some kind of return."""
    details = payment.details
    answer = "" if payment.original is None else (payment.original.reason_code or "")[:2]
    return (
        *(details.get(name, "") for name in _DETAILS_OF_BATCH),
        details.get("service_class", ""),
        details.get("originator_status", "1"),
        details.get("batch_header", ""),
        _sender(payment)[:8],
        _effective(payment),
        answer if answer in ("R6", "R7") else answer[:1],
    )


def _file_header(
    origin: str, destination: str, origin_name: str, destination_name: str, created: str, modifier: str
) -> str:
    return FILE_HEADER.build(
        {
            "record_type": 1,
            "priority_code": 1,
            "immediate_destination": destination.rjust(10),
            "immediate_origin": origin.rjust(10),
            "creation_date": created[:6],
            "creation_time": created[6:10],
            "file_id_modifier": modifier,
            "record_size": 94,
            "blocking_factor": 10,
            "format_code": 1,
            "destination_name": destination_name,
            "origin_name": origin_name,
        }
    )


def _service_class(group: Sequence[Payment]) -> str:
    """The class that the payments came with, or the narrowest that fits them."""
    given = group[0].details.get("service_class")
    if given:
        return given
    directions = {_code(payment).debit for payment in group}
    return "200" if len(directions) > 1 else ("225" if directions == {True} else "220")


def _batch(group: Sequence[Payment], number: int, totals: _Totals) -> Iterator[str]:
    """Header, entries and control of one batch, entries in the order of their trace numbers."""
    first = group[0]
    details = first.details
    service_class, odfi = _service_class(group), _sender(first)[:8]
    raw = details.get("batch_header")
    if raw:
        yield f"5{service_class}{raw[4:69]}{_effective(first):6}{raw[75:79]}{odfi}{number:07}"
    else:
        yield BATCH_HEADER.build(
            {
                "record_type": 5,
                "service_class": service_class,
                **{name: details.get(name, "") for name in _DETAILS_OF_BATCH},
                "effective_date": _effective(first),
                "originator_status": details.get("originator_status", "1"),
                "odfi": odfi,
                "batch_number": number,
            }
        )
    for payment in sorted(group, key=_trace):
        yield from _entry(payment, totals)
    layout: Layout = BATCH_CONTROL_ADV if details.get("sec") == "ADV" else BATCH_CONTROL
    yield layout.build(
        {
            "record_type": 8,
            "service_class": service_class,
            **totals.values(),
            "company_id": details.get("company_id", ""),
            "odfi": odfi,
            "batch_number": number,
        }
    )


def _code(payment: Payment) -> TransactionCode:
    code = TRANSACTION_CODES.get(payment.details.get("transaction_code", ""))
    if code is None:
        raise ValueError(f"payment {payment.index}: details name no transaction code")
    return code


def _trace(payment: Payment) -> str:
    trace = payment.transaction_id or payment.details.get("trace", "")
    if len(trace) != 15 or not trace.isdecimal():
        raise ValueError(f"payment {payment.index}: {trace!r} is not a trace number")
    return trace


def _holder(payment: Payment) -> Party:
    """Who holds the account of the entry: the party whose bank receives it, or sends it if it is a return."""
    parties = (payment.debtor, payment.creditor)
    held = next((party for party in parties if party is not None and party.account is not None), None)
    return held or Party()


def _entry(payment: Payment, totals: _Totals) -> Iterator[str]:
    code, trace, routing = _code(payment), _trace(payment), _receiver(payment)
    if routing_fault(routing) is not None:
        raise ValueError(f"payment {payment.index}: {routing!r} is not a routing number")
    cents = 0 if payment.amount is None else payment.amount.minor
    addenda = [line for line in payment.details.get("addenda", "").split("\n") if line]
    if not addenda and payment.remittance and payment.details.get("sec") in ("PPD", "CCD", "WEB"):
        addenda = [f"705{payment.remittance[:80]:80}0001{trace[8:]}"]
    details, holder = payment.details, _holder(payment)
    layout = entry_layout(details.get("sec", ""))
    values: dict[str, object] = {
        "record_type": 6,
        "transaction_code": code.code,
        "rdfi": routing[:8],
        "check_digit": routing[8],
        "account": details.get("account") or holder.account or "",
        "amount": cents,
        "individual_id": details.get("individual_id") or payment.end_to_end_id or "",
        "name": holder.name or "",
        "discretionary": details.get("discretionary", ""),
        "addenda_indicator": 1 if addenda else 0,
        "trace": trace,
    }
    columns = details.get("columns_13_78")
    if columns is not None and layout is not ENTRY:
        amount = layout.columns("amount")
        record = f"6{code.code}{routing}{columns}{1 if addenda else 0}{trace}"
        width = amount.stop - amount.start
        yield f"{record[: amount.start]}{cents:0{width}}{record[amount.stop :]}"
    else:
        yield layout.build(values)
    yield from addenda
    totals.records += 1 + len(addenda)
    totals.hash += int(routing[:8])
    if code.debit:
        totals.debit += cents
    else:
        totals.credit += cents
