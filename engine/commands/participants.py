"""``qenex participants``: who takes part, with which accounts and keys."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import commanding, participants
from engine.bus.rights import MECHANISM, participant_rights
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.errors import UsageFault
from engine.participants import Merged
from engine.routing.directory import Directory, Participant, Reference
from engine.settings import Settings
from engine.store import accounts, commands, keys, reference
from engine.store.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Participants: banks, their accounts, credit lines, schemes and keys.",
)
_FILE_MAX = 100_000_000
#: Others may save at the same moment; each try merges into what is newest then.
_TRIES = 5
BicArgument = Annotated[str, typer.Argument(metavar="BIC", help="BIC of 8 or 11 characters, or routing number.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or TOML; the list, or an object that holds it.")],
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the books to open accounts.")] = 30.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Add or change participants, open their accounts, make their keys and topics.

    Importing the same file again changes nothing. Exit 1 when a book refused an account.

    Example: `qenex participants import banks.json`
    """
    imported = participants.check(participants.read(_read(file), str(file)), str(file))
    settings = services.load(data, kafka=True, postgres=True)
    brought = bring_in(settings, imported, timeout)
    _report(imported, brought, as_json=json)
    for result in brought.refused:
        say(f"refused: {result.text}")
    return 1 if brought.refused else 0


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What bringing in participants has done."""

    merged: Merged
    results: list[tuple[commanding.Command, commanding.Result]]
    new_keys: set[str]

    @property
    def refused(self) -> list[commanding.Result]:
        """What the books refused; then the document was not changed."""
        return [result for _, result in self.results if not result.ok]


def bring_in(settings: Settings, imported: Sequence[Participant], timeout: float) -> BroughtIn:
    """Make their keys and topics, open their accounts, put them into the document, unless a book refused.

    Returns when the workers go by it.
    """
    from engine.facts import LOOK_SECONDS

    with services.database(settings, "qenex_writer") as connection:
        operator = services.administrator(settings, connection).name
        new_keys = _make_keys(connection, imported)
        _make_topics(settings, imported)
        results = _apply_to_books(settings, connection, imported, operator, timeout)
        save = all(result.ok for _, result in results)
        merged = _merge_and_save(connection, operator, lambda now: participants.merge(now, imported), save=save)
    if save and (new_keys or merged.changed):
        time.sleep(2 * LOOK_SECONDS)  # who imports and then sends must not be a stranger
    return BroughtIn(merged, results, new_keys)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _FILE_MAX:
            raise UsageFault(f"{file} is larger than {_FILE_MAX} bytes: no list of participants.")
        return file.read_bytes()
    except OSError as problem:
        raise UsageFault(f"{file} cannot be read: {problem.strerror}.") from None


def _make_keys(connection: Connection, imported: Sequence[Participant]) -> set[str]:
    """A key for each who has none; returns who got one."""
    have = keys.active_keys(connection)
    new = {participant.id for participant in imported if participant.id not in have}
    for participant in sorted(new):
        keys.ensure(connection, participant)
    return new


def _make_topics(settings: Settings, imported: Sequence[Participant]) -> None:
    """The outbound topic of each."""
    from engine.bus.topics import outbound_topic, topics
    from settlement.schemes import BOOKS

    names = [participant.id for participant in imported]
    outbound = {outbound_topic(name) for name in names}
    wanted = topics(books=len(BOOKS), ingest_partitions=settings.ingest_partitions, participants=names)
    if outbound:
        with services.kafka_faults():
            services.admin(settings).ensure_topics([topic for topic in wanted if topic.name in outbound])


def _apply_to_books(
    settings: Settings, connection: Connection, imported: Sequence[Participant], operator: str, timeout: float
) -> list[tuple[commanding.Command, commanding.Result]]:
    """Open accounts and set credit lines; nothing is sent when the books are as the file says."""
    wanted = participants.account_commands(
        imported,
        accounts.open_accounts(connection),
        commands.refused_openings(connection),
        operator,
        datetime.now(UTC),
    )
    if not wanted:
        return []
    with ExitStack() as stack:
        producer = stack.enter_context(services.producer(settings))
        results = commanding.issue_all(producer, connection, wanted, timeout)
    return list(zip(wanted, results, strict=True))


def _merge_and_save(
    connection: Connection, operator: str, change: Callable[[Reference], Merged], *, save: bool = True
) -> Merged:
    """Change the newest document; a new version only when something is different."""
    for _ in range(_TRIES):
        version, document = reference.newest(connection)
        merged = change(document)
        if not merged.changed or not save:
            return merged
        try:
            reference.save(connection, version, merged.reference, operator)
        except reference.ReferenceMovedError:
            continue
        return merged
    raise UsageFault("Others change participants at the same moment: try again.")


def _report(imported: Sequence[Participant], brought: BroughtIn, *, as_json: bool) -> None:
    merged, new_keys = brought.merged, brought.new_keys
    done: dict[str, list[dict[str, Any]]] = {}
    for command, result in brought.results:
        done.setdefault(str(command.arguments["participant"]), []).append(
            {"system": command.book, "action": command.action, "ok": result.ok, "result": result.text}
        )
    records: list[dict[str, Any]] = [
        {
            "id": each.id,
            "bic": each.bic,
            "routing_number": each.routing_number,
            "name": each.name,
            "result": merged.effects[each.id],
            "accounts": done.get(each.id, []),
            "key_created": each.id in new_keys,
        }
        for each in imported
    ]
    if as_json:
        json_lines(records)
        return
    for record in records:
        record["accounts"] = ", ".join(f"{item['system']}: {item['result']}" for item in record["accounts"]) or None
        record["key"] = "made" if record["key_created"] else "as before"
    table(records, ["id", "name", "result", "accounts", "key"])
    if not merged.changed and not done and not new_keys:
        line("Nothing has changed: everything was as the file says.")


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> int:
    """List participants as they are in force.

    Example: `qenex participants list --json`
    """
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        _, document = reference.newest(connection)
    records = [{"id": each.id, **each.model_dump(mode="json")} for each in document.participants]
    if json:
        json_lines(records)
        return 0
    for record in records:
        record["accounts"] = ", ".join(f"{item['system']} {item['currency']}" for item in record["accounts"])
        record["schemes"] = ", ".join(record["schemes"])
    table(records, ["bic", "routing_number", "name", "schemes", "accounts", "status"])
    return 0


@app.command()
def key(
    bic: BicArgument,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new key; the one before stays valid too.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="End the older key: the sender uses the new one.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Show the key with which a participant signs (HMAC-SHA256 over the message's bytes, hex, in the header `lau`).

    Example: `qenex participants key AURODEFFXXX --rotate`
    """
    if rotate and finish:
        raise UsageFault("--rotate begins a rotation and --finish ends it: not both at once.")
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        services.administrator(settings, connection)
        participant = _found(connection, bic).id
        if finish and keys.finish_rotation(connection, participant) == 0:
            say(f"{participant} has one key only: nothing to end.")
        secret = keys.rotate(connection, participant) if rotate else keys.ensure(connection, participant)
        valid = len(keys.keys_of(connection, participant))
    if json:
        json_line({"bic": participant, "key": secret.hex(), "valid_keys": valid})
        return 0
    line(secret.hex())
    if valid > 1:
        say(f"{participant} has {valid} valid keys. Once it signs with this one: qenex participants key BIC --finish")
    return 0


@app.command()
def access(bic: BicArgument, data: DataOption = None, json: JsonOption = False) -> int:
    """Let a participant log in to the local Kafka (QENEX_KAFKA_SECURITY=scram); prints his password once.

    He may write to the ingest topics and read his own outbound topic, with consumer groups whose names begin with his.
    Asking again gives him a new password.

    Example: `qenex participants access AURODEFFXXX`
    """
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        services.administrator(settings, connection)
        participant = _found(connection, bic).id
    with services.kafka_faults():
        rights = services.kafka_rights(settings)
        password = secrets.token_urlsafe(24)
        rights.user(participant, password)
        rights.grant(participant_rights(participant))
    record = {"bic": participant, "user": participant, "password": password, "mechanism": MECHANISM}
    if json:
        json_line(record)
        return 0
    line(password)
    say(f"{participant} logs in as {participant} by {MECHANISM}. Nobody can show this password again.")
    return 0


@app.command()
def suspend(bic: BicArgument, data: DataOption = None, json: JsonOption = False) -> int:
    """Suspend a participant: payments from and to it are refused until it is reinstated.

    Example: `qenex participants suspend AURODEFFXXX`
    """
    return _set_status(bic, "suspended", data, as_json=json)


@app.command()
def reinstate(bic: BicArgument, data: DataOption = None, json: JsonOption = False) -> int:
    """End a suspension.

    Example: `qenex participants reinstate AURODEFFXXX`
    """
    return _set_status(bic, "active", data, as_json=json)


def _set_status(bic: str, status: str, data: Path | None, *, as_json: bool) -> int:
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        operator = services.administrator(settings, connection).name
        found = _found(connection, bic)
        merged = _merge_and_save(connection, operator, lambda now: participants.with_status(now, found.id, status))
    if as_json:
        json_line({"id": found.id, "bic": found.bic, "status": status, "changed": merged.changed})
    else:
        line(f"{found.id} ({found.name}) is {status}{'' if merged.changed else ', as it was'}.")
    return 0


def _found(connection: Connection, bic: str) -> Participant:
    version, document = reference.newest(connection)
    found = Directory(version, document).find(bic.strip().upper())
    if found is None:
        raise UsageFault(f"{bic} is no participant. Who is one: qenex participants list")
    return found
