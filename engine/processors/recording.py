"""Recording: rejected, held and noted messages get their one outcome, their case, their answer.

Rule: the recorder is a writer like a book's: leased, fenced, one transaction a batch with inbox, outcomes, claims,
cases, outbox and positions. It moves no money. A held payment opens a case and waits for two persons.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.processors import outbound
from engine.processors.batch import Answer, Batch, Place
from engine.processors.decisions import Claims, original_payment
from engine.store import cases
from engine.wire import Envelope, Rejection
from settlement.lifecycle import State


@dataclass(frozen=True, slots=True)
class Arrival:
    """An envelope and where in the recorder's input it stood."""

    envelope: Envelope
    place: Place


def record(
    arrival: Arrival,
    batch: Batch,
    claims: Claims,
    letter: outbound.Correspondence,
    first_answers: dict[bytes, list[Answer]],
) -> None:
    """Decide one arrival by its state."""
    envelope, place = arrival.envelope, arrival.place
    repetition = claims.take(envelope, batch) if envelope.attempt == 0 else None
    if repetition is not None and repetition.same:
        original = original_payment(repetition, envelope)
        found = first_answers.get(original) or [p.answer for p in batch.posted if p.payment_id == original]
        again = [answer for answer in found if answer.recipient == envelope.sender]
        batch.decide(
            envelope, place, State.DUPLICATE, answers=again, duplicate_of=repetition.original,
            explanation="the same content was received before",
        )  # fmt: skip
    elif repetition is not None:
        _reject(envelope, place, batch, letter, repetition.rejection())
    elif envelope.state == State.HELD:
        hold(envelope, place, batch, letter)
    elif envelope.state == "PARSED":
        batch.decide(envelope, place, State.PARSED, answers=_noted_answers(envelope, letter))
    else:
        reason = envelope.rejection or Rejection("MS03", "no reason was given", "recorder")
        _reject(envelope, place, batch, letter, reason)


def set_aside(arrival: Arrival, error: str, batch: Batch, letter: outbound.Correspondence) -> None:
    """Hold what crashed its recorder too often: the error and the place only, for its content may be the reason."""
    envelope = arrival.envelope
    bare = Envelope(
        source=envelope.source, offset=envelope.offset, index=envelope.index, count=envelope.count,
        attempt=envelope.attempt, received_ms=envelope.received_ms, digest=envelope.digest, state="HELD", crash=error,
    )  # fmt: skip
    hold(bare, arrival.place, batch, letter)


def _noted_answers(envelope: Envelope, letter: outbound.Correspondence) -> list[Answer]:
    """An MT or a file that moves no money is acknowledged; an ISO statement or report asks for no answer."""
    if envelope.format in ("swift-mt", "ach") and envelope.type not in ("ACK", "NAK"):
        return outbound.answers(envelope, State.PARSED, letter)
    return []


def _reject(envelope: Envelope, place: Place, batch: Batch, letter: outbound.Correspondence, reason: Rejection) -> None:
    first = envelope.attempt == 0
    state = State.BLOCKED if envelope.state == State.BLOCKED else State.REJECTED
    batch.decide(
        envelope, place, state, reason=reason.code, explanation=reason.text,
        answers=outbound.answers(envelope, State.REJECTED, letter, reason=reason, first=first),
    )  # fmt: skip


def hold(envelope: Envelope, place: Place, batch: Batch, letter: outbound.Correspondence) -> None:
    """Open a case for two persons: a hit, or a message whose processing keeps crashing."""
    clearance = envelope.clearance
    hits = () if clearance is None else clearance.hits
    if envelope.crash is not None:
        kind, summary = "crash", f"processing failed three times: {envelope.crash.splitlines()[0][:200]}"
    else:
        kind, summary = (
            "screening",
            "; ".join(hit.reason for hit in hits)[:1000]
            or ("held by rule" if clearance is None else clearance.text or "held by rule"),
        )
    batch.changes.statements.append(cases.opening(envelope, kind, batch.now, summary, hits))
    answers = outbound.answers(envelope, State.HELD, letter) if envelope.attempt == 0 else []
    reason = None if clearance is None else clearance.reason
    batch.decide(envelope, place, State.HELD, reason=reason, explanation=summary, answers=answers)
