"""What a batch of a book says is put together step by step, and a crash on the way is counted against whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from engine.processors import outbound
from engine.processors.batch import Answer, Batch, Place
from engine.processors.decisions import Claims
from engine.processors.outbound import Correspondence
from engine.processors.recording import Arrival
from engine.processors.settlement import BookWriter, _Turn
from engine.processors.writing import WriterPorts
from engine.wire import Envelope, Rejection
from settlement.lifecycle import State

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Counting(BookWriter):
    """A writer without a book that remembers whose crash was counted."""

    def __init__(self) -> None:
        ports = WriterPorts("EUR-RTGS", 1, {}, cast(Any, None), cast(Any, None), lambda: NOW, "QENXDEFFXXX")
        super().__init__(ports, lambda: cast(Any, None))
        self.counted: list[int] = []

    def crashed(self, arrival: Arrival, problem: Exception) -> None:
        self.counted.append(arrival.envelope.offset)


def arrival(offset: int) -> Arrival:
    envelope = Envelope(source=1, offset=offset, received_ms=0, digest="00" * 16, state="CLEARED", sender="LINDSESSXXX")
    return Arrival(envelope, Place(0, offset, 9))


def turn() -> _Turn:
    letter = Correspondence("QENXDEFFXXX", "2026-11-24T09:00:00Z")
    return _Turn(Batch("EUR-RTGS", 1, 5, NOW), Claims({}), letter, cast(Any, None))


def test_answers_are_numbered_in_the_order_of_the_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(envelope: Envelope, state: State, *_: object, **__: object) -> list[Answer]:
        return [Answer(f"BANK{number}", state, b"x") for number in range(envelope.offset)]

    monkeypatch.setattr(outbound, "answers", answers)
    deciding = turn()
    deciding.settle(arrival(2))
    deciding.refuse(arrival(1), Rejection("AM04", "short of funds", "book"))
    deciding.settle(arrival(3))
    Counting()._say(deciding)
    batch = deciding.batch
    assert [(each.seq, each.payment_id[4:12], each.answer.type) for each in batch.posted] == [
        *((5 + number, (2).to_bytes(8, "big"), "SETTLED") for number in range(2)),
        (7, (1).to_bytes(8, "big"), "REJECTED"),
        *((8 + number, (3).to_bytes(8, "big"), "SETTLED") for number in range(3)),
    ]
    assert batch.next_seq == 11
    assert [event.reason for event in batch.events] == [None, "AM04", None]
    assert (len(batch.changes.inbox), len(batch.changes.outcomes), len(batch.changes.outbox)) == (3, 3, 6)
    assert deciding.judged == []


def test_a_crash_is_counted_against_the_arrival_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(envelope: Envelope, *_: object, **__: object) -> list[Answer]:
        if envelope.offset == 8:
            raise ValueError("a defect")
        return []

    monkeypatch.setattr(outbound, "answers", answers)
    deciding, writer = turn(), Counting()
    for offset in (7, 8, 9):
        deciding.settle(arrival(offset))
    with pytest.raises(ValueError, match="a defect"):
        writer._say(deciding)
    assert writer.counted == [8]
