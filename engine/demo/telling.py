"""Telling the story: send each scene's message as any bank does, decide what is held, and judge what became of it.

Rule: the public path only: signed messages on the ingest topics, decisions of cases by two operators who hold tokens,
answers read back from the outbound topics. A scene is right when its outcomes, reasons and answers are those of
`engine.demo.story`; nothing is corrected and nothing is tried twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from engine import audit, ids, participants, sending
from engine.bus.port import Consumer, Producer
from engine.bus.topics import outbound_topic
from engine.commands import services
from engine.commands.participants import bring_in
from engine.compliance.cases import CaseStatus, Operator
from engine.demo.samples import Run, filled
from engine.demo.story import SHORT_BY, STORY, TULPEN, Chapter, Scene
from engine.errors import ServiceUnavailable, UsageFault
from engine.locating import Number, Wanted, locate
from engine.sending import Drop
from engine.settings import Settings
from engine.store import accounts, days, operators, outcomes, traces
from engine.store import cases as case_store
from engine.store.accounts import AccountView
from engine.store.connection import Connection
from engine.store.outcomes import MessageView
from engine.store.traces import AnswerView
from payments import Money

Say = Callable[[str], None]
_PATIENCE_SECONDS = 30.0
_ASK_EVERY = 0.05
#: What of the newest seconds may still be on its way when the audit looks; the story waits for its own messages.
_IN_FLIGHT_SECONDS = 2.0
_IMPORT_SECONDS = 60.0


@dataclass(slots=True)
class Played:
    """One scene as it went: the message sent, its first decision, where it ended, what went out."""

    scene: Scene
    drop: Drop
    first: MessageView | None = None
    last: MessageView | None = None
    answers: list[AnswerView] = field(default_factory=list)
    offsets: dict[Number, int] = field(default_factory=dict)

    @property
    def ms(self) -> int | None:
        """Milliseconds from the broker's receipt to the first decision."""
        if self.first is None:
            return None
        return round((self.first.decided_at - self.first.received_at).total_seconds() * 1000)

    @property
    def became(self) -> list[str]:
        """Its outcomes, first and last, each once."""
        found = [view.outcome for view in (self.first, self.last) if view is not None and view.outcome is not None]
        return list(dict.fromkeys(found))

    @property
    def reasons(self) -> list[str]:
        """Reason codes of its payments, each once."""
        return [] if self.last is None else sorted({each.reason for each in self.last.payments if each.reason})

    def problems(self) -> list[str]:
        """What is not as the story has it; empty when all is."""
        scene, found = self.scene, []
        if self.drop.problem is not None:
            found.append(self.drop.problem)
        expected = list(dict.fromkeys((scene.first, scene.outcome)))
        if self.became != expected:
            found.append(f"became {', '.join(self.became) or 'nothing'}, not {', '.join(expected)}")
        if self.reasons != sorted(scene.reasons):
            found.append(f"reasons are {', '.join(self.reasons) or 'none'}, not {', '.join(scene.reasons) or 'none'}")
        sent = Counter(f"{answer.recipient}: {answer.type}" for answer in self.answers)
        if sent != Counter(scene.answers):
            found.append(f"answers are {', '.join(sent.elements()) or 'none'}, not {', '.join(scene.answers)}")
        unpublished = [answer for answer in self.answers if (answer.writer_no, answer.seq) not in self.offsets]
        if unpublished:
            found.append(f"{len(unpublished)} of its answers did not come to their topics")
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """The story as it went. Balances are of settlement accounts, before the first message and after the last."""

    run: Run
    played: list[Played]
    before: list[AccountView]
    after: list[AccountView]
    verdicts: list[audit.Verdict]
    places: Mapping[int, tuple[str, int]]

    @property
    def sums_hold(self) -> bool:
        """Whether each system holds as much as before."""
        return sums(self.before) == sums(self.after)

    @property
    def ok(self) -> bool:
        """Whether everything became what it should, no money came or went, and the audit finds nothing."""
        fine = all(not each.problems() for each in self.played)
        return fine and self.sums_hold and all(verdict.ok for verdict in self.verdicts)


def sums(views: Sequence[AccountView]) -> dict[str, int]:
    """System -> what its participants hold together, minor units."""
    found: dict[str, int] = {}
    for view in views:
        found[view.book] = found.get(view.book, 0) + view.balance
    return found


def tell(settings: Settings, say: Say, story: Sequence[Chapter] = STORY) -> Told:
    """Play the whole story on a running stack, whose addresses are in the settings."""
    raw = files("engine.demo").joinpath("banks.json").read_bytes()
    banks = participants.check(participants.read(raw, "banks.json"), "banks.json")
    say(f"Participants: {', '.join(bank.name for bank in banks)}")
    refused = bring_in(settings, banks, _IMPORT_SECONDS).refused
    if refused:
        raise UsageFault(f"The banks of the demonstration could not be brought in: {refused[0].text}")
    with ExitStack() as stack:
        teller = _Teller(settings, stack, say)
        before = teller.balances()
        for chapter in story:
            say(chapter.title)
            teller.play(chapter)
        say("Reading what went out from the outbound topics")
        teller.collect()
        say("Audit of all of history")
        verdicts = list(audit.run(teller.reader, in_flight=_IN_FLIGHT_SECONDS))
        return Told(
            teller.run, teller.played, before, teller.balances(), verdicts, outcomes.places(teller.reader)
        )  # fmt: skip


class _Teller:
    """Plays chapters; holds the connections of one run."""

    def __init__(self, settings: Settings, stack: ExitStack, say: Say) -> None:
        self._settings = settings
        self._say = say
        self.reader: Connection = stack.enter_context(services.database(settings, "qenex_reader"))
        self._writer: Connection = stack.enter_context(services.database(settings, "qenex_writer"))
        self._producer: Producer = stack.enter_context(services.producer(settings))
        self._consumer: Consumer = stack.enter_context(services.consumer(settings))
        self._admin = services.admin(settings)
        self._cluster = self._admin.cluster_id()
        self._signer = sending.signer_of_store(self._writer)
        self.run = Run(datetime.now(UTC).replace(microsecond=0), _open_days(self.reader))
        self._folder = settings.data / "demo" / self.run.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.played: list[Played] = []

    def balances(self) -> list[AccountView]:
        """Settlement accounts as they are now."""
        return [view for view in accounts.balances(self.reader) if view.purpose == "settlement"]

    def play(self, chapter: Chapter) -> None:
        """Send a chapter's messages together, wait for their first decisions, decide what is held."""
        playing = [Played(scene, self._drop(scene)) for scene in chapter.scenes]
        self.played += playing
        drops = [each.drop for each in playing]
        topics = sending.deliver(drops, self._producer, self._consumer, self._admin)
        views = sending.await_outcomes(
            drops,
            self.reader,
            lambda: sending.identify(drops, self.reader, self._cluster, topics),
            _PATIENCE_SECONDS,
        )
        for each in playing:
            each.first = each.last = views.get(each.drop.message_id or b"")
            self._say(f"   {each.scene.title}: {_first(each)}")
        for each in playing:
            if each.scene.decision is not None and each.first is not None and each.first.outcome == "HELD":
                self._decide(each)

    def _drop(self, scene: Scene) -> Drop:
        if scene.repeats is not None:
            value, name = self._earlier(scene.repeats).drop.value, self._earlier(scene.repeats).scene.sample
        else:
            taken = scene.reference_of
            number = len(self.played) + 1 if taken is None else self.played.index(self._earlier(taken)) + 1
            value, name = filled(scene.sample, self.run, number, self._amount(scene)), scene.sample
        path = self._folder / f"{scene.name}{name[name.rindex('.') :]}"
        path.write_bytes(value)
        return sending.prepared(str(path), value, self._signer, topic=None, key=None)

    def _earlier(self, name: str) -> Played:
        return next(each for each in self.played if each.scene.name == name)

    def _amount(self, scene: Scene) -> Money | None:
        """A fixed amount, or one that follows from what Tulpen has and owes now."""
        if not isinstance(scene.amount, str):
            return scene.amount
        system = "EUR-INST" if scene.amount == "more-than-available-instant" else "EUR-RTGS"
        account = next(view for view in self.balances() if (view.participant, view.book) == (TULPEN, system))
        free = account.available or 0
        if scene.amount == "what-is-missing":
            return Money(account.queued_out - free + SHORT_BY.minor // 4, "EUR")
        return Money(free + SHORT_BY.minor, "EUR")

    # -- two persons ---------------------------------------------------------------------------------------------------

    def _decide(self, held: Played) -> None:
        """Two new operators: one proposes, the other approves that; their tokens end with the decision."""
        scene, message = held.scene, held.drop.message_id
        assert scene.decision is not None
        open_cases = case_store.list_cases(self.reader, CaseStatus.OPEN)
        case = next(each.case_id for each in open_cases if ids.message_id(each.payment_id) == message)
        names = [f"{person}-{self.run.name}-{case}" for person in ("anna", "boris")]
        analyst, officer = (
            self._operator(name, role) for name, role in zip(names, ("analyst", "officer"), strict=True)
        )
        proposal = case_store.propose(self._writer, case, analyst, scene.decision, scene.because)
        case_store.approve(self._writer, case, officer, proposal.hash)
        for name in names:
            operators.retire(self._writer, name)
        self._say(f"   Case {case}: {names[0]} proposes {scene.decision}, {names[1]} approves")

    def _operator(self, name: str, role: str) -> Operator:
        """A new operator, known by the token that he was given."""
        known = operators.authenticate(self._writer, operators.add(self._writer, name, role))
        assert known is not None
        return Operator(known.name, known.role or "")

    # -- what became of it ---------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Wait for where each message ends and for its answers on the outbound topics."""
        self._await(self._see_ends)
        payments = {each.drop.message_id: each for each in self.played if each.drop.message_id is not None}
        asked = [payment.id for each in self.played if each.last is not None for payment in each.last.payments]
        for payment, answers in traces.history(self.reader, asked).answers.items():
            payments[ids.message_id(payment)].answers += answers
        self._await(self._see_answers)

    def _await(self, seen: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not seen() and time.monotonic() < deadline:
            time.sleep(_ASK_EVERY)

    def _see_ends(self) -> bool:
        views = outcomes.messages(self.reader, [each.drop.message_id for each in self.played if each.drop.message_id])
        for each in self.played:
            each.last = views.get(each.drop.message_id or b"", each.last)
        return all(each.last is not None and each.last.outcome == each.scene.outcome for each in self.played)

    def _see_answers(self) -> bool:
        wanted = [
            (each, Wanted(outbound_topic(answer.recipient), (answer.writer_no, answer.seq), _ms(answer.at)))
            for each in self.played
            for answer in each.answers
            if (answer.writer_no, answer.seq) not in each.offsets
        ]
        if wanted:
            found = locate(services.tails(self._settings), self._consumer, [want for _, want in wanted])
            for each, want in wanted:
                record = found.get((want.topic, want.number))
                if record is not None:
                    each.offsets[want.number] = record.offset
        return all(len(each.offsets) == len(each.answers) for each in self.played)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _open_days(connection: Connection) -> dict[str, Any]:
    """System -> its business date; UsageFault when one is closed or stopped, for then nothing settles."""
    opened = days.days(connection)
    if not opened:
        raise ServiceUnavailable("The settlement worker", "No settlement system has a business day yet: qenex status")
    for day in opened.values():
        if day.stopped:
            raise UsageFault(f"{day.system} is stopped. Let it go on with: qenex day resume --system {day.system}")
        if day.phase != "open":
            raise UsageFault(
                f"{day.system} is in phase {day.phase} of {day.business_date}: customer payments are refused."
                f" Close and open: qenex day close --system {day.system}, qenex day open --system {day.system}"
            )
    return {name: day.business_date for name, day in opened.items()}


def _first(played: Played) -> str:
    if played.first is None:
        return played.drop.problem or "no decision yet"
    reasons = ", ".join(played.reasons)
    return f"{played.first.outcome}{f' ({reasons})' if reasons else ''} in {played.ms} ms"
