"""Everything read again from offset 0 changes nothing: the database is the same but for positions, nothing goes out."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.bus.topics import HELD, INGEST_TOPICS, NOTED, REJECTED, ROUTED, outbound_topic
from engine.store.connection import Connection
from engine.testbed.bed import PATIENCE_SECONDS, Bed, Sender
from engine.testbed.dump import differences, dump
from engine.testbed.samples import Writer

pytestmark = [pytest.mark.integration, pytest.mark.slow]
STAGES_OUT = (ROUTED, REJECTED, HELD, NOTED)


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


def outgoing(bed: Bed) -> dict[tuple[str, int], int]:
    """Ends of all participants' topics."""
    with bed.database() as connection:
        recipients = [row[0] for row in connection.execute("select distinct recipient from engine.outbox")]
    return bed.ends([outbound_topic(recipient) for recipient in recipients])


def replay(bed: Bed, reset: Callable[[Connection], None]) -> None:
    """Stop the workers, reset, start them."""
    for name in bed.workers():
        bed.stack.stop(name)
    with bed.database("owner") as connection:
        reset(connection)
    # The stages first: the archiver finds within a second that all is done, and then nothing is read again.
    for name in sorted(bed.workers(), reverse=True):
        bed.stack.start(name)


def reset_ingest(bed: Bed, connection: Connection) -> None:
    """Stages and archiver begin at 0: the group's positions, and how far everything is known to be done."""
    bed.forget_group("qenex.stages")
    connection.execute("update engine.progress set done_through = 0")
    connection.execute("update engine.positions set next_offset = 0 where writer = 'archiver'")


def reset_writers(connection: Connection) -> None:
    """Books and recorder read their input, and commands, from 0."""
    connection.execute("update engine.positions set next_offset = 0 where writer <> 'archiver'")


def await_read(bed: Bed) -> None:
    """Wait until the stages have done all of the ingest topics, and then every writer all of its input."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    arrived = {place: end for place, end in bed.ends(INGEST_TOPICS).items() if end > 0}
    while True:
        done = bed.admin().group_positions("qenex.stages")
        if all(done.get(place, 0) >= end for place, end in arrived.items()):
            break
        assert time.monotonic() < deadline, (done, arrived)
        time.sleep(0.2)
    bed.settle()
    ends = bed.ends(STAGES_OUT)
    with bed.database() as connection:
        places = {source: place for place, source in bed.sources(connection, STAGES_OUT).items()}
        while True:
            found = connection.execute("select source_id, max(next_offset) from engine.positions group by 1")
            read: dict[int, int] = dict(found.fetchall())
            late = {place: read.get(source, 0) for source, place in places.items() if read.get(source, 0) < ends[place]}
            if not late:
                return
            assert time.monotonic() < deadline, late
            time.sleep(0.2)


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

    def reset(connection: Connection) -> None:
        reset_ingest(bed, connection)
        reset_writers(connection)

    replay(bed, reset)
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
