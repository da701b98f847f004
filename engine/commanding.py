"""Commands of operators to a book: what they are, how they travel, how their result is learned.

Rule: a command goes on the topic ``ops.commands``, partition = place of the book in ``settlement.schemes.BOOKS``, and
is applied by that book's writer, in order, in the transaction of one of its batches; the row in ``engine.commands``
under the command's id is its result, written once. So a command with a known id is never applied again, and whoever
has lost the answer asks for the row. `ACTIONS` is the whole list; a command outside of it cannot be sent.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from engine.bus.port import Producer
from engine.bus.record import Outgoing, cloud_event
from engine.bus.topics import COMMANDS
from engine.errors import ServiceUnavailable
from engine.store import commands as store
from engine.store.connection import Connection
from settlement.schemes import BOOKS

Argument = str | int

#: Arguments of an action: name -> (type, required).
_Arguments = dict[str, tuple[type[str] | type[int], bool]]

ACTIONS: Mapping[str, _Arguments] = {
    # Amounts in minor units of the book's currency.
    "open-account": {"participant": (str, True), "opening_balance": (int, True), "credit_line": (int, True)},
    "set-credit-line": {"participant": (str, True), "credit_line": (int, True)},
    "cancel": {"payment_id": (str, True), "reason": (str, True)},
    "move": {"payment_id": (str, True), "to": (str, True)},
    "priority": {"payment_id": (str, True), "priority": (str, True)},
    "open-day": {"date": (str, False)},
    "cut-off": {},
    "close-day": {},
    "stop": {},
    "resume": {},
}
_CHOICES = {"to": ("head", "tail"), "priority": ("urgent", "high", "normal")}
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122, appendix C: names that are URLs
#: How often the result is asked for, in seconds.
_ASK_EVERY = 0.02


class CommandError(ValueError):
    """Not a command that a book knows; the message says what is wrong with it."""


class Command(msgspec.Struct, frozen=True):
    """One command. ``id`` a UUID; ``operator`` who asks; ``at`` ISO 8601, when he asked."""

    id: str
    book: str
    action: str
    arguments: dict[str, Argument]
    operator: str
    at: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command: ``ok``, and in words what was done or why not."""

    id: str
    ok: bool
    text: str


def command(
    book: str,
    action: str,
    operator: str,
    now: datetime,
    *,
    identity: uuid.UUID | None = None,
    **arguments: Argument | None,
) -> Command:
    """A command for a book; arguments that are None are left out. CommandError when no book knows it."""
    given = {name: value for name, value in arguments.items() if value is not None}
    at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made = Command(str(identity or uuid.uuid4()), book, action, given, operator, at)
    check(made)
    return made


def check(command: Command) -> None:
    """CommandError when the book, the action or an argument is not what `ACTIONS` says."""
    if command.book not in BOOKS:
        raise CommandError(f"{command.book!r} is not a settlement system; there are {', '.join(BOOKS)}")
    expected = ACTIONS.get(command.action)
    if expected is None:
        raise CommandError(f"{command.action!r} is not an action; there are {', '.join(ACTIONS)}")
    for name, value in command.arguments.items():
        if name not in expected:
            raise CommandError(f"{command.action} has no argument {name!r}; it has {', '.join(expected) or 'none'}")
        _check_value(command.action, name, value, expected[name][0])
    missing = [name for name, (_, required) in expected.items() if required and name not in command.arguments]
    if missing:
        raise CommandError(f"{command.action} lacks {', '.join(missing)}")
    try:
        uuid.UUID(command.id)
    except ValueError:
        raise CommandError(f"the command's id {command.id!r} is not a UUID") from None


def _check_value(action: str, name: str, value: Argument, kind: type[str] | type[int]) -> None:
    if type(value) is not kind:
        raise CommandError(f"{action}: {name} is {value!r}, not {'text' if kind is str else 'a whole number'}")
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise CommandError(f"{action}: {name} is {value}, not an amount of minor units from 0")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise CommandError(f"{action}: {name} is {value!r}, not one of {', '.join(_CHOICES[name])}")
    if name == "date":
        try:
            date.fromisoformat(str(value))
        except ValueError:
            raise CommandError(f"{action}: date is {value!r}, not YYYY-MM-DD") from None


_decoder = msgspec.json.Decoder(Command)
encode = msgspec.json.Encoder().encode


def decode(value: bytes) -> Command:
    """Read a command from the topic; CommandError when it is none that a book knows."""
    try:
        found = _decoder.decode(value)
    except msgspec.MsgspecError as problem:
        raise CommandError(f"not a command: {problem}") from problem
    check(found)
    return found


def account_command_id(book: str, participant: str, refused_before: int = 0) -> uuid.UUID:
    """The id of an account's opening: the same whenever it is asked for, so that it is opened once.

    ``refused_before``: openings of this account that the book has refused; each further try has an id of its own.
    """
    return uuid.uuid5(_NAMESPACE, f"open-account/{book}/{participant}/{refused_before}")


def issue(producer: Producer, connection: Connection, command: Command, timeout: float) -> Result:
    """Send a command and wait for its result; ServiceUnavailable when nobody applies it within ``timeout`` seconds."""
    return issue_all(producer, connection, [command], timeout)[0]


def issue_all(producer: Producer, connection: Connection, commands: Sequence[Command], timeout: float) -> list[Result]:
    """Send commands, in order, and wait for all results, in the same order.

    Those that are applied already are not sent again. ServiceUnavailable when a result is not there in time: the
    command stays queued and is applied when the book's writer runs, whoever waits for it.
    """
    results = store.results(connection, [each.id for each in commands])
    for each in commands:
        if each.id not in results:
            producer.send(outgoing(each))
    producer.flush(timeout)
    deadline = time.monotonic() + timeout
    wanted = [each for each in commands if each.id not in results]
    while wanted:
        results |= store.results(connection, [each.id for each in wanted])
        wanted = [each for each in wanted if each.id not in results]
        if wanted and time.monotonic() > deadline:
            raise _not_applied(wanted, timeout)
        if wanted:
            time.sleep(_ASK_EVERY)
    return [Result(each.id, *results[each.id]) for each in commands]


def outgoing(command: Command) -> Outgoing:
    """The command as a message on its book's partition."""
    check(command)
    headers = cloud_event(command.id, "qenex/operators", f"command.{command.action}", time=command.at)
    return Outgoing(COMMANDS, BOOKS.index(command.book), None, encode(command), headers)


def _not_applied(wanted: Sequence[Command], timeout: float) -> ServiceUnavailable:
    books = ", ".join(sorted({each.book for each in wanted}))
    return ServiceUnavailable(
        f"The settlement worker of {books}",
        f"{len(wanted)} of the commands sent ({wanted[0].action}) were not applied within {timeout:g} s. They stay"
        " queued and are applied when the worker runs. See how it is: qenex status; start it: qenex up",
    )
