"""What the simulation found once, each as a small story on the same bus and database in memory."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine import ids
from engine.bus.memory import MemoryTailReader
from engine.bus.record import Outgoing
from engine.bus.topics import ROUTED
from engine.compliance.cases import Operator
from engine.simulation.history import History
from engine.simulation.workload import DOLLARS, EUROS, POISON_OF_BOOKS, Pay, Sent, Workload
from engine.simulation.world import Worker
from engine.store import cases

NORD, SUED = EUROS[:2]
#: When a lease ended that its owner has given up with nothing left to look for.
FINISHED = datetime(1970, 1, 1, tzinfo=UTC)


class Fixed(Workload):
    """A workload whose next payment is said by the test."""

    def pay(self, debit: str, credit: str, amount: int, currency: str = "EUR") -> Sent:
        self._asked = (debit, credit, amount)
        return self._mt103(currency, EUROS)

    def poison(self, payee: str) -> Sent:
        self._asked = (NORD, SUED, 100)
        return replace(self._mt103("EUR", EUROS, payee=payee, kind="poison"), claim="")

    def request(self, before: Sent) -> Sent:
        self._asked = (before.pays[0].debit, before.pays[0].credit, before.pays[0].amount)
        return self._cancellation(before)

    def _sides(self, banks: tuple[str, ...]) -> tuple[str, str, int, str, str]:
        _, _, _, reference, uetr = super()._sides(banks)
        return (*self._asked, reference, uetr)


class Story:
    """A history that a test writes: nothing happens by itself, nothing fails."""

    def __init__(self) -> None:
        self.history = History(1, 0)
        self.history._open_accounts()
        self.world = self.history.world
        self.work = Fixed(random.Random(1))
        self.settlement = [worker for worker in self.history.workers if worker.name.startswith("settlement")]

    def send(self, sent: Sent) -> bytes:
        """Send it; the id of its first payment."""
        record = self.world.bus.append(sent.outgoing())
        self.history.checker.sent(record, sent)
        return ids.payment_id(self.world.places[record.place], record.offset, 0)

    def turns(self, count: int = 12) -> None:
        for _ in range(count):
            self.history._turn()
            self.world.seconds += 0.3

    def stages_only(self) -> None:
        """Everything is routed, nothing decided yet."""
        for worker in self.history.workers:
            if worker.name.startswith("stages"):
                for _ in range(4):
                    worker.step()

    def restart_settlement(self) -> None:
        for worker in self.settlement:
            worker.kill()
        self.turns()

    def owner(self) -> Worker:
        """Who owns the euro book."""
        return next(worker for worker in self.settlement if "EUR-RTGS" in worker._process.owned)

    def state(self, payment: bytes) -> str:
        return self.history.checker._states[payment]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_credit_line_that_nothing_moved_with_outlives_the_writer(story: Story) -> None:
    story.history._order("EUR-RTGS", "set-credit-line", participant=NORD, credit_line=0)
    story.turns()
    lines = {
        row[1]: story.world.database.table("ledger.balances")[number][1]
        for number, row in story.world.database.table("ledger.accounts").items()
        if row[0] == "EUR-RTGS"
    }
    assert (lines[NORD], lines[SUED]) == (0, 50_000)
    story.restart_settlement()
    payment = story.send(story.work.pay(NORD, SUED, 220_000))
    story.turns()
    assert story.state(payment) == "QUEUED"


def test_a_redelivered_payment_that_waits_is_no_crash(story: Story) -> None:
    payment = story.send(story.work.pay(NORD, SUED, 270_000))
    story.turns()
    assert story.state(payment) == "QUEUED"
    story.restart_settlement()
    (routed,) = story.world.bus.records(ROUTED, 0)
    again = Outgoing(ROUTED, 0, None, routed.value, routed.headers)
    story.world.bus.append(again)
    starts = [worker.starts for worker in story.settlement]
    story.turns()
    assert [worker.starts for worker in story.settlement] == starts
    assert story.world.database.table("engine.crashes") == {}
    assert story.state(payment) == "QUEUED"


def test_a_payment_that_its_own_batch_has_released_is_not_cancelled(story: Story) -> None:
    first = story.work.pay(NORD, SUED, 270_000)
    payment = story.send(first)
    story.turns()
    credit = story.send(story.work.pay(SUED, NORD, 50_000))
    request = story.send(story.work.request(first))
    story.stages_only()
    story.turns()
    assert [story.state(one) for one in (payment, credit, request)] == ["SETTLED", "SETTLED", "PARSED"]
    posted = [row[1] for row in story.world.database.table("ledger.entries").values() if row[1] is not None]
    assert sorted(posted) == sorted([payment, credit])


def test_mt192_takes_a_payment_out_of_the_queue(story: Story) -> None:
    first = story.work.pay(NORD, SUED, 270_000)
    payment = story.send(first)
    story.turns()
    request = story.send(story.work.request(first))
    story.turns()
    assert (story.state(payment), story.state(request)) == ("CANCELLED", "PARSED")
    answered = [record.headers["ce_type"] for record in story.world.bus.records(f"outbound.{NORD}")]
    assert answered == [b"ACK", b"MT199", b"MT196"]


def test_a_payment_that_comes_due_queues_and_goes_in_one_commit_is_forgotten(story: Story) -> None:
    """Found by ``qenex simulate --seed 24``: it stayed among those that wait, to be settled again after a restart."""
    payer, payee = DOLLARS[:2]
    tomorrow = {"date": "2026-11-25", "past": 99}
    short = story.send(story.work._ach(payer, (Pay("USD-ACH", payer, payee, 260_000, **tomorrow),), "71"))
    credit = story.send(story.work._ach(payee, (Pay("USD-ACH", payee, payer, 100_000, **tomorrow),), "72"))
    story.turns()
    assert [story.state(one) for one in (short, credit)] == ["WAREHOUSED", "WAREHOUSED"]
    story.history._order("USD-ACH", "close-day")
    story.history._order("USD-ACH", "open-day")
    story.turns()
    assert [story.state(one) for one in (short, credit)] == ["SETTLED", "SETTLED"]
    assert story.world.database.table("engine.waiting") == {}
    story.restart_settlement()
    story.send(story.work._ach(payee, (Pay("USD-ACH", payee, payer, 100, date="2026-11-25", past=99),), "73"))
    story.turns()
    story.history.checker.finish()


def test_a_planned_hand_over_repeats_no_answer_and_looks_for_none(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = story.send(story.work.pay(NORD, SUED, 100))
    story.turns()
    second = story.send(story.work.pay(NORD, SUED, 200))
    story.stages_only()
    owner = story.owner()
    owner.step()  # decided, and the archive does not have it yet
    read = Counter[str]()
    monkeypatch.setattr(MemoryTailReader, "since", lambda _, topics, __: read.update(topics) or iter(()))
    owner.stop()
    assert story.world.database.table("engine.leases")["EUR-RTGS"][3] == FINISHED
    story.turns()
    assert [story.state(one) for one in (first, second)] == ["SETTLED", "SETTLED"]
    assert not read
    sent = [record.headers["ce_id"] for bic in EUROS for record in story.world.bus.records(f"outbound.{bic}")]
    assert len(sent) == len(set(sent)) == len(story.world.database.table("engine.outbox"))


def test_an_owner_that_cannot_finish_makes_its_successor_look(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.send(story.work.pay(NORD, SUED, 100))
    story.stages_only()
    owner = story.owner()
    owner.step()
    story.world.bus.drop_connection(4)
    owner.stop()
    story.world.bus.drop_connection(0)
    assert FINISHED not in [row[3] for row in story.world.database.table("engine.leases").values()]
    looked: list[list[str]] = []
    inner = MemoryTailReader.since
    monkeypatch.setattr(
        MemoryTailReader, "since", lambda self, topics, at: looked.append(list(topics)) or inner(self, topics, at)
    )
    story.turns()
    assert any(looked)
    story.history.checker.finish()


def test_a_stopped_book_rests_and_goes_on(story: Story) -> None:
    story.history._order("EUR-RTGS", "stop")
    story.turns()
    payment = story.send(story.work.pay(NORD, SUED, 100))
    other = story.send(story.work.pay(DOLLARS[0], DOLLARS[1], 100, "USD"))
    story.turns()
    story.restart_settlement()
    assert payment not in story.history.checker._states
    assert story.state(other) == "SETTLED"
    story.history._order("EUR-RTGS", "resume")
    story.turns()
    assert story.state(payment) == "SETTLED"


def test_the_end_of_a_day_refuses_what_is_short_of_funds(story: Story) -> None:
    payment = story.send(story.work.pay(NORD, SUED, 270_000))
    story.turns()
    assert story.state(payment) == "QUEUED"
    story.history._order("EUR-RTGS", "close-day")
    story.turns()
    late = story.send(story.work.pay(NORD, SUED, 100))
    story.turns()
    assert [story.state(one) for one in (payment, late)] == ["REJECTED", "REJECTED"]


def test_what_crashes_its_book_is_held_and_two_persons_end_it(story: Story) -> None:
    poison = story.work.poison(POISON_OF_BOOKS)
    payment = story.send(poison)
    story.turns(30)
    assert story.state(payment) == "HELD"
    assert story.world.injected["poison"] == 3
    ((number, status, *_),) = story.world.database.table("engine.cases").values()
    assert status == "open"
    desk = story.history._desk.port
    proposal = cases.propose(desk, number, Operator("ann", "analyst"), "reject", "cannot be done")
    cases.approve(desk, number, Operator("olaf", "officer"), proposal.hash)
    story.history.checker.case_decided(payment, 0, "reject")
    story.turns()
    assert story.state(payment) == "REJECTED"
    story.history.checker.finish()


def test_a_story_ends_as_a_history_does(story: Story) -> None:
    payment = story.send(story.work.pay(DOLLARS[0], DOLLARS[1], 100, "USD"))
    assert story.history.checker.unfinished() is not None
    story.turns()
    story.history.checker.finish()
    assert story.state(payment) == "SETTLED"
