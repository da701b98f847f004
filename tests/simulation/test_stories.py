"""What the simulation found once, each as a small story on the same bus and database in memory."""

from __future__ import annotations

import random

import pytest

from engine import ids
from engine.bus.record import Outgoing
from engine.bus.topics import ROUTED
from engine.simulation.history import History
from engine.simulation.workload import DOLLARS, EUROS, Sent, Workload

NORD, SUED = EUROS[:2]


class Fixed(Workload):
    """A workload whose next payment is said by the test."""

    def pay(self, debit: str, credit: str, amount: int, currency: str = "EUR") -> Sent:
        self._asked = (debit, credit, amount)
        return self._mt103(currency, EUROS)

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


def test_a_story_ends_as_a_history_does(story: Story) -> None:
    payment = story.send(story.work.pay(DOLLARS[0], DOLLARS[1], 100, "USD"))
    assert story.history.checker.unfinished() is not None
    story.turns()
    story.history.checker.finish()
    assert story.state(payment) == "SETTLED"
