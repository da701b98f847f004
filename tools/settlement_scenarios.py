"""Runs a folder of settlement scenarios through the book, in strict order, and says where it agrees.

    python -m tools.settlement_scenarios DIR [--json]

DIR holds ``cases/*.json``: participants, payments and, in a timeline, events by tick, with the expected outcome. A
snapshot is loaded whole and then resolved (``fifo``), and loaded again and released one by one (``gross``); a timeline
is played tick by tick: events, expiry, arrivals, release. Exit 1 when anything differs, or nothing was found.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from settlement.account import Account
from settlement.book import Book
from settlement.instruction import Instruction
from settlement.lifecycle import State

Case = dict[str, Any]
_OUTSIDE = 0  # the contra account that liquidity comes from and goes to


def load(folder: Path) -> list[Case]:
    """Every case of the folder, by file name."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((folder / "cases").glob("*.json"))]


def payments_of(case: Case) -> list[Case]:
    """The payments with their defaults; large files hold them as rows."""
    rows = case.get("payments") or [
        dict(zip(case["payment_columns"], row, strict=True)) for row in case["payment_rows"]
    ]
    return [{"tick": 0, "priority": "normal", "arrival": place, **row} for place, row in enumerate(rows, start=1)]


def build(case: Case) -> Book:
    """A book with the case's accounts, lines, reservations and limits."""
    book = Book("EUR-RTGS", "EUR")
    book.open(Account(_OUTSIDE, "outside", "EUR", contra=True))
    for number, row in enumerate(case["participants"], start=1):
        book.open(Account(number, row["id"], "EUR", row["balance"], row.get("credit_line", 0)))
    for row in case["participants"]:
        for priority, value in row.get("reservations", {}).items():
            book.set_reservation(row["id"], priority, value)
        for other, value in row.get("limits", {}).get("bilateral", {}).items():
            book.set_limit(row["id"], other, value)
        if row.get("limits", {}).get("multilateral") is not None:
            book.set_limit(row["id"], None, row["limits"]["multilateral"])
    return book


def stamp(tick: int | None) -> str | None:
    """A tick as a time: text in the order of numbers."""
    return None if tick is None else f"{tick:09d}"


def instruction(row: Case, sizes: dict[str, int]) -> Instruction:
    """The instruction of one payment of a case."""
    return Instruction(
        payment_id=row["id"],
        attempt=1,
        book="EUR-RTGS",
        scheme="EUR-RTGS",
        kind="credit-transfer",
        debit=row["debtor"],
        credit=row["creditor"],
        amount_minor=row["amount"],
        currency="EUR",
        priority=row["priority"],
        no_wait=row.get("no_wait", False),
        not_before=stamp(row.get("from")),
        till=stamp(row.get("till")),
        reject_time=stamp(row.get("reject")),
        group=row.get("group"),
        group_size=sizes.get(row.get("group", ""), 0),
        arrival=row["arrival"],
    )


def instructions(case: Case) -> list[tuple[int, Instruction]]:
    """(tick, instruction) in order of arrival."""
    rows = payments_of(case)
    sizes: dict[str, int] = {}
    for row in rows:
        if row.get("group"):
            sizes[row["group"]] = sizes.get(row["group"], 0) + 1
    return [(row["tick"], instruction(row, sizes)) for row in rows]


def balances(book: Book) -> dict[str, int]:
    """Participant -> balance."""
    return {name: book.account(name).balance for name in book.participants()}


def differences(what: str, expected: Any, found: Any) -> list[str]:
    """Nothing, or one line that says what differs."""
    if expected == found:
        return []
    return [f"{what}: expected {str(expected)[:300]}, found {str(found)[:300]}"]


def snapshot(case: Case) -> list[str]:
    """Resolve everything at once, then one by one, and compare with ``fifo`` and ``gross``."""
    wrong = []
    for name in ("fifo", "gross"):
        book, expected = build(case), case["expected"][name]
        before = sum(balances(book).values())
        for _, one in instructions(case):
            book.restore(one)
        if name == "fifo":
            book.release()
        else:
            book.release_heads()
        movements = book.drain()
        wrong += differences(f"{name}.value", expected["value"], sum(row[3] for row in movements))
        if "settled" in expected:
            wrong += differences(f"{name}.settled", sorted(expected["settled"]), sorted(row[0] for row in movements))
        if "prefix" in expected:
            counts = dict.fromkeys(book.participants(), 0)
            for row in movements:
                counts[book.accounts[row[1]].participant] += 1
            wrong += differences(f"{name}.prefix", expected["prefix"], counts)
        if "end_balances" in expected:
            wrong += differences(f"{name}.end_balances", expected["end_balances"], balances(book))
        wrong += differences(f"{name}: sum of balances", before, sum(balances(book).values()))
        wrong += differences(f"{name}: a second run settles", (), book.release().settled if name == "fifo" else ())
    return wrong


def apply(book: Book, event: Case, final: dict[str, str]) -> None:
    """One event of a timeline."""
    match event["type"]:
        case "credit_line":
            book.set_credit_line(event["participant"], event["value"])
        case "reservation":
            book.set_reservation(event["participant"], event["class"], event["value"])
        case "limit":
            other = None if event["counterparty"] == "*" else event["counterparty"]
            book.set_limit(event["participant"], other, event["value"])
        case "liquidity":
            number, amount = book.account(event["participant"]).number, event["amount"]
            sides = (_OUTSIDE, number) if amount > 0 else (number, _OUTSIDE)
            if not book.post(*sides, abs(amount), event["id"]):
                final[event["id"]] = State.REJECTED.value
        case "cancel":
            final.update(dict.fromkeys(book.cancel(event["payment"]), State.CANCELLED.value))
        case "priority":
            book.reprioritise(event["payment"], event["priority"])
        case "move":
            book.move(event["payment"], event["to"])
        case "close":
            final.update((payment_id, State.REJECTED.value) for payment_id, _ in book.close_queue())
        case other_type:
            raise ValueError(f"event {other_type!r} is not known")


def timeline(case: Case) -> list[str]:
    """Play a day tick by tick and compare what settled when, what became of the rest, and the balances."""
    book, rows = build(case), instructions(case)
    ids = {one.payment_id for _, one in rows}
    events: Iterable[Case] = case.get("events", [])
    times = {int(when) for _, one in rows for when in (one.not_before, one.reject_time) if when is not None}
    ticks = sorted(times | {tick for tick, _ in rows} | {event["tick"] for event in events})
    final: dict[str, str] = {}
    settled: dict[str, list[str]] = {}
    closed = False
    for tick in ticks:
        now = f"{tick:09d}"
        for event in events:
            if event["tick"] == tick:
                apply(book, event, final)
                closed = closed or event["type"] == "close"
        final.update((payment_id, State.REJECTED.value) for payment_id, _ in book.expire(now))
        came = book.wake(now)
        came += [(one.payment_id, book.submit(one)) for at, one in rows if at == tick and not closed]
        final.update((payment_id, what.state.value) for payment_id, what in came if what.state is State.REJECTED)
        if closed:
            final.update((one.payment_id, State.REJECTED.value) for at, one in rows if at == tick)
        book.release()
        moved = sorted(row[0] for row in book.drain() if row[0] in ids)
        if moved:
            settled[str(tick)] = moved
    done = {payment_id for moved in settled.values() for payment_id in moved}
    final.update((payment_id, State.QUEUED.value) for payment_id in ids - done - final.keys())
    expected = case["expected"]
    return (
        differences("settled", expected["settled"], settled)
        + differences("final", expected["final"], final)
        + differences("end_balances", expected["end_balances"], balances(book))
    )


def main(arguments: list[str] | None = None) -> int:
    """Run every case and print what differs, then the sums."""
    parser = argparse.ArgumentParser(description="Settlement scenarios through the book, strict order.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="one record a case")
    chosen = parser.parse_args(arguments)
    agreed = {"snapshot": 0, "timeline": 0}
    total = dict.fromkeys(agreed, 0)
    for case in load(chosen.folder):
        started = time.perf_counter()
        wrong = snapshot(case) if case["kind"] == "snapshot" else timeline(case)
        seconds = time.perf_counter() - started
        total[case["kind"]] += 1
        agreed[case["kind"]] += not wrong
        if chosen.json:
            print(json.dumps({"case": case["id"], "kind": case["kind"], "differences": wrong, "seconds": seconds}))
        for line in wrong if not chosen.json else ():
            print(f"{case['id']}: {line}")
    if not chosen.json:
        for kind, count in total.items():
            print(f"{kind}: {agreed[kind]} of {count} agree")
    return 0 if agreed == total and any(total.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
