"""The loop: nothing lost or skipped through crashes, outages, rebalances and stops; commits only what is delivered."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence

import pytest

from engine.bus.clock import Patience
from engine.bus.crashes import NO_EXCEPTION, MemoryCrashRegister
from engine.bus.loop import StageLoop, stop_on_signals
from engine.bus.memory import MemoryBus, MemoryConsumer
from engine.bus.port import (
    BusFatalError,
    DeliveryFailedError,
    OperatingFaultError,
    OutgoingRefusedError,
)
from engine.bus.record import Outgoing, Record, deadletter_copy
from engine.bus.stage import LoopSettings, StageCrashError, StalledError

IN, OUT, ASIDE = "ingest.swift-mt", "payments.routed", "deadletter"


class FakeClock:
    """Time passes when somebody waits, and a little each time someone looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.001
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Copying:
    """A stage that copies values; ``hurt`` may raise for a record, ``seen`` is what it was given."""

    name = "copying"

    def __init__(self, hurt: Callable[[Record], None] = lambda _: None) -> None:
        self.hurt = hurt
        self.batches: list[list[int]] = []

    def process(self, records: Sequence[Record]) -> list[Outgoing]:
        self.batches.append([record.offset for record in records])
        for record in records:
            self.hurt(record)
        return [Outgoing(OUT, 0, None, record.value, {"ce_id": record.coordinates.encode()}) for record in records]

    def put_aside(self, record: Record, error: str) -> list[Outgoing]:
        return [deadletter_copy(record, self.name, error)]


class World:
    """A bus, a clock, a register that outlives workers, and workers one after another."""

    def __init__(self, messages: int = 0, partitions: int = 1) -> None:
        self.clock = FakeClock()
        self.bus = MemoryBus(now_ms=lambda: int(self.clock.now * 1000), wait=self.clock.sleep)
        for topic, count in ((IN, partitions), (OUT, 1), (ASIDE, 1)):
            self.bus.create_topic(topic, count)
        self.register = MemoryCrashRegister()
        self.faults: list[str] = []
        self.add(messages, partitions)

    def add(self, messages: int, partitions: int = 1) -> None:
        for number in range(messages):
            self.bus.append(Outgoing(IN, number % partitions, None, b"%d" % number, {}))

    def loop(self, stage: Copying, instance: str | None = "worker-1", **settings: float) -> StageLoop:
        loop = StageLoop(
            self.bus.consumer("stages", instance),
            self.bus.producer(),
            stage,
            self.register,
            [IN],
            settings=LoopSettings(**{"batch": 5, **settings}),  # type: ignore[arg-type]
            clock=self.clock,
            metrics=self,
            chance=lambda: 1.0,
        )
        loop._start()  # tests take single steps
        return loop

    def run(self, stage: Copying, *, seconds: float = 3.0, **settings: float) -> None:
        """Start a worker as a supervisor does and stop it in order after some seconds of the fake clock."""
        loop = StageLoop(
            self.bus.consumer("stages", "worker-1"),
            self.bus.producer(),
            stage,
            self.register,
            [IN],
            settings=LoopSettings(**{"batch": 5, **settings}),  # type: ignore[arg-type]
            clock=_Stopping(self.clock, self.clock.now + seconds, lambda: loop.stop()),
            metrics=self,
            chance=lambda: 1.0,
        )
        loop.run()

    def out(self) -> list[int]:
        return [int(record.value) for record in self.bus.records(OUT)]

    def aside(self) -> list[Record]:
        return self.bus.records(ASIDE)

    def position(self, partition: int = 0) -> int:
        return self.bus.positions("stages").get((IN, partition), 0)

    def batch(self, stage: str, size: int, seconds: float) -> None: ...

    def latency(self, step: str, seconds: float) -> None: ...

    def lag(self, topic: str, partition: int, messages: int) -> None: ...

    def fault(self, kind: str) -> None:
        self.faults.append(kind)


class _Stopping:
    """A clock that calls somebody once it is late enough, as SIGTERM comes from outside."""

    def __init__(self, clock: FakeClock, at: float, then: Callable[[], None]) -> None:
        self.clock, self.at, self.then = clock, at, then

    def monotonic(self) -> float:
        if self.clock.now >= self.at:
            self.then()
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


def steps(loop: StageLoop, count: int) -> None:
    for _ in range(count):
        loop.step()


def crash_on(*values: int) -> Callable[[Record], None]:
    def hurt(record: Record) -> None:
        if int(record.value) in values:
            raise ZeroDivisionError(f"cannot do {record.value!r}")

    return hurt


class Killed(BaseException):
    """The process is gone: no handler of the loop runs after it in reality, and none may in the test."""


def die(world: World, stage: Copying) -> None:
    """Run a worker that is killed inside its stage: nothing is committed, closed or ended by it."""
    loop = world.loop(stage)
    with pytest.raises(Killed):
        steps(loop, 200)
    consumer = loop._consumer
    assert isinstance(consumer, MemoryConsumer)
    consumer.kill()


# The ordinary course


def test_everything_comes_out_in_order_and_is_committed() -> None:
    world = World(23)
    world.run(Copying())
    assert world.out() == list(range(23))
    assert world.position() == 23
    assert not world.register.running
    assert world.faults == []


def test_batches_are_as_large_as_asked_and_an_idle_loop_waits_instead_of_spinning() -> None:
    world = World(12)
    stage = Copying()
    loop = world.loop(stage)
    steps(loop, 4)
    assert [len(batch) for batch in stage.batches] == [5, 5, 2]
    before = world.clock.now
    steps(loop, 20)
    assert world.clock.now - before >= 20 * 0.1


def test_nothing_is_committed_before_it_is_delivered() -> None:
    world = World(5)
    loop = world.loop(Copying(), patience=1000.0)
    world.bus.hold_deliveries()
    steps(loop, 1)
    loop.stop()  # gives up waiting at the first chance
    with pytest.raises(OperatingFaultError, match="still on their way"):
        loop._settle()
    assert world.position() == 0
    world.bus.release_deliveries()
    loop._settle()
    assert world.position() == 5
    assert world.out() == [0, 1, 2, 3, 4]


def test_positions_are_committed_once_a_second_not_with_each_batch() -> None:
    world = World(10)
    loop = world.loop(Copying(), commit_every=1.0)
    steps(loop, 2)
    assert world.out() == list(range(10))
    assert world.position() == 0
    steps(loop, 12)
    assert world.position() == 10


def test_offsets_without_a_message_are_passed_over() -> None:
    world = World(3)
    world.bus.skip_offsets(IN, 0, 2)
    world.add(3)
    world.run(Copying())
    assert world.out() == [0, 1, 2, 0, 1, 2]
    assert world.position() == 8


# What was not delivered


def test_a_failed_delivery_ends_the_worker_and_its_source_is_read_again() -> None:
    world = World(5)
    world.bus.fail_delivery(1)
    with pytest.raises(DeliveryFailedError, match=r"payments\.routed"):
        world.run(Copying())
    assert world.position() == 0
    assert not world.register.running
    assert world.register.crashes == {}
    world.run(Copying())
    assert set(world.out()) == {0, 1, 2, 3, 4}
    assert world.position() == 5


def test_a_failed_delivery_found_while_partitions_are_given_up_commits_nothing() -> None:
    world = World(6, partitions=2)
    loop = world.loop(Copying())
    world.bus.fail_delivery(1)
    steps(loop, 1)
    world.loop(Copying(), "worker-2")
    with pytest.raises(DeliveryFailedError):
        steps(loop, 1)
    loop._leave()
    assert world.bus.positions("stages") == {}


def test_an_output_that_can_never_be_sent_is_the_fault_of_its_record() -> None:
    world = World(4)

    class TooLarge(Copying):
        def process(self, records: Sequence[Record]) -> list[Outgoing]:
            return [Outgoing(OUT, 99 if record.offset == 2 else 0, None, record.value, {}) for record in records]

    for _ in range(3):
        with pytest.raises(StageCrashError) as caught:
            world.run(TooLarge())
        assert isinstance(caught.value.__cause__, OutgoingRefusedError)
    world.run(TooLarge())
    assert world.position() == 4
    assert [record.headers["source"] for record in world.aside()] == [b"ingest.swift-mt/0/2"]


# Crashes with an exception


def test_a_crash_is_counted_and_everything_before_it_is_kept_and_nothing_skipped() -> None:
    world = World(12)
    with pytest.raises(StageCrashError, match=r"ingest\.swift-mt/0/7 has crashed the stage copying 1 times"):
        world.run(Copying(crash_on(7)))
    assert world.position() == 7
    assert set(world.out()) == set(range(7))
    assert world.register.crashes[IN, 0, 7].count == 1
    assert "cannot do b'7'" in world.register.crashes[IN, 0, 7].error
    assert not world.register.running


def test_at_the_third_crash_the_record_is_put_aside_and_the_stream_goes_on() -> None:
    world = World(12)
    stage = Copying(crash_on(7))
    for count in (1, 2, 3):
        with pytest.raises(StageCrashError) as caught:
            world.run(stage)
        assert caught.value.count == count
        assert world.aside() == []
    world.run(stage)
    assert sorted(set(world.out())) == [number for number in range(12) if number != 7]
    assert [record.value for record in world.aside()] == [b"7"]
    assert b"ZeroDivisionError" in world.aside()[0].headers["error"]
    assert world.position() == 12
    assert world.register.crashes == {}
    assert world.faults.count("put-aside") == 1


def test_two_poisonous_records_in_one_batch_are_both_put_aside() -> None:
    world = World(10)
    stage = Copying(crash_on(1, 3))
    deaths = 0
    while world.position() < 10:
        try:
            world.run(stage)
        except StageCrashError:
            deaths += 1
    assert deaths == 6
    assert [record.value for record in world.aside()] == [b"1", b"3"]
    assert sorted(set(world.out())) == [0, 2, 4, 5, 6, 7, 8, 9]


def test_a_record_that_gets_through_the_second_time_is_forgiven() -> None:
    world = World(6)
    with pytest.raises(StageCrashError):
        world.run(Copying(crash_on(2)))
    stage = Copying()
    world.run(stage)
    assert world.register.crashes == {}
    assert world.out().count(2) == 1
    assert world.aside() == []
    assert stage.batches[0] == [2]  # a suspect is never handled together with others


def test_a_batch_that_only_fails_as_a_whole_is_done_one_by_one() -> None:
    world = World(5)

    class Crowded(Copying):
        def process(self, records: Sequence[Record]) -> list[Outgoing]:
            if len(records) > 1:
                raise MemoryError
            return super().process(records)

    world.run(Crowded())
    assert world.out() == [0, 1, 2, 3, 4]
    assert world.register.crashes == {}


def test_a_stage_that_cannot_even_put_aside_stops_its_partition_instead_of_losing_the_record() -> None:
    world = World(3)

    class Hopeless(Copying):
        def put_aside(self, record: Record, error: str) -> list[Outgoing]:
            raise RuntimeError("no")

    for _ in range(5):
        with pytest.raises(StageCrashError):
            world.run(Hopeless(crash_on(1)))
    assert world.position() == 1
    assert world.register.crashes[IN, 0, 1].count == 5


def test_a_suspect_that_got_through_just_before_a_stop_is_forgiven() -> None:
    world = World(6)
    with pytest.raises(StageCrashError):
        world.run(Copying(crash_on(2)))
    loops: list[StageLoop] = []

    def hurt(record: Record) -> None:
        if record.offset == 2:
            loops[0].stop()

    loops.append(world.loop(Copying(hurt)))
    _go_on(loops[0])
    assert world.register.crashes == {}


def test_a_crash_is_counted_once_even_when_the_run_could_not_be_ended() -> None:
    world = World(6)
    with pytest.raises(StageCrashError):
        world.run(Copying(crash_on(2)))

    def away() -> None:
        raise OperatingFaultError("Postgres does not answer")

    world.register.end_run = away  # type: ignore[method-assign]
    with pytest.raises(StageCrashError):
        world.run(Copying(crash_on(2)))
    del world.register.end_run
    assert world.register.begin_run()
    assert world.register.crashes[IN, 0, 2].count == 2


def test_what_was_done_before_a_crash_is_committed_although_the_broker_stumbles() -> None:
    world = World(6)

    def hurt(record: Record) -> None:
        if record.offset == 3:
            world.bus.drop_connection(3)
            raise ZeroDivisionError

    with pytest.raises(StageCrashError):
        world.run(Copying(hurt))
    assert world.position() == 3


# Crashes without an exception


def kill_on(*values: int) -> Callable[[Record], None]:
    def hurt(record: Record) -> None:
        if int(record.value) in values:
            raise Killed

    return hurt


def test_a_record_that_kills_the_process_is_found_and_put_aside() -> None:
    world = World(12)
    stage = Copying(kill_on(7))
    die(world, stage)  # nobody knows of what
    assert world.register.crashes == {}
    for count in (1, 2, 3):
        die(world, stage)
        assert world.register.marked == (IN, 0, 7)
        counted = world.register.crashes.get((IN, 0, 7))  # a mark is counted by the run after it
        assert (0 if counted is None else counted.count) == count - 1
    world.run(stage)
    assert [record.value for record in world.aside()] == [b"7"]
    assert world.aside()[0].headers["error"] == NO_EXCEPTION.encode()
    assert sorted(set(world.out())) == [number for number in range(12) if number != 7]
    assert world.position() == 12
    assert world.register.crashes == {}


def test_after_a_kill_what_was_there_is_handled_one_by_one_and_what_came_later_in_batches() -> None:
    world = World(7)
    die(world, Copying(kill_on(6)))
    world.add(10)
    stage = Copying()
    loop = world.loop(stage)
    steps(loop, 1)
    world.add(10)  # after the start
    steps(loop, 40)
    assert world.position() == 27
    assert world.register.marks == 17
    assert all(len(batch) == 1 for batch in stage.batches[:17])
    assert [len(batch) for batch in stage.batches[17:]] == [3, 5, 2]
    assert world.register.marked is None


def test_care_is_bounded_and_still_reaches_a_killer_far_ahead() -> None:
    world = World(40)
    stage = Copying(kill_on(33))
    for _ in range(15):
        loop = world.loop(stage, careful_records=8, commit_every=1000.0)
        before = world.register.marks
        try:
            steps(loop, 30)
        except Killed:
            pass
        else:
            loop._settle()
        assert world.register.marks - before <= 8 + 1  # and the suspect
        consumer = loop._consumer
        assert isinstance(consumer, MemoryConsumer)
        consumer.kill()
        if world.position() == 40:
            break
    assert world.position() == 40
    assert {record.value for record in world.aside()} == {b"33"}
    assert sorted(set(world.out())) == [number for number in range(40) if number != 33]


def test_a_death_in_a_batch_is_not_blamed_on_the_record_that_was_marked_before() -> None:
    world = World(9)
    with pytest.raises(StageCrashError):
        world.run(Copying(crash_on(2)))
    die(world, Copying(kill_on(4)))  # 2 is a suspect and handled alone, 3 and on as a batch
    assert world.register.marked is None
    assert world.register.crashes[IN, 0, 2].count == 1


def test_an_orderly_stop_is_no_crash() -> None:
    world = World(6)
    world.run(Copying())
    world.add(6)
    stage = Copying()
    world.run(stage)
    assert world.register.marks == 0
    assert [len(batch) for batch in stage.batches] == [1 + 4, 1]


# Outages


def test_a_client_that_closes_is_watched_and_one_that_has_closed_is_not() -> None:
    world, heard = World(), list[str]()

    class Dog:
        def working(self, _: float) -> None:
            heard.append("working")

        def idle(self) -> None:
            heard.append("idle")

    consumer, register = world.bus.consumer("stages", "worker-1"), world.register
    loop = StageLoop(consumer, world.bus.producer(), Copying(), register, [IN], clock=world.clock, watchdog=Dog())
    close = consumer.close
    consumer.close = lambda: (heard.append("closing"), close())  # type: ignore[method-assign]
    loop.stop()
    loop.run()
    assert heard == ["working", "closing", "idle"]


def test_a_service_that_comes_back_costs_time_and_nothing_else() -> None:
    world = World(5)
    failures = iter([True] * 4)

    def hurt(record: Record) -> None:
        if next(failures, False):
            raise OperatingFaultError("Postgres does not answer")

    world.run(Copying(hurt), seconds=10.0)
    assert world.out() == [0, 1, 2, 3, 4]
    assert world.position() == 5
    assert world.faults == ["outage"] * 4
    assert world.register.crashes == {}


def test_a_service_that_stays_away_ends_the_worker_with_a_sentence_and_no_crash() -> None:
    world = World(5)

    def hurt(record: Record) -> None:
        raise OperatingFaultError("Postgres does not answer")

    with pytest.raises(OperatingFaultError, match=r"processing failed for \d+ s: Postgres does not answer"):
        world.run(Copying(hurt), seconds=1000.0, patience=20.0)
    assert 20.0 <= world.clock.now < 30.0
    assert world.position() == 0
    assert world.register.crashes == {}
    assert not world.register.running


def test_the_broker_may_be_away_for_a_while_wherever_the_loop_is() -> None:
    world = World(30)
    stage = Copying()
    loop = world.loop(stage, commit_every=0.01)
    for calls in range(1, 8):
        world.bus.drop_connection(calls)
        steps(loop, 1)
    steps(loop, 60)
    assert sorted(set(world.out())) == list(range(30))
    assert world.position() == 30


def test_a_broker_that_stays_away_ends_the_worker() -> None:
    world = World(5)
    world.bus.drop_connection(1_000_000)
    with pytest.raises(OperatingFaultError, match="no broker of the cluster answers"):
        world.run(Copying(), seconds=1000.0)


def test_waits_double_up_to_the_longest_and_jitter_shortens_them() -> None:
    clock = FakeClock()
    waits: list[float] = []
    clock.sleep = waits.append  # type: ignore[method-assign]
    chances = iter([1.0, 0.0, 1.0, 1.0, 1.0])
    failures = iter(range(5))

    def action() -> str:
        if next(failures, None) is not None:
            raise OperatingFaultError("away")
        return "done"

    patience = Patience(clock, first=0.1, most=0.5, total=60.0, chance=lambda: next(chances))
    assert patience.run("asking", action) == "done"
    assert waits == pytest.approx([0.1, 0.1, 0.4, 0.5, 0.5])


def test_a_stuck_consumer_is_noticed() -> None:
    world = World(5)
    loop = world.loop(Copying(), stall=5.0)
    steps(loop, 3)
    consumer = loop._consumer
    assert isinstance(consumer, MemoryConsumer)
    consumer.pause([(IN, 0)])  # fetching has stopped and nobody knows
    world.add(3)
    with pytest.raises(StalledError, match="3 messages wait and none comes"):
        steps(loop, 500)


def test_a_quiet_topic_is_not_a_stuck_consumer_and_neither_is_a_last_offset_without_message() -> None:
    world = World(5)
    world.bus.skip_offsets(IN, 0, 1)
    loop = world.loop(Copying(), stall=5.0)
    steps(loop, 500)
    assert world.clock.now > 30
    assert world.position() == 5


# Back-pressure, rebalance, fencing, stopping


def test_too_many_undelivered_messages_pause_the_partitions_until_half_are_gone() -> None:
    world = World(50)
    stage = Copying()
    loop = world.loop(stage, pending_limit=10, commit_every=1000.0)
    world.bus.hold_deliveries()
    steps(loop, 30)
    assert sum(map(len, stage.batches)) == 15  # the batch that went over the limit was finished
    assert world.faults == ["back-pressure"]
    world.bus.release_deliveries()
    steps(loop, 30)
    assert world.out() == list(range(50))


def test_partitions_that_are_given_up_are_committed_first_and_nothing_is_done_twice() -> None:
    world = World(40, partitions=2)
    first, second = Copying(), Copying()
    loops = [world.loop(first, None)]
    steps(loops[0], 3)
    loops.append(world.loop(second, None))
    for _ in range(60):
        for loop in loops:
            loop.step()
    assert sorted(world.out()) == list(range(40))
    assert world.bus.positions("stages") == {(IN, 0): 20, (IN, 1): 20}
    assert second.batches


def test_partitions_that_were_lost_are_not_committed_and_the_new_owner_does_them_again() -> None:
    world = World(4)
    slow = world.loop(Copying(), "worker-1")
    steps(slow, 1)
    consumer = slow._consumer
    assert isinstance(consumer, MemoryConsumer)
    world.bus.expire(consumer)  # it was stopped for longer than its session
    other = world.loop(Copying(), "worker-2")
    steps(other, 20)
    assert world.position() == 4
    world.add(1)
    for _ in range(20):
        slow.step()
        other.step()
    assert world.position() == 5
    assert world.out().count(3) == 2  # at least once: the first owner's copy and the second's


def test_a_fenced_worker_ends_and_leaves_its_successors_run_alone() -> None:
    world = World(4)
    stale = world.loop(Copying())
    steps(stale, 1)
    successor = world.loop(Copying())
    with pytest.raises(BusFatalError, match="fenced"):
        _go_on(stale)
    assert world.register.running
    steps(successor, 20)
    assert world.position() == 4


def _go_on(loop: StageLoop) -> None:
    """The rest of ``run`` after the start."""
    loop._start = lambda: None  # type: ignore[method-assign]
    loop.run()


def test_a_stop_in_the_middle_of_a_batch_finishes_and_commits_it() -> None:
    world = World(20)
    loops: list[StageLoop] = []

    def hurt(record: Record) -> None:
        if record.offset == 7:
            loops[0].stop()

    loops.append(world.loop(Copying(hurt)))
    _go_on(loops[0])
    assert world.out() == list(range(10))
    assert world.position() == 10
    assert not world.register.running


def test_records_that_come_with_a_rebalance_in_between_are_left_to_their_new_owner() -> None:
    world = World(0, partitions=2)
    stage = Copying()
    loop = world.loop(stage, None)
    steps(loop, 2)
    consumer = loop._consumer
    poll = consumer.poll_batch
    joined: list[StageLoop] = []

    def poll_and_lose(limit: int, timeout: float) -> list[Record]:
        records = poll(limit, timeout)
        if records and not joined:
            joined.append(world.loop(Copying(), None))
            records += poll(limit, timeout)  # serves the rebalance
        return records

    consumer.poll_batch = poll_and_lose  # type: ignore[method-assign]
    world.add(8, partitions=2)
    for _ in range(60):
        loop.step()
        for other in joined:
            other.step()
    assert sorted(set(world.out())) == list(range(8))
    assert world.bus.positions("stages") == {(IN, 0): 4, (IN, 1): 4}


def test_sigterm_stops_in_order() -> None:
    world = World(20)
    loops: list[StageLoop] = []

    def hurt(record: Record) -> None:
        if record.offset == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    loops.append(world.loop(Copying(hurt)))
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        stop_on_signals(loops[0])
        _go_on(loops[0])
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert world.position() == 10
    assert not world.register.running
