"""``qenex send``: drop files on the ingest topics, and say what became of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from engine import sending
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_lines, say, table
from engine.errors import UsageFault
from engine.sending import Drop, Signer
from engine.settings import Settings
from engine.store import outcomes

_STDIN = "-"
_NO_VIEWS: sending.Views = {}


def send(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders (all below, sorted), or -.")],
    topic: Annotated[str | None, typer.Option("--topic", help="Ingest topic, instead of that of the format.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Message key, instead of the sender found inside.")] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help='Keys to sign with, JSON {"BIC": "hex"}; else the store\'s.'),
    ] = None,
    wait: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="Wait so long at most for the outcomes.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Send each file's bytes, untouched and signed, to the ingest topic of its format: one Kafka message a file.

    With --wait: returns when every payment has its first decision. Exit 1 when something was refused, or a message
    had no outcome in time.

    Example: `qenex send --wait 10 payment.fin`
    """
    files = _files(paths)
    signed_by_store = keys is None
    settings = services.load(data, kafka=True, postgres=wait is not None or signed_by_store)
    signer = _signer_of_store(settings) if keys is None else _signer_of_file(keys)
    drops = [_drop(name, signer, topic, key) for name in files]
    _say_unsigned(drops)
    known: Mapping[int, tuple[str, int]] = {}
    views = _NO_VIEWS
    with ExitStack() as stack:
        admin = services.admin(settings)
        producer = stack.enter_context(services.producer(settings))
        consumer = stack.enter_context(services.consumer(settings))
        topics = sending.deliver(drops, producer, consumer, admin)
        if wait is not None:
            connection = stack.enter_context(services.database(settings, "qenex_reader"))
            cluster = admin.cluster_id()
            views = sending.await_outcomes(
                drops, connection, lambda: sending.identify(drops, connection, cluster, topics), wait
            )
            known = outcomes.places(connection)
    records = [sending.record(drop, views.get(drop.message_id or b""), known) for drop in drops]
    _show(records, as_json=json)
    return _status(drops, views, waited=wait is not None)


def _files(paths: Sequence[str]) -> list[str]:
    """Every file that the arguments name; UsageFault for what is not there."""
    found: list[str] = []
    for text in paths:
        path = Path(text)
        if text != _STDIN and path.is_dir():
            found += sorted(str(inner) for inner in path.rglob("*") if inner.is_file())
        elif text == _STDIN or path.exists():
            found.append(text)
        else:
            raise UsageFault(f"{text}: no such file or folder")
    if not found:
        raise UsageFault(f"{', '.join(paths)}: no files in there")
    return found


def _drop(name: str, signer: Signer, topic: str | None, key: str | None) -> Drop:
    try:
        value = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    except OSError as problem:
        return Drop(name, b"", topic, key, problem=f"cannot be read: {problem.strerror}")
    return sending.prepared(name, value, signer, topic=topic, key=key)


def _signer_of_store(settings: Settings) -> Signer:
    with services.database(settings, "qenex_writer") as connection:
        return sending.signer_of_store(connection)


def _signer_of_file(path: Path) -> Signer:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        return Signer({name: [bytes.fromhex(text)] for name, text in found.items()})
    except OSError as problem:
        raise UsageFault(f"--keys {path} cannot be read: {problem.strerror}.") from None
    except (msgspec.MsgspecError, ValueError) as problem:
        raise UsageFault(f'--keys {path} is not {{"BIC": "hex", ...}}: {problem}.') from None


def _say_unsigned(drops: Sequence[Drop]) -> None:
    unsigned = [drop for drop in drops if drop.problem is None and drop.signature is None]
    if unsigned:
        who = sorted({drop.key or "an unknown sender" for drop in unsigned})
        say(f"note: {len(unsigned)} sent without signature, for there is no key of {', '.join(who[:5])}")


def _show(records: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        json_lines(records)
        return
    rows = []
    for record in records:
        payments: list[dict[str, Any]] = record["payments"]
        reasons = sorted({str(each["reason"]) for each in payments if each["reason"]})
        why = next((each["explanation"] for each in payments if each["explanation"]), None)
        rows.append(
            {
                "file": record["file"],
                "arrived": f"{record['topic']}/{record['partition']}/{record['offset']}" if record["topic"] else None,
                "outcome": record["outcome"],
                "payments": len(payments) or None,
                "reason": ", ".join(reasons) or None,
                "why": record["error"] or (f"of {record['duplicate_of']}" if record["duplicate_of"] else why),
            }
        )
    table(rows, ["file", "arrived", "outcome", "payments", "reason", "why"], right="payments")


def _status(drops: Sequence[Drop], views: sending.Views, *, waited: bool) -> int:
    if any(drop.problem is not None for drop in drops):
        return 2
    if not waited:
        return 0
    found = [views.get(drop.message_id or b"") for drop in drops]
    return int(any(view is None or view.outcome is None or view.refused for view in found))
