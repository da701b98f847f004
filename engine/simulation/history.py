"""One history: a seed becomes a schedule of steps and faults, and a verdict.

Rule: the one source of chance is the history's generator; the order of steps, the messages and the faults all follow
from it. After every step the checker looks. At the end all faults stop, the workers finish what there is, and the
state has to be the model's.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from engine import commanding, ids
from engine.compliance.cases import CaseDecision, CaseRuleError, Operator
from engine.simulation.checker import BrokenError, Checker
from engine.simulation.faults import KilledError
from engine.simulation.workload import LINE, OPENING, RANKS, Sent, Workload, accounts
from engine.simulation.world import Stages, Worker, World, crew
from engine.store import cases
from engine.store.memory import MemoryConnection, Point

#: How likely a fault is wherever one may happen; the points of a commit matter more than others.
_RATES: dict[Point, float] = {"statement": 0.0015, "begin": 0.008, "before-commit": 0.012, "after-commit": 0.012}
_AT: dict[Point, tuple[str, ...]] = {
    "statement": ("kill-at-statement", "connection-lost", "paused"),
    "begin": ("paused", "paused", "connection-lost"),
    "before-commit": ("kill-at-commit", "reply-lost-undone"),
    "after-commit": ("kill-after-commit", "reply-lost-done"),
}
#: Rounds in which everything has to come to its end once the faults have stopped.
_ROUNDS = 400
#: Of one hundred steps: messages sent, commands given, faults of the world; the others are steps of workers.
_SENDS, _COMMANDS, _FAULTS = 0.16, 0.19, 0.21
#: Share of the commands that are about a whole book: its day, and whether it is stopped.
_OF_BOOKS = 0.35
#: Share of the commands that are decisions of compliance, while there is a case.
_OF_CASES = 0.6
_ANALYST, _OFFICER = Operator("ann", "analyst"), Operator("olaf", "officer")
_DECISIONS: tuple[CaseDecision, ...] = ("release", "release", "release", "reject", "block")
_DAY_ACTIONS = ("stop", "resume", "cut-off", "close-day", "open-day")


@dataclass(slots=True)
class Verdict:
    """What became of a history. ``invariant`` None: nothing broke. ``digest``: of everything that was committed."""

    seed: int
    steps: int = 0
    payments: int = 0
    invariant: str | None = None
    text: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    digest: str = ""


class History:
    """A run of one seed. ``sabotage`` is given the world before anything is built."""

    def __init__(self, seed: int, steps: int, sabotage: Callable[[World], None] | None = None) -> None:
        self.seed = seed
        self.steps = steps
        self.count = 0
        self.chance = chance = random.Random(seed)
        self.world = world = World(chance)
        self.checker = Checker(world.database, world.places)
        self._workload = Workload(chance, world.today, split=world.deployment == "split")
        self._desk = world.database.connect()
        self._late: list[tuple[int, Sent]] = []
        self._release_at = 0
        self._quiet = True
        if sabotage is not None:
            sabotage(world)
        self.workers = crew(world)
        world.database.reach = self._reach
        world.reply_lost = self._commit_reply_lost

    # -- a run ---------------------------------------------------------------------------------------------------------

    def run(self) -> Verdict:
        """Every step, then the end."""
        verdict = Verdict(self.seed)
        try:
            self._open_accounts()
            self._quiet = False
            while self.count < self.steps:
                self._step()
            self._finish()
        except BrokenError as broken:
            verdict.invariant, verdict.text = broken.invariant, broken.text
        verdict.steps = self.count
        verdict.payments = self.checker.payments
        verdict.faults, verdict.checked = self.world.injected, self.checker.checked
        verdict.seen = self.checker.seen
        return verdict

    def digest(self) -> str:
        """SHA-256 over every table and topic as they are."""
        world, found = self.world, hashlib.sha256()
        for name, table in sorted(world.database.tables.items()):
            found.update(repr((name, list(table.items()))).encode())
        for name in sorted({place[0] for place in world.places}):
            found.update(repr(world.bus.records(name)).encode())
        return found.hexdigest()

    def _open_accounts(self) -> None:
        for book, participant in accounts():
            self._order(book, "open-account", participant=participant, opening_balance=OPENING, credit_line=LINE)
        for _ in range(12):
            self._turn()

    def _step(self) -> None:
        self.count += 1
        chance, world = self.chance, self.world
        world.seconds += chance.random() * 0.02
        draw = chance.random()
        if draw < _SENDS:
            self._send()
        elif draw < _COMMANDS:
            self._command()
        elif draw < _FAULTS:
            self._fault()
        else:
            ready = [worker for worker in self.workers if self._ready(worker)]
            if ready:
                self._run(chance.choice(ready))
            else:
                world.seconds += 0.1
        if self._release_at and self.count >= self._release_at:
            self._release_at = 0
            world.bus.release_deliveries()
        if self._late and self._late[0][0] <= self.count:
            self._deliver(self._late.pop(0)[1])
        self.checker.look(world.bus.published)

    def _ready(self, worker: Worker) -> bool:
        now = self.world.seconds
        return worker.down_until <= now and worker.paused_until <= now and worker not in self.world.running

    def _run(self, worker: Worker) -> None:
        """A step of a worker; an error that is not an outage ends the history."""
        self.checker.checked["defect"] += 1
        try:
            worker.step()
        except BrokenError:
            raise
        except (Exception, psycopg.Error) as problem:
            self.checker.look(self.world.bus.published)  # if an invariant broke, that says more
            raise BrokenError("defect", f"{worker.name} ended by {type(problem).__name__}: {problem}") from problem

    def _turn(self) -> None:
        """A step of each worker, without faults."""
        self.world.seconds += 0.03
        for worker in self.workers:
            if worker.down_until <= self.world.seconds:
                self._run(worker)
            self.checker.look(self.world.bus.published)

    def _finish(self) -> None:
        """No more faults: everything comes to its end."""
        self._quiet = True
        bus = self.world.bus
        bus.failing.clear()
        bus.dropped_calls = 0
        bus.release_deliveries()
        for _, sent in self._late:
            self._deliver(sent)
        for worker in self.workers:
            worker.paused_until = 0.0
        for round_ in range(_ROUNDS):
            self._turn()
            if round_ % 4 == 3:
                for book in self.checker.stopped:
                    self._order(book, "resume")
                if self.checker.unfinished() is None:
                    break
                self.world.seconds += 0.4
        self.checker.finish()

    # -- what people do ------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        sent, chance = self._workload.next(), self.chance
        draw = chance.random()
        if draw < 0.08:
            self.world.injected["sent-late"] += 1
            self._late.append((self.count + chance.randint(2, 30), sent))
            self._late.sort(key=lambda one: one[0])
            return
        self._deliver(sent)
        if draw < 0.12:
            self.world.injected["sent-again"] += 1
            self._deliver(sent)

    def _deliver(self, sent: Sent) -> None:
        self.checker.sent(self.world.bus.append(sent.outgoing()), sent)

    def _command(self) -> None:
        chance = self.chance
        book, participant = chance.choice(accounts())
        if chance.random() < _OF_BOOKS:
            resting = self.world.resting()
            book = chance.choice(resting) if resting and chance.random() < 0.75 else book
            self._order(book, self._about_the_day(book))
            return
        open_cases = [row[0] for row in self.world.database.table("engine.cases").values() if row[1] != "decided"]
        if open_cases and chance.random() < _OF_CASES:
            self._decide_case(chance.choice(open_cases))
            return
        waiting = self.checker.waiting(book)
        if not waiting or chance.random() < 0.3:
            line = chance.choice((0, LINE // 2, LINE, LINE * 2))
            self._order(book, "set-credit-line", participant=participant, credit_line=line)
            return
        payment = ids.shown(chance.choice(waiting))
        draw = chance.random()
        if draw < 0.3:
            self._order(book, "cancel", payment_id=payment, reason="asked to")
        elif draw < 0.65:
            self._order(book, "move", payment_id=payment, to=chance.choice(("head", "tail")))
        else:
            self._order(book, "priority", payment_id=payment, priority=chance.choice(list(RANKS)))

    def _about_the_day(self, book: str) -> str:
        """Mostly what is to be asked for next, so that no book rests for long; sometimes what cannot be."""
        chance, (_, _, phase, stopped, _) = self.chance, self.world.database.table("engine.books")[book]
        if chance.random() < 0.1:
            return chance.choice(_DAY_ACTIONS)
        if stopped:
            return "resume"
        if phase == "closed":
            return "open-day"
        return chance.choice(("stop", "cut-off" if phase == "open" else "close-day", "close-day"))

    def _decide_case(self, number: int) -> None:
        """A step of two persons: one proposes, another approves or refuses; the first may think better of it."""
        chance, desk = self.chance, self._desk.port
        stored = cases.load(desk, number)
        proposal = stored.standing
        if proposal is None:
            who = chance.choice((_ANALYST, _OFFICER))
            decision = chance.choice(_DECISIONS)
            if not stored.case.readable or (decision == "block" and not stored.case.hits):
                decision = "reject"  # there is nothing that could go on, or no list that freezes it
            cases.propose(desk, number, who, decision, "looked at")
            return
        author = Operator(proposal.proposed_by, "officer")
        other = _OFFICER if author.name != _OFFICER.name else Operator("ann", "officer")
        draw = chance.random()
        if draw < 0.1:
            cases.refuse(desk, number, other, proposal.hash)
        elif draw < 0.2:
            cases.withdraw(desk, number, author, proposal.hash)
        elif draw < 0.3:
            try:
                cases.approve(desk, number, author, proposal.hash)
            except CaseRuleError:
                return
            raise BrokenError("I5", f"case {number}: {author.name} approved what he had proposed himself")
        else:
            cases.approve(desk, number, other, proposal.hash)
            payment = ids.parse(stored.case.payment_id)
            assert payment is not None
            self.checker.case_decided(payment, stored.case.attempt, proposal.decision)

    def _order(self, book: str, action: str, **arguments: str | int) -> None:
        identity = uuid.UUID(int=self.chance.getrandbits(128), version=4)
        now = self.world.true_time
        order = commanding.outgoing(commanding.command(book, action, "sim", now, identity=identity, **arguments))
        self.world.bus.append(order)
        if not self._quiet and self.chance.random() < 0.2:
            self.world.injected["command-again"] += 1
            self.world.bus.append(order)

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def _fault(self) -> None:
        world, chance = self.world, self.chance
        workers = [worker for worker in self.workers if worker.alive and worker not in world.running]
        if not workers:
            return
        worker = chance.choice(workers)
        fault = chance.choice(_WORLD_FAULTS)
        if fault == "kill":
            worker.kill()
        elif fault == "session-lingers":
            worker.kill(noticed=False)
        elif fault == "restart":
            if self._ready(worker):
                self._stop(worker)
        elif fault == "paused":
            worker.paused_until = world.seconds + chance.uniform(0.5, 4.0)
        elif fault == "clock-jump":
            worker.offset = chance.choice((0.0, -1800.0, 3600.0, -0.5, chance.uniform(-7200, 7200)))
        elif fault == "broker-away":
            world.bus.drop_connection(chance.randint(1, 4))
        elif fault == "delivery-refused":
            world.bus.fail_delivery()
            self.checker.unordered = True
        elif fault == "delivery-held":
            world.bus.hold_deliveries()
            self._release_at = self.count + chance.randint(3, 25)
        elif isinstance(worker, Stages):
            fault = "group-expired"
            worker.expire()
        else:
            return
        world.injected[fault] += 1

    def _stop(self, worker: Worker) -> None:
        try:
            worker.stop()
        except BrokenError:
            raise
        except Exception as problem:
            raise BrokenError("defect", f"{worker.name} ended by {type(problem).__name__}: {problem}") from problem

    def _commit_reply_lost(self) -> bool:
        lost = not self._quiet and self.chance.random() < 0.02
        if lost:
            self.world.injected["commit-reply-lost"] += 1
        return lost

    def _reach(self, connection: MemoryConnection, point: Point) -> None:
        """A place where the database, the network or the worker may fail."""
        world, chance = self.world, self.chance
        if self._quiet or not world.running or connection is self._desk or chance.random() >= _RATES[point]:
            return
        worker = world.running[-1]
        fault = chance.choice(_AT[point])
        if fault == "paused" and (len(world.running) > 1 or self.count >= self.steps):
            return
        world.injected[fault] += 1
        if fault == "paused":
            self._pause(worker)
        elif fault.startswith("kill"):
            connection.lose()
            raise KilledError(worker.name)
        else:
            connection.lose(noticed=chance.random() < 0.7)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def _pause(self, worker: Worker) -> None:
        """It stands still in the middle of a step while others go on, mostly past its lease."""
        del worker
        for _ in range(self.chance.randint(4, 40)):
            if self.count >= self.steps:
                return
            self.world.seconds += self.chance.random() * 0.3
            self._step()


_WORLD_FAULTS = (
    "kill", "kill", "session-lingers", "restart", "paused", "paused", "clock-jump", "broker-away", "delivery-refused",
    "delivery-held", "delivery-held", "group-expired", "group-expired",
)  # fmt: skip
