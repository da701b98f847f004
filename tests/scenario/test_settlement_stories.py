"""Settlement stories that a banker can read: tests/scenario/settlement/*.txt, one step a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from payments import Money
from settlement.account import Account
from settlement.book import Book
from settlement.instruction import Instruction

FOLDER = Path(__file__).parent / "settlement"
STORIES = sorted(FOLDER.glob("*.txt"))
PAYS = re.compile(
    r"(?P<id>\w+) (?P<debit>\w+) pays (?P<credit>\w+) (?P<amount>[\d.]+)(?: (?P<priority>urgent|high))?"
    r"(?P<no_wait> at once)?(?: with (?P<group>\w+) of (?P<size>\d+))?"
    r"(?: from (?P<not_before>\d+))?(?: till (?P<till>\d+))?(?: by (?P<reject>\d+))?(?P<late> at once)?"
)


def minor(text: str) -> int:
    return -minor(text[1:]) if text.startswith("-") else Money.parse(text, "EUR").minor


class Story:
    """A book, and the words of the stories."""

    def __init__(self) -> None:
        self.book = Book("EUR-RTGS", "EUR")
        self.book.open(Account(0, "outside", "EUR", contra=True))
        self.arrivals = 0
        self.settled: list[str] = []

    def tell(self, line: str) -> str:
        """Do one line (left of ``=``) and return what happened, in the words of its right side."""
        word, *rest = line.split()
        if word == "instant" or (len(rest) > 1 and rest[1] == "pays"):
            return self.pay(line)
        act = getattr(self, "do_" + word, None)
        if act is not None:
            return act(*rest)
        assert rest[0] == "has", f"nobody knows what {line!r} means"
        return Money(self.book.account(word).balance, "EUR").decimal

    def pay(self, line: str) -> str:
        instant = line.startswith("instant ")
        match = PAYS.fullmatch(line.removeprefix("instant "))
        assert match, f"nobody knows what {line!r} means"
        self.arrivals += 1
        instruction = Instruction(
            payment_id=match["id"],
            attempt=1,
            book="EUR-RTGS",
            scheme="EUR-RTGS",
            kind="credit-transfer",
            debit=match["debit"],
            credit=match["credit"],
            amount_minor=minor(match["amount"]),
            currency="EUR",
            priority=match["priority"] or "normal",
            no_wait=bool(match["no_wait"] or match["late"]),
            group=match["group"],
            group_size=int(match["size"] or 0),
            not_before=match["not_before"],
            till=match["till"],
            reject_time=match["reject"],
            arrival=self.arrivals,
        )
        what = self.book.reserve(instruction) if instant else self.book.submit(instruction)
        return f"{what.state} {what.reason.code}" if what.reason else what.state.value

    def do_bank(self, name: str, balance: str, _: str = "line", line: str = "0.00") -> str:
        number = len(self.book.accounts)
        self.book.open(Account(number, name, "EUR", minor(balance), minor(line)))
        return ""

    def do_reserve(self, name: str, priority: str, amount: str) -> str:
        self.book.set_reservation(name, priority, minor(amount))
        return ""

    def do_limit(self, name: str, other: str, amount: str) -> str:
        self.book.set_limit(name, None if other == "*" else other, None if amount == "none" else minor(amount))
        return ""

    def do_line(self, name: str, amount: str) -> str:
        self.book.set_credit_line(name, minor(amount))
        return ""

    def do_add(self, name: str, amount: str) -> str:
        return self.yes(self.book.post(0, self.book.account(name).number, minor(amount), "liquidity in"))

    def do_take(self, name: str, amount: str) -> str:
        return self.yes(self.book.post(self.book.account(name).number, 0, minor(amount), "liquidity out"))

    def do_accept(self, payment_id: str) -> str:
        return self.yes(self.book.settle_reserved(payment_id))

    def do_refuse(self, payment_id: str) -> str:
        return self.yes(self.book.release_reserved(payment_id))

    def do_cancel(self, payment_id: str) -> str:
        return " ".join(self.book.cancel(payment_id))

    def do_first(self, payment_id: str) -> str:
        assert self.book.move(payment_id, "head")
        return ""

    def do_last(self, payment_id: str) -> str:
        assert self.book.move(payment_id, "tail")
        return ""

    def do_make(self, payment_id: str, priority: str) -> str:
        assert self.book.reprioritise(payment_id, priority)
        return ""

    def do_release(self) -> str:
        return " ".join(sorted(self.book.release().settled))

    def do_heads(self) -> str:
        self.book.release_heads()
        return ""

    def do_clock(self, now: str) -> str:
        refused = [payment_id for payment_id, _ in self.book.expire(now)]
        self.book.wake(now)
        return " ".join(refused)

    def do_overdue(self, now: str) -> str:
        return " ".join(self.book.overdue(now))

    def do_close(self) -> str:
        return " ".join(payment_id for payment_id, reason in self.book.close_queue() if reason.code == "ED05")

    def do_day(self) -> str:
        self.book.open_day()
        return ""

    def do_why(self, payment_id: str) -> str:
        answer = self.book.explain(payment_id)
        assert answer is not None, f"{payment_id} does not wait"
        return f"{answer.cause} {Money(answer.shortfall, 'EUR').decimal if answer.shortfall else ''}".strip()

    def do_lacks(self) -> str:
        return " ".join(f"{name} {Money(amount, 'EUR').decimal}" for name, amount in self.book.shortfalls().items())

    def do_settled(self) -> str:
        return " ".join(row[0] for row in self.book.drain() if row[4] >= 0)

    def do_queue(self, name: str) -> str:
        return " ".join(one.payment_id for one in self.book.queue(name))

    @staticmethod
    def yes(done: bool) -> str:
        return "yes" if done else "no"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path):
    title, *lines = path.read_text("utf-8").splitlines()
    assert title.endswith(".")
    assert lines
    story = Story()
    for number, line in enumerate(lines, start=2):
        told, stated, expected = line.partition("=")
        if not stated and " has " in line:
            told, expected = line, line.split()[-1]
        assert story.tell(told.strip()) == expected.strip(), f"{path.name}:{number}: {line}"


def test_there_are_stories():
    assert len(STORIES) >= 15
