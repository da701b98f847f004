"""Everything read again from offset 0 changes nothing: the database is the same but for positions, nothing goes out."""

from __future__ import annotations

from functools import partial

import pytest

from engine.bus.topics import HELD
from engine.testbed.bed import Bed, Sender
from engine.testbed.dump import differences, dump
from engine.testbed.replay import STAGES_OUT, await_read, outgoing, replay, reset_all, reset_ingest
from engine.testbed.samples import Writer

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def settled(bed: Bed) -> Bed:
    """The shared bed with some of everything on it: settled, repeated, without funds, refused, files."""
    sender, writer = Sender(bed), Writer(31, bed.dates, "R")
    samples = [writer.some() for _ in range(400)] + [writer.nacha() for _ in range(20)]
    for sample in [*samples, *samples[:20]]:
        sender.send(sample)
    sender.send(writer.mt103(), signature="00")
    sender.flush()
    bed.settle()
    return bed


def test_the_ingest_topics_from_offset_0_change_nothing(settled: Bed) -> None:
    bed = settled
    with bed.database() as connection:
        before = dump(connection)
        row = connection.execute("select count(*) from engine.inbox where attempt = 0").fetchone()
    first_decisions = row[0] if row else 0
    sent, routed = outgoing(bed), bed.ends(STAGES_OUT)
    replay(bed, lambda connection: reset_ingest(bed, connection))
    await_read(bed)
    with bed.database() as connection:
        assert differences(before, dump(connection)) == []
    assert outgoing(bed) == sent
    again = bed.ends(STAGES_OUT)
    # A message that was held for a defect which is gone now is routed this time, so not each topic has to grow by what
    # it had: but everything that was ever decided anew from a topic has to come out of the stages once more.
    redone = sum(again.values()) - sum(routed.values())
    assert redone >= first_decisions, "the stages have not done all of it again"
    assert all(again[place] > end for place, end in routed.items() if end > 0 and place[0] != HELD)
    assert len(before["engine.inbox"]) > 400


def test_every_stored_position_at_0_changes_nothing(settled: Bed) -> None:
    bed = settled
    with bed.database() as connection:
        before = dump(connection)
    sent = outgoing(bed)
    replay(bed, partial(reset_all, bed))
    await_read(bed)
    with bed.database() as connection:
        assert differences(before, dump(connection)) == []
    assert outgoing(bed) == sent


def test_the_comparison_sees_a_difference(settled: Bed) -> None:
    with settled.database() as connection:
        one = dump(connection)
    two = {**one, "engine.outcomes": one["engine.outcomes"][1:]}
    assert len(differences(one, two)) == 1
    assert set(one) >= {"engine.inbox", "engine.archive", "engine.outbox", "ledger.postings", "engine.relays"}
