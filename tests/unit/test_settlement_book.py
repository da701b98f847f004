"""The book's edges: what it refuses to do, what it counts, and that questions change nothing."""

import msgspec
import pytest

from settlement.account import Account
from settlement.book import ALONE, POSTED, Book
from settlement.instruction import Instruction
from settlement.lifecycle import State
from settlement.queue import Queue, Waiting, position_of


def payment(number, debit, credit, amount, **changes) -> Instruction:
    plain = Instruction(
        payment_id=f"p{number}",
        attempt=1,
        book="EUR-RTGS",
        scheme="EUR-RTGS",
        kind="credit-transfer",
        debit=debit,
        credit=credit,
        amount_minor=amount,
        currency="EUR",
        arrival=number,
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture
def book() -> Book:
    made = Book("EUR-RTGS", "EUR")
    made.open(Account(1, "fees", "EUR", contra=True))
    made.open(Account(2, "NORD", "EUR", 100, seq=7))
    made.open(Account(3, "SUED", "EUR"))
    made.open(Account(4, "OST", "EUR"))
    return made


def test_accounts_open_once_and_in_the_books_currency(book):
    for account in (Account(2, "WEST", "EUR"), Account(9, "NORD", "EUR"), Account(9, "WEST", "USD")):
        with pytest.raises(ValueError, match=r"open already|has an account|USD"):
            book.open(account)
    assert list(book.participants()) == ["NORD", "SUED", "OST"]


def test_movements_carry_numbers_and_tag_and_are_handed_over_once(book):
    assert book.submit(payment(1, "NORD", "SUED", 60)).state is State.SETTLED
    assert book.post(1, 4, 5, "interest")
    assert book.submit(payment(2, "SUED", "OST", 200)).state is State.QUEUED
    assert book.submit(payment(3, "OST", "SUED", 190)).state is State.QUEUED
    run = book.release()
    assert (run.settled, run.value, run.tag) == (("p2", "p3"), 390, 1)
    assert book.drain() == [
        ("p1", 2, 3, 60, ALONE),
        ("interest", 1, 4, 5, POSTED),
        ("p2", 3, 4, 200, 1),
        ("p3", 4, 3, 190, 1),
    ]
    assert book.drain() == []
    assert book.accounts[2].seq == 8
    assert (book.accounts[3].seq, book.accounts[4].seq) == (3, 3)
    assert book.accounts[1].balance == -5


def test_the_resolver_rests_until_something_changes(book):
    book.submit(payment(1, "SUED", "OST", 5))
    assert book.release().settled == ()
    book.accounts[3].balance = 5  # behind the book's back: it must not look
    assert book.release().settled == ()
    book.set_credit_line("OST", 1)
    assert book.release().settled == ("p1",)


def test_entries_respect_the_line_but_not_reservations(book):
    book.set_reservation("NORD", "urgent", 100)
    assert not book.post(2, 1, 101, "fee")
    assert book.post(2, 1, 100, "fee")
    for debit, credit, amount in ((1, 1, 5), (1, 2, 0), (1, 2, -1)):
        with pytest.raises(ValueError, match="no entry"):
            book.post(debit, credit, amount, "wrong")


def test_figures(book):
    book.set_credit_line("NORD", 50)
    book.set_reservation("NORD", "high", 20)
    book.reserve(payment(1, "NORD", "SUED", 10))
    book.submit(payment(2, "NORD", "OST", 30))
    book.submit(payment(3, "NORD", "SUED", 500))
    book.submit(payment(4, "SUED", "NORD", 70))
    shown = book.figures("NORD")
    assert (shown.balance, shown.available, shown.reserved, shown.credit_line) == (70, 90, 30, 50)
    assert (shown.queued_out, shown.queued_in, shown.queued_count, shown.sent_today) == (500, 70, 1, 30)
    assert book.used_today("NORD") == 540


def test_a_payment_cannot_wait_twice(book):
    book.submit(payment(1, "NORD", "SUED", 500))
    with pytest.raises(ValueError, match="p1 waits already"):
        book.submit(payment(1, "NORD", "SUED", 600))


def test_questions_about_what_does_not_wait(book):
    book.submit(payment(1, "NORD", "SUED", 50))
    assert book.explain("p1") is None
    assert book.position("p1") is None
    assert book.cancel("p1") == ()
    assert not book.reprioritise("p1", "high")
    assert not book.move("p1", "head")
    assert not book.settle_reserved("p1")
    assert not book.release_reserved("p1")


def test_an_explanation_names_what_stands_before(book):
    book.submit(payment(1, "NORD", "SUED", 500))
    book.submit(payment(2, "NORD", "SUED", 50))
    answer = book.explain("p2")
    assert answer is not None
    assert (answer.cause, answer.place, answer.behind) == ("order", 1, "p1")
    assert (answer.shortfall, answer.shortfall_with_queue) == (0, 450)
    assert "p1" in answer.text
    first = book.explain("p1")
    assert first is not None
    assert "EUR 4.00 short" in first.text


def test_an_expired_time_of_an_earlier_attempt_does_not_count(book):
    book.submit(payment(1, "SUED", "OST", 5, reject_time="0900"))
    assert book.cancel("p1") == ("p1",)
    book.submit(payment(1, "SUED", "OST", 5, arrival=2, attempt=2))
    assert book.expire("1000") == []
    assert book.position("p1") == position_of(2)


def test_a_group_waits_for_its_parked_member(book):
    book.submit(payment(1, "NORD", "SUED", 50, group="g"))
    book.submit(payment(2, "NORD", "OST", 50, group="g", not_before="1000"))
    assert book.release().settled == ()
    assert [payment_id for payment_id, _ in book.wake("1000")] == ["p2"]
    assert book.release().settled == ("p1", "p2")


def test_expiry_of_one_takes_its_group(book):
    book.submit(payment(1, "NORD", "SUED", 50, group="g", reject_time="1000"))
    book.submit(payment(2, "NORD", "OST", 500, group="g"))
    assert [(payment_id, reason.code) for payment_id, reason in book.expire("1000")] == [("p1", "ED05"), ("p2", "ED05")]
    assert book.figures("NORD").queued_out == 0


def test_a_resolver_that_fails_leaves_the_book_whole(book, monkeypatch):
    for number in range(1, 4):
        book.submit(payment(number, "SUED", "OST", 5))

    def fail(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr("settlement.resolver._collect", fail)
    with pytest.raises(RuntimeError, match="planted"):
        book.release()
    monkeypatch.undo()
    assert book.submit(payment(4, "NORD", "SUED", 15)).state is State.SETTLED
    assert [row[0] for row in book.drain()] == ["p4", "p1", "p2", "p3"]


def test_a_queue_keeps_its_order_while_its_head_leaves():
    nord, sued = Account(2, "NORD", "EUR"), Account(3, "SUED", "EUR")
    queue, ones = Queue(), []
    for number in range(1, 301):
        ones.append(Waiting(payment(number, "NORD", "SUED", 1), nord, sued, position_of(number)))
        queue.add(ones[-1])
    for number in range(250):
        assert queue.first() is ones[number]
        queue.leave(1)
    queue.remove(ones[270])
    assert queue.waiting() == [*ones[250:270], *ones[271:]]
    assert queue.index(ones[271]) == 20
    queue.leave(len(queue))
    assert len(queue) == 0
    assert queue.items == []
