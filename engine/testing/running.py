"""A running engine as a test sees it: send, wait, look; and how one is started or found.

Rule: everything goes the way that users have: messages through Kafka with the sender's signature, participants through
what ``qenex participants import`` does, outcomes and balances as ``qenex trace`` and ``qenex balances`` read them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from engine import participants, sending
from engine.commands import services
from engine.commands.participants import bring_in
from engine.errors import UsageFault
from engine.settings import Settings, load
from engine.stack.local import LocalStack
from engine.store import accounts, days, keys, outcomes, traces
from engine.store.connection import Connection
from engine.store.outcomes import MessageView
from payments import Money
from settlement.schemes import BOOKS

#: A file for ``qenex participants import``, or the records of one.
Participants = Path | Sequence[Mapping[str, Any]]

_BANKS = files("engine.demo").joinpath("banks.json")
#: The banks of ``qenex demo``, in euro and dollar, with accounts in all four settlement systems.
DEMONSTRATION_BANKS: Participants = json.loads(_BANKS.read_bytes())

_IMPORT_SECONDS = 60.0
_ASK_EVERY = (0.02, 0.25)  # seconds: at first, and at most
#: What a message that is in one of these stays, so that waiting for something else is in vain.
FINAL = frozenset({"SETTLED", "REJECTED", "CANCELLED", "BLOCKED", "DUPLICATE", "PARSED"})


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message arrived; as text ``topic/partition/offset``, which ``qenex trace`` takes."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """The place as people write it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Engine:
    """A running engine. ``kafka`` and ``postgres`` are its addresses, ``settings`` what its commands use."""

    def __init__(self, settings: Settings) -> None:
        assert settings.kafka is not None
        assert settings.postgres is not None
        self.settings = settings
        self.kafka = settings.kafka
        self.postgres = settings.postgres

    # -- who takes part ------------------------------------------------------------------------------------------------

    def bring_in(self, wanted: Participants) -> None:
        """Import participants with their accounts and keys; once more changes nothing. UsageFault when refused."""
        name = str(wanted) if isinstance(wanted, Path) else "participants"
        raw = participants.read(wanted.read_bytes(), name) if isinstance(wanted, Path) else list(wanted)
        refused = bring_in(self.settings, participants.check(raw, name), _IMPORT_SECONDS).refused
        if refused:
            raise UsageFault(f"{name} could not be brought in: {refused[0].text}")

    def key(self, bic: str) -> bytes:
        """The key with which a participant signs: ``lau`` is the hex HMAC-SHA256 of a message's bytes under it."""
        with services.database(self.settings, "qenex_writer") as connection:
            found = keys.active_keys(connection).get(bic)
        if not found:
            raise UsageFault(f"{bic} is no participant with a key: use its BIC of 11 characters.")
        return found[0]

    def business_date(self, system: str) -> date:
        """The date that a settlement system settles for: the value date of a payment for today."""
        with self._reader() as connection:
            found = days.days(connection)
        if system not in found:
            raise UsageFault(f"{system}: there is no such settlement system; there are {', '.join(BOOKS)}.")
        return found[system].business_date

    # -- messages ------------------------------------------------------------------------------------------------------

    def send(
        self, message: bytes | str | Path, *, topic: str | None = None, key: str | None = None, signed: bool = True
    ) -> Sent:
        """Drop one message, untouched, and return where it arrived.

        ``message``: its bytes, its text (sent as UTF-8) or its file. Topic and Kafka key follow from the format and
        the sender found in it unless given; it is signed with that sender's key unless ``signed`` is False.
        UsageFault when it is not taken: no known format and no ``topic``, or refused by Kafka.
        """
        name = str(message) if isinstance(message, Path) else "message"
        value = message.read_bytes() if isinstance(message, Path) else _bytes(message)
        with services.database(self.settings, "qenex_writer") as connection:
            signer = sending.signer_of_store(connection) if signed else sending.Signer({})
        drop = sending.prepared(name, value, signer, topic=topic, key=key)
        if drop.problem is None:
            with services.producer(self.settings) as producer, services.consumer(self.settings) as consumer:
                sending.deliver([drop], producer, consumer, services.admin(self.settings))
        if drop.problem is not None or drop.place is None or drop.offset is None:
            raise UsageFault(f"{name} was not sent: {drop.problem}")
        return Sent(*drop.place, drop.offset)

    def wait_for_outcome(
        self, message: Sent | str, outcome: str | None = None, *, seconds: float = 30.0
    ) -> dict[str, Any]:
        """Wait until a message has the outcome, or any if none is named; its record, as ``qenex send --json`` has it.

        ``message``: what `send` returned, or any reference that ``qenex trace`` takes (UETR, end-to-end id, field 20,
        payment id, ``topic/partition/offset``), so that a message of your own program is found; of several with one
        reference, the newest. AssertionError when time is up, or when it became something else for good, with reason
        and explanation of each payment.
        """
        __tracebackhide__ = True  # pytest shows the caller's line, not this one
        reference = str(message)
        deadline = time.monotonic() + seconds
        pause, longest = _ASK_EVERY
        with self._reader() as connection:
            while True:
                view = _newest(connection, reference)
                became = None if view is None else view.outcome
                if view is not None and became is not None:
                    if outcome in (None, became):
                        return outcomes.record(view, outcomes.places(connection))
                    if became in FINAL:
                        raise AssertionError(f"{reference} became {became}, not {outcome}{_why(view)}")
                if time.monotonic() > deadline:
                    raise AssertionError(_late(reference, outcome, view, seconds))
                time.sleep(pause)
                pause = min(pause * 1.5, longest)

    # -- accounts ------------------------------------------------------------------------------------------------------

    def balances(self, system: str | None = None) -> dict[tuple[str, str], Money]:
        """(participant, system) -> what its account holds, of one settlement system or all."""
        with self._reader() as connection:
            return {
                (view.participant, view.book): Money(view.balance, view.currency)
                for view in accounts.balances(connection)
                if view.purpose == "settlement" and system in (None, view.book)
            }

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        with services.database(self.settings, "qenex_reader") as connection:
            yield connection


def _bytes(message: bytes | str) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _newest(connection: Connection, reference: str) -> MessageView | None:
    """The newest decided message of a reference."""
    found = traces.find(connection, [reference]).get(reference, [])
    views = outcomes.messages(connection, found).values()
    return max(views, key=lambda view: view.received_at, default=None)


def _why(view: MessageView) -> str:
    """Reason and explanation of each payment that has one, once."""
    said = [": ".join(filter(None, (each.reason, each.explanation))) for each in view.payments]
    return "".join(f"\n  {text}" for text in dict.fromkeys(said) if text)


def _late(reference: str, outcome: str | None, view: MessageView | None, seconds: float) -> str:
    wanted = f"not {outcome}" if outcome is not None else "not decided"
    if view is None:
        return f"{reference} was {wanted} within {seconds:g} s: nothing of this reference is decided here"
    state = view.outcome or f"{len(view.payments)} of {view.expected} payments decided"
    return f"{reference} was {wanted} within {seconds:g} s: {state}{_why(view)}"


@contextmanager
def started(settings: Settings | None = None) -> Iterator[Engine]:
    """An engine of its own: workers, and Kafka and Postgres unless the settings name them; all gone at the end."""
    root = Path(tempfile.mkdtemp(prefix="qenex-testing-"))
    root.chmod(0o755)  # Postgres runs as another user when root runs the tests
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("QENEX_DAY_SCHEDULE", "manual")  # the workers read it; no test runs into midnight
            given = settings or load()
            with LocalStack(
                root / "data", kafka=given.kafka is None, postgres=given.postgres is None, workers=True, settings=given
            ) as stack:
                yield Engine(stack.settings)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def attached(data: Path) -> Iterator[Engine]:
    """The engine that ``qenex up --data DIR`` runs; it is left running. ServiceUnavailable when none does."""
    yield Engine(services.load(data, kafka=True, postgres=True))
