"""``qenex trace``: all that is known of messages and their payments."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from engine import ids
from engine.bus.topics import outbound_topic
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, line, say, table
from engine.errors import ServiceUnavailable, UsageFault
from engine.locating import Number, Wanted, locate
from engine.settings import Settings
from engine.store import outcomes, traces
from engine.store.outcomes import MessageView, moment
from engine.store.traces import AnswerView, History

_Published = dict[tuple[str, Number], tuple[int, str]]
_STDIN = "-"
_MESSAGES_AT_ONCE = 2_000


@dataclass(slots=True)
class _Known:
    """What is read once for all references."""

    places: Mapping[int, tuple[str, int]]
    archived: Mapping[int, int]
    views: dict[bytes, MessageView]
    history: History = field(default_factory=History)
    published: _Published = field(default_factory=dict)


def trace(
    refs: Annotated[
        list[str],
        typer.Argument(
            metavar="REF...",
            help="Payment id, UETR, end-to-end id, message reference, topic/partition/offset; - reads them from stdin.",
        ),
    ],
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Show what became of messages: outcome, steps with their times, postings, and what went out.

    One record for each message that matches, in the order asked. Exit 1 when a reference matches nothing.

    Example: `qenex trace ingest.swift-mt/0/17`
    """
    asked = _asked(refs)
    settings = services.load(data, postgres=True)
    missing: list[str] = []
    with services.database(settings, "qenex_reader") as connection:
        found = traces.find(connection, asked)
        missing = [text for text in asked if text not in found]
        matches = [(text, message) for text in asked for message in found.get(text, ())]
        known = _Known(outcomes.places(connection), traces.archived(connection), {})
        for start in range(0, len(matches), _MESSAGES_AT_ONCE):
            part = matches[start : start + _MESSAGES_AT_ONCE]
            known.views = outcomes.messages(connection, [message for _, message in part])
            payments = [payment.id for view in known.views.values() for payment in view.payments]
            known.history = traces.history(connection, payments)
            known.published = _published(settings, known.history)
            for text, message in part:
                _show(_record(text, message, known), as_json=json)
    sys.stdout.flush()
    for text in missing:
        say(f"{text}: nothing of this reference is known here")
    return int(bool(missing))


def _asked(refs: Sequence[str]) -> list[str]:
    """The references, each once, in the order asked."""
    texts: list[str] = []
    for ref in refs:
        texts += sys.stdin.read().split("\n") if ref == _STDIN else [ref]
    asked = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if not asked:
        raise UsageFault("No reference was given.")
    return asked


def _published(settings: Settings, history: History) -> _Published:
    """Where answers stand in their topics; empty, with a note, when Kafka does not answer."""
    wanted = [
        Wanted(outbound_topic(each.recipient), (each.writer_no, each.seq), int(each.at.timestamp() * 1000))
        for each in _answers(history)
    ]
    if not wanted:
        return {}
    try:
        settings = services.load(settings.data, kafka=True)
        with services.consumer(settings) as consumer:
            there = services.admin(settings).existing(sorted({each.topic for each in wanted}))
            found = locate(services.tails(settings), consumer, [each for each in wanted if each.topic in there])
    except ServiceUnavailable as fault:
        say(f"note: offsets of what went out are not known. {fault}")
        return {}
    return {
        key: (record.offset, moment(datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)))
        for key, record in found.items()
    }


def _answers(history: History) -> Iterable[AnswerView]:
    return (answer for answers in history.answers.values() for answer in answers)


def _record(text: str, message: bytes, known: _Known) -> dict[str, Any]:
    """The record of one message."""
    view = known.views.get(message)
    topic, partition, offset = outcomes.coordinates(message, known.places)
    source, _, _ = ids.coordinates(message)
    record: dict[str, Any] = {
        "ref": text,
        "id": ids.shown(message),
        "file": None,
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "archived": offset < known.archived.get(source, 0),
    }
    if view is None:
        nothing: dict[str, Any] = {"outcome": None, "duplicate_of": None, "payments": []}
        return {**record, **nothing, "steps": [], "postings": [], "outgoing": [], "anchor": None}
    payments = [payment.id for payment in view.payments]
    return {
        **record,
        **outcomes.record(view, known.places),
        "steps": _steps(view, payments, known),
        "postings": [_posting(posting) for each in payments for posting in known.history.postings.get(each, ())],
        "outgoing": [
            _outgoing(answer, known.published) for each in payments for answer in known.history.answers.get(each, ())
        ],
        "anchor": None,
    }


def _steps(view: MessageView, payments: Sequence[bytes], known: _Known) -> list[dict[str, Any]]:
    received = {"step": "received", "at": moment(view.received_at), "payment": None, "state": "RECEIVED"}
    steps = [step for each in payments for step in known.history.steps.get(each, ())]
    steps.sort(key=lambda step: step.at)
    return [{**received, "attempt": 0, "reason": None, "detail": None}] + [
        {
            "step": step.step,
            "at": moment(step.at),
            "payment": ids.shown(step.payment),
            "state": step.state,
            "attempt": step.attempt,
            "reason": step.reason,
            "detail": step.detail,
        }
        for step in steps
    ]


def _posting(posting: traces.PostingView) -> dict[str, Any]:
    return {
        "payment": ids.shown(posting.payment),
        "entry": posting.entry,
        "kind": posting.kind,
        "at": moment(posting.posted_at),
        "business_date": posting.business_date,
        "account": str(posting.account),
        "system": posting.system,
        "participant": posting.participant,
        "amount": posting.amount.decimal,
        "currency": posting.amount.currency,
        "balance_after": posting.balance_after.decimal,
    }


def _outgoing(answer: AnswerView, published: _Published) -> dict[str, Any]:
    topic = outbound_topic(answer.recipient)
    offset, at = published.get((topic, (answer.writer_no, answer.seq)), (None, None))
    return {
        "payment": ids.shown(answer.payment),
        "topic": topic,
        "partition": 0,
        "offset": offset,
        "type": answer.type,
        "recipient": answer.recipient,
        "ce_id": f"{answer.writer_no}-{answer.seq}",
        "committed_at": moment(answer.at),
        "published_at": at,
    }


def _show(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        json_line(record)
        return
    place = f"{record['topic']}/{record['partition']}/{record['offset']}"
    line(f"{record['ref']}  {place}  {record['outcome'] or 'in flight'}")
    if record["duplicate_of"]:
        line(f"  repeats {record['duplicate_of']}")
    table(record["payments"], ["id", "state", "reason", "amount", "currency", "explanation"], right="amount")
    table(record["steps"], ["at", "step", "state", "reason", "detail"])
    if record["postings"]:
        columns = ["entry", "account", "system", "participant", "amount", "currency", "balance_after"]
        table(record["postings"], columns, right="entry account amount balance_after")
    if record["outgoing"]:
        columns = ["recipient", "type", "topic", "offset", "committed_at", "published_at"]
        table(record["outgoing"], columns, right="offset")
