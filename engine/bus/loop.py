"""The loop that runs a stage: consume, process, produce, and commit only what is acknowledged.

Rule: at least once, and nothing skipped. A position is committed after everything derived from the records before it
was taken by the broker, once a second and before partitions are given up. An exception in the stage is some record's
fault: the loop finds the record, counts the crash where the next run will see it, commits what was done before it and
dies; a record that has crashed workers ``put_aside_at`` times is handed to ``put_aside`` instead. An outage is nobody's
fault: it is retried for a while, then the loop ends with a sentence that says what does not answer. After a death that
left no exception, records are handled one by one with a mark before each (``engine.bus.crashes``).
"""

from __future__ import annotations

import random
import signal
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from engine.bus.clock import Clock, Patience, SystemClock
from engine.bus.crashes import Coordinates, Crash, CrashRegister, coordinates_of
from engine.bus.port import (
    BusFatalError,
    CommitRefusedError,
    Consumer,
    DeliveryFailedError,
    OperatingFaultError,
    Producer,
)
from engine.bus.record import Outgoing, Place, Record
from engine.bus.stage import LoopMetrics, LoopSettings, NoMetrics, Stage, StageCrashError, StalledError
from engine.bus.watchdog import NoWatchdog, Watchdog
from engine.observability.logs import get_logger

_log = get_logger()


class StageLoop:
    """Runs one stage over some topics until stopped. One thread; ``stop`` may be called from a signal handler."""

    def __init__(
        self,
        consumer: Consumer,
        producer: Producer,
        stage: Stage,
        crashes: CrashRegister,
        topics: Sequence[str],
        *,
        settings: LoopSettings | None = None,
        clock: Clock | None = None,
        metrics: LoopMetrics | None = None,
        watchdog: Watchdog | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._stage = stage
        self._crashes = crashes
        self._topics = tuple(topics)
        self._settings = settings or LoopSettings()
        self._clock = clock or SystemClock()
        self._metrics = metrics or NoMetrics()
        self._watchdog = watchdog or NoWatchdog()
        self._patience = Patience(
            self._clock,
            first=self._settings.backoff_first,
            most=self._settings.backoff_most,
            total=self._settings.patience,
            chance=chance,
            told=self._outage,
            give_up=lambda: self._stopping,
        )
        self._stopping = False
        self._unclean = False
        self._idle = True
        self._owned: set[Place] = set()
        self._fresh: list[Place] = []
        self._shrunk = False
        self._paused: set[Place] = set()
        #: Done and not committed; committed.
        self._done: dict[Place, int] = {}
        self._reached: dict[Place, int] = {}
        self._suspects: dict[Coordinates, Crash] = {}
        #: After an unclean start: the offset up to which records are handled one by one.
        self._careful_to: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._marked = False
        self._fenced = False
        self._commit_at = 0.0
        self._record_at = 0.0

    # The life of a loop

    def stop(self) -> None:
        """Finish the batch, flush, commit and leave."""
        self._stopping = True

    def run(self) -> None:
        """Run until stopped, or until an error that a new process has to get over."""
        self._start()
        try:
            while not self._stopping:
                self.step()
            self._settle()
        except StageCrashError:
            self._settle()  # so that the next run begins with the culprit
            raise
        except BusFatalError:
            self._fenced = True  # a successor may be running under our name: its run is not ours to end
            self._done.clear()
            raise
        finally:
            self._leave()

    def _start(self) -> None:
        self._unclean = self._patience.run("starting", self._crashes.begin_run)
        if self._unclean:
            _log.warning("unclean start", stage=self._stage.name)
        self._consumer.subscribe(self._topics, self._assigned, self._revoked, self._lost)
        self._commit_at = self._record_at = self._clock.monotonic()

    def _leave(self) -> None:
        self._watchdog.working(self._clock.monotonic())  # a client's close has hung before
        try:
            self._consumer.close()
            if not self._fenced:
                self._crashes.end_run()
        except OperatingFaultError as fault:  # the next run will be careful for nothing
            self._outage("leaving", fault)
        finally:
            self._watchdog.idle()

    def step(self) -> None:
        """One turn: take a batch, handle it, commit when it is time."""
        records = self._take()
        now = self._clock.monotonic()
        if records:
            self._record_at = now
            self._watchdog.working(now)
            if self._careful_to or self._suspects:
                self._handle_carefully(records)
            else:
                self._handle(records)
            self._producer.poll()
            finished = self._clock.monotonic()
            self._metrics.batch(self._stage.name, len(records), finished - now)
            now = finished
        else:
            self._watchdog.idle()
            if now - self._record_at >= self._settings.stall:
                self._check_progress(now)
        if now - self._commit_at >= self._settings.commit_every:
            self._settle()
            self._report_lag()
            self._commit_at = self._clock.monotonic()
        self._hold_back()

    # Taking

    def _take(self) -> list[Record]:
        """A batch. Idle, it waits long for the first record, and then briefly for more."""
        settings = self._settings
        self._shrunk = False
        if self._paused:
            self._producer.poll(0.05)
            records = self._poll(settings.batch, 0.0)
        elif self._idle:
            records = self._poll(1, settings.idle_wait)
            if records:
                records += self._poll(settings.batch - 1, settings.linger)
        else:
            records = self._poll(settings.batch, settings.linger)
        self._idle = not records
        if self._shrunk:  # given up in between: somebody else will do them
            records = [record for record in records if record.place in self._owned]
        if self._fresh:
            self._look_up_suspects()
        return records

    def _poll(self, limit: int, timeout: float) -> list[Record]:
        try:
            return self._consumer.poll_batch(limit, timeout)
        except DeliveryFailedError:  # from ``_revoked``
            raise
        except OperatingFaultError:
            return self._patience.run("reading", partial(self._consumer.poll_batch, limit, timeout))

    def _look_up_suspects(self) -> None:
        fresh, self._fresh = self._fresh, []
        self._suspects.update(self._patience.run("reading the crashes", partial(self._crashes.suspects, fresh)))
        if self._unclean:
            self._patience.run("reading positions", partial(self._be_careful, fresh))

    def _be_careful(self, places: Sequence[Place]) -> None:
        """What the run before may have died of: what was there when it died, from the committed position on."""
        committed = self._consumer.committed(places)
        for place in places:
            low, high = self._consumer.watermarks(place)
            first = committed.get(place, low)
            if first < high:
                self._careful_to[place] = min(high, first + self._settings.careful_records)

    # Handling

    def _handle(self, records: Sequence[Record]) -> None:
        """A whole batch; if the stage refuses it, one by one to find the culprit."""
        try:
            self._send(self._patience.run("processing", partial(self._stage.process, records)))
        except (OperatingFaultError, BusFatalError):
            raise
        except Exception:
            for record in records:
                self._handle_one(record)
            return
        done = self._done
        for record in records:
            done[record.topic, record.partition] = record.offset + 1

    def _handle_one(self, record: Record) -> None:
        try:
            self._send(self._patience.run("processing", partial(self._stage.process, (record,))))
        except (OperatingFaultError, BusFatalError):
            raise
        except Exception as error:
            self._crashed(record, error)
        self._done[record.place] = record.offset + 1

    def _handle_carefully(self, records: Sequence[Record]) -> None:
        """Suspects, and records after a death that left no exception, one by one; the others as batches between."""
        plain: list[Record] = []
        for record in records:
            crash = self._suspects.get(coordinates_of(record))
            place = record.place
            careful_to = self._careful_to.get(place)
            if careful_to is not None and record.offset >= careful_to:
                self._handle_unmarked(plain)
                plain = []
                self._unmark()
                self._settle()  # so that every start gets at least this far, wherever the culprit is
                del self._careful_to[place]
                careful_to = None
            if crash is None and careful_to is None:
                plain.append(record)
                continue
            self._handle_unmarked(plain)
            plain = []
            if crash is not None and crash.count >= self._settings.put_aside_at:
                self._unmark()
                self._put_aside(record, crash)
            else:
                self._patience.run("marking", partial(self._crashes.mark, record))
                self._marked = True
                self._handle_one(record)
            self._watchdog.working(self._clock.monotonic())
        self._handle_unmarked(plain)
        self._unmark()

    def _handle_unmarked(self, records: Sequence[Record]) -> None:
        """A batch between marked records: a death in it is not the fault of the record that is marked."""
        if records:
            self._unmark()
            self._handle(records)

    def _unmark(self) -> None:
        if self._marked:
            self._patience.run("unmarking", self._crashes.unmark)
            self._marked = False

    def _put_aside(self, record: Record, crash: Crash) -> None:
        try:
            self._send(self._patience.run("putting aside", partial(self._stage.put_aside, record, crash.error)))
        except (OperatingFaultError, BusFatalError):
            raise
        except Exception as error:
            self._crashed(record, error)
        self._done[record.place] = record.offset + 1
        self._metrics.fault("put-aside")
        _log.error("put aside", stage=self._stage.name, coordinates=record.coordinates, crashes=crash.count)

    def _crashed(self, record: Record, error: Exception) -> None:
        stack = "".join(traceback.format_exception(error))
        self._unmark()  # or the next run would count it twice
        count = self._patience.run("counting a crash", partial(self._crashes.record_crash, record, stack))
        self._metrics.fault("crash")
        raise StageCrashError(record.coordinates, count, self._stage.name) from error

    def _send(self, outgoing: Sequence[Outgoing]) -> None:
        send = self._producer.send
        for each in outgoing:
            try:
                send(each)
            except OperatingFaultError:
                self._patience.run("sending", partial(send, each))

    # Committing

    def _settle(self) -> None:
        """Flush, then commit what was done; what is committed is no longer a suspect."""
        if not self._done:
            return
        began = self._clock.monotonic()
        try:
            self._patience.run("flushing", partial(self._producer.flush, self._settings.flush_timeout))
            self._patience.run("committing", partial(self._consumer.commit, dict(self._done)))
        except DeliveryFailedError:
            self._done.clear()  # nothing may be committed any more, not even on leaving
            raise
        except CommitRefusedError as refused:
            self._metrics.fault("commit-refused")
            _log.warning("commit refused", stage=self._stage.name, detail=str(refused))
            return
        self._reached.update(self._done)
        self._done.clear()
        self._metrics.latency("commit", self._clock.monotonic() - began)
        self._clear_suspects()

    def _clear_suspects(self) -> None:
        if not self._suspects:
            return
        reached = self._reached
        over = [key for key in self._suspects if key[2] < reached.get((key[0], key[1]), 0)]
        if over:
            self._patience.run("clearing crashes", partial(self._crashes.clear, over))
            for key in over:
                del self._suspects[key]

    # The group's callbacks, inside ``poll_batch`` and ``close``

    def _assigned(self, places: Sequence[Place]) -> None:
        self._owned.update(places)
        self._fresh += places
        self._record_at = self._clock.monotonic()

    def _revoked(self, places: Sequence[Place]) -> None:
        """Commit what is done. One attempt: what cannot be committed now will be done again by the next owner."""
        try:
            if self._done:
                self._producer.flush(self._settings.flush_timeout)
                self._consumer.commit(dict(self._done))
                self._reached.update(self._done)
                self._done.clear()
        except DeliveryFailedError:
            self._done.clear()
            raise
        except (OperatingFaultError, CommitRefusedError) as fault:
            _log.warning("given up without a commit", stage=self._stage.name, detail=str(fault))
        self._lost(places)

    def _lost(self, places: Sequence[Place]) -> None:
        gone = set(places)
        self._shrunk = True
        self._owned -= gone
        self._paused -= gone
        self._fresh = [place for place in self._fresh if place not in gone]
        for held in (self._done, self._reached, self._ends, self._careful_to):
            for place in gone:
                held.pop(place, None)
        self._suspects = {key: crash for key, crash in self._suspects.items() if key[:2] not in gone}

    # Watching

    def _hold_back(self) -> None:
        """Take nothing more while the producer has too much to deliver."""
        pending = self._producer.pending()
        if self._paused:
            if pending <= self._settings.pending_limit // 2:
                self._consumer.resume(self._paused)
                self._paused = set()
        elif pending > self._settings.pending_limit and self._owned:
            self._paused = set(self._owned)
            self._consumer.pause(self._paused)
            self._metrics.fault("back-pressure")

    def _check_progress(self, now: float) -> None:
        """Nothing came for long: is there something? A last offset without a message (a transaction's mark) is not."""
        self._record_at = now
        if self._paused:
            return
        for place in sorted(self._owned):
            end = self._patience.run("asking for the end", partial(self._consumer.watermarks, place))[1]
            known = self._done.get(place, self._reached.get(place, self._ends.get(place)))
            if known is None:
                self._ends[place] = end
            elif end - known > 1:
                raise StalledError(f"{place[0]}/{place[1]}: {end - known} messages wait and none comes")

    def _report_lag(self) -> None:
        for (topic, partition), messages in self._consumer.lag().items():
            self._metrics.lag(topic, partition, messages)

    def _outage(self, doing: str, fault: OperatingFaultError) -> None:
        self._watchdog.working(self._clock.monotonic())  # waiting for a service is not hanging
        self._metrics.fault("outage")
        _log.warning("outage", stage=self._stage.name, doing=doing, detail=str(fault))


def stop_on_signals(loop: StageLoop) -> None:
    """SIGTERM and SIGINT end the loop in order. Call it on the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
