"""A scene: one row of the fault matrix in play: testers who send, who read meanwhile, and what is done to the system.

Rule: testers write down what they see and judge nothing. Every choice comes from the scene's seed; only the order of
threads does not. What a message may become is said when it is sent.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg

from engine import ids
from engine.errors import EngineFault
from engine.faults import checker
from engine.faults.history import History
from engine.faults.stack import FaultyStack
from engine.store.connection import Connection
from engine.testbed import checks
from engine.testbed.bed import Arrival, Bed, Sender, message_ids
from engine.testbed.samples import Sample, Writer

SETTLED = ("SETTLED",)
#: What may become of a payment of who cannot pay everything he sends.
POOR = ("SETTLED", "REJECTED", "QUEUED")
REFUSED = ("REJECTED",)
#: How long everything may take to come to rest after the faults.
REST_SECONDS = 90.0
_READING_SECONDS = 0.25
_READ_AT_ONCE = 40

_TOTALS = """
    select a.book, sum(b.balance)::bigint, count(*) filter (where b.balance + coalesce(b.credit_line, 0) < 0)
    from ledger.accounts a join ledger.balances b using (account_id)
    where a.purpose = 'settlement' group by 1 order by 1
"""
_OUTCOMES = """
    select n.number, i.payment_id, coalesce(o.state, i.state)
    from unnest(%s::int[], %s::uuid[], %s::uuid[]) as n (number, low, high)
    join engine.inbox i on i.payment_id >= n.low and i.payment_id < n.high
    left join engine.outcomes o using (payment_id)
    order by 1, 2, i.attempt
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A message to be sent. ``group``: of all with the same, one takes effect; None: of the same bytes.

    ``must``: whether one of the group has to; None: when every member may.
    """

    sample: Sample
    allowed: Sequence[str] = SETTLED
    group: str | None = None
    must: bool | None = None
    signature: str | None = None

    @property
    def counted_as(self) -> str:
        """The group, or a name of the bytes."""
        return self.group or hashlib.sha256(self.sample.value).hexdigest()[:16]


def plan_of(sample: Sample) -> Plan:
    """A sound message of the testbed."""
    return Plan(sample, POOR if sample.poor else SETTLED)


@dataclass(slots=True)
class Outcome:
    """What is left of a scene: judgements, how often each thing was done, remarks."""

    findings: list[dict[str, object]] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    messages: int = 0

    @property
    def broken(self) -> list[dict[str, object]]:
        """Findings that are not right."""
        return [finding for finding in self.findings if not finding["ok"]]


class Scene:
    """One row at play on a bed."""

    def __init__(self, bed: Bed, stack: FaultyStack, history: History, seed: int, name: str) -> None:
        self.bed = bed
        self.stack = stack
        self.history = history
        self.chance = random.Random(f"{seed} {name}")
        self.name = name
        self.outcome = Outcome()
        self.findings: list[checker.Finding] = []
        self._seed = seed
        self._senders: list[Sender] = []
        self._threads: list[threading.Thread] = []
        self._problems: list[BaseException] = []
        self._over = threading.Event()
        self._writers = 0
        with bed.database() as connection:
            self._sources = bed.sources(connection)

    # -- what testers do -----------------------------------------------------------------------------------------------

    def writer(self) -> Writer:
        """A writer of messages with references of its own."""
        self._writers += 1
        seed = self.chance.randrange(2**32)
        return Writer(seed, self.bed.dates, f"{self.name}{self._writers}")

    def inject(self, what: str, count: int = 1, **detail: object) -> None:
        """Write down that something is done to the system."""
        self.outcome.injected[what] += count
        self.history.note("fault", what=what, count=count, **detail)

    def sender(self) -> Sender:
        """A producer of its own."""
        sender = Sender(self.bed)
        self._senders.append(sender)
        return sender

    def send(self, sender: Sender, plan: Plan) -> None:
        """Send one; the history gets both lines."""
        group = plan.counted_as
        must = set(plan.allowed) <= checker.EFFECTIVE if plan.must is None else plan.must
        number = self.history.invoke(
            "send", kind=plan.sample.kind, group=group, allowed=list(plan.allowed), must=must
        )  # fmt: skip

        def told(arrival: Arrival | None, why: str) -> None:
            if arrival is None:
                self.history.end("info", "send", number, why=why)
            else:
                self.history.end("ok", "send", number, place=_shown(arrival))

        sender.send(plan.sample, signature=plan.signature, told=told)

    def load(self, seconds: float, rate: float, *, producers: int = 1) -> None:
        """Start producers that send ``rate`` messages a second together; ``rest`` waits for them."""
        for _ in range(producers):
            writer, count = self.writer(), int(seconds * rate / producers)
            self.produce(self._some(writer, count), producers / rate)

    def produce(self, plans: Iterable[Plan], pause: float, jitter: float = 0.0) -> None:
        """Start one producer: a message each ``pause`` seconds by the clock, later by up to ``jitter``."""
        thread = threading.Thread(
            target=partial(self._guarded, partial(self._produce, self.sender(), plans, pause, jitter)), name="producer"
        )
        self._threads.append(thread)
        thread.start()

    def _produce(self, sender: Sender, plans: Iterable[Plan], pause: float, jitter: float) -> None:
        began = time.monotonic()
        chance = random.Random(began if jitter else 0)
        for number, plan in enumerate(plans):
            due = began + number * pause + chance.random() * jitter
            while (early := due - time.monotonic()) > 0.002:
                sender.poll(min(early, 0.05))  # it comes back as soon as there was something to serve
            self.send(sender, plan)
        sender.flush()

    def _some(self, writer: Writer, count: int) -> Iterator[Plan]:
        """Euro messages, some files; one in fifty again, one in fifty with a wrong signature."""
        sent: list[Plan] = []
        for _ in range(count):
            draw = writer.chance.random()
            if draw < 0.02 and sent:
                yield writer.chance.choice(sent)
            elif draw < 0.04:
                yield Plan(writer.some(), REFUSED, signature="00")
            else:
                sent.append(plan_of(writer.nacha() if draw < 0.06 else writer.some()))
                yield sent[-1]

    # -- who reads meanwhile -------------------------------------------------------------------------------------------

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Totals and outcomes are read all the time inside the block."""
        self._over.clear()
        thread = threading.Thread(target=partial(self._guarded, self._watch), name="watcher")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(30)

    def _watch(self) -> None:
        chance = random.Random(self._seed)
        connection: Connection | None = None
        while not self._over.wait(_READING_SECONDS):
            try:
                if connection is None or connection.closed:
                    connection = self.bed.database().__enter__()
                self.read_totals(connection)
                known = self.arrived()
                self.read_outcomes(connection, chance.sample(known, min(_READ_AT_ONCE, len(known))))
            except (psycopg.Error, EngineFault):
                continue  # the history says that the reading failed
        if connection is not None:
            connection.close()

    def read_totals(self, connection: Connection) -> None:
        """One reading of every book's total, at one moment."""
        number = self.history.invoke("totals")
        try:
            rows = connection.execute(_TOTALS).fetchall()
        except psycopg.Error as problem:
            self.history.end("fail", "totals", number, why=_first_line(problem))
            raise
        totals = {book: total for book, total, _ in rows}
        self.history.end("ok", "totals", number, totals=totals, below=sum(below for _, _, below in rows))

    def read_outcomes(self, connection: Connection, arrivals: Sequence[Arrival]) -> None:
        """What became of some messages, as far as it is known; those without an outcome yet are not written down."""
        lows, highs = [], []
        for one in arrivals:
            source = self._sources[one.topic, one.partition]
            lows.append(ids.payment_id(source, one.offset, 0).hex())
            highs.append(ids.payment_id(source, one.offset + 1, 0).hex())
        found: dict[int, dict[str, str]] = {}
        for number, payment, state in connection.execute(_OUTCOMES, (list(range(len(lows))), lows, highs)):
            found.setdefault(number, {})[str(ids.coordinates(payment.bytes)[2])] = state
        for number, states in found.items():
            operation = self.history.invoke("outcome")
            self.history.end("ok", "outcome", operation, place=_shown(arrivals[number]), states=states)

    def arrived(self) -> list[Arrival]:
        """Everything that the broker acknowledged."""
        return [one for sender in self._senders for one in list(sender.arrived)]

    # -- the end -------------------------------------------------------------------------------------------------------

    def join(self) -> None:
        """Wait for the producers; what went wrong in a tester is no finding but an error."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._problems:
            raise self._problems[0]

    def rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait until everything is decided and answered."""
        self.join()
        self.bed.settle(seconds)

    def judge(self) -> Outcome:
        """Read everything once more and judge: the history, the database, the outgoing topics."""
        arrived = self.arrived()
        with self.bed.database() as connection:
            self.read_totals(connection)
            self.read_outcomes(connection, arrived)
        outcome = self.outcome
        outcome.messages = len(arrived)
        outcome.findings = [finding.record() for finding in (*checker.judge(self.history.events), *self.findings)]
        outcome.findings += [check.record() for check in _database(self.bed, arrived)]
        return outcome

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as problem:
            self._problems.append(problem)


def _database(bed: Bed, arrived: Sequence[Arrival]) -> Iterator[checks.Check]:
    """The testbed's checks; those that need something to look at are told from those that may find nothing."""
    with bed.database() as connection:
        known = message_ids(bed, connection, arrived)
        yield checks.every_arrival_acknowledged(bed, arrived)
        yield checks.one_outcome_each(connection, known)
        yield checks.archived(bed, connection, arrived)
        yield checks.sent_once(bed, connection)
        yield checks.one_answer_of_a_kind(connection)
        yield checks.money_conserved(connection)
        for check in checks.audited(connection):
            check.examined = max(check.examined, 1)  # one of the audit may have nothing to look at in a short row
            yield check


def _shown(arrival: Arrival) -> str:
    return f"{arrival.topic}/{arrival.partition}/{arrival.offset}"


def _first_line(problem: BaseException) -> str:
    return next(iter(str(problem).splitlines()), type(problem).__name__)


def wait_for(what: Callable[[], bool], seconds: float, why: str) -> None:
    """Wait until something is so; TimeoutError that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(why)
        time.sleep(0.05)
