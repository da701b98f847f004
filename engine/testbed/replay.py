"""Reading everything again from offset 0, and waiting until it was read: what must change nothing.

Rule: the workers are stopped while positions are set back, as an operator would do it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.bus.topics import HELD, INGEST_TOPICS, NOTED, REJECTED, ROUTED, outbound_topic
from engine.store.connection import Connection
from engine.testbed.bed import PATIENCE_SECONDS, Bed

STAGES_OUT = (ROUTED, REJECTED, HELD, NOTED)


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
        if "stages" in name:
            bed.stack.start(name)
        else:
            bed.stack.launch(name)


def reset_ingest(bed: Bed, connection: Connection) -> None:
    """Stages and archiver begin at 0: the group's positions, and how far everything is known to be done."""
    bed.forget_group("qenex.stages")
    connection.execute("update engine.progress set done_through = 0")
    connection.execute("update engine.positions set next_offset = 0 where writer = 'archiver'")


def reset_writers(connection: Connection) -> None:
    """Books and recorder read their input, and commands, from 0."""
    connection.execute("update engine.positions set next_offset = 0 where writer <> 'archiver'")


def reset_all(bed: Bed, connection: Connection) -> None:
    """Every stored position at 0."""
    reset_ingest(bed, connection)
    reset_writers(connection)


def await_read(bed: Bed) -> None:
    """Wait until the stages have done all of the ingest topics, and then every writer all of its input."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    arrived = {place: end for place, end in bed.ends(INGEST_TOPICS).items() if end > 0}
    while True:
        done = bed.admin().group_positions("qenex.stages")
        late = {place: done.get(place, 0) for place, end in arrived.items() if done.get(place, 0) < end}
        if not late:
            break
        _patient(deadline, late)
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
            _patient(deadline, late)


def _patient(deadline: float, late: object) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"not read to the end: {late}")
    time.sleep(0.2)
