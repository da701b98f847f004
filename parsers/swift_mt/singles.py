"""Messages with several transactions, one by one: what the receiver of each is delivered.

Rule: a transaction leaves with everything that the head and the foot say of it and nothing of its neighbours: 102,
104, 107 and 204 keep their type with the one transaction, 201 becomes an MT 200 and 203 an MT 202 (theirs need two).
Sums are those of the one transaction; trailers of the whole message are left out. Source: SWIFT User Handbook.
"""

from __future__ import annotations

from collections.abc import Iterator

from parsers.message import Message
from parsers.swift_mt.parsed import MtMessage
from parsers.swift_mt.text import Text
from parsers.swift_mt.values import amount_text
from parsers.swift_mt.writer import forwarded, head_of
from payments import Money

#: Type -> the type of one of its transactions.
_BECOMES = {"201": "200", "203": "202"}
#: Order of the fields in what these become, by number.
_ORDER = ("20", "21", "32", "52", "53", "54", "56", "57", "58", "72")
_Fields = list[tuple[str, str]]


def singles(message: Message, *, at: str, sequence: int) -> list[bytes]:
    """A copy for each payment of an accepted message, in their order; ``at`` and ``sequence`` as in ``forwarded``."""
    parsed = message.parsed
    if not isinstance(parsed, MtMessage) or parsed.text is None:
        raise ValueError("only a message with a text has transactions")
    text = parsed.text
    amounts = [payment.amount for payment in message.payments if payment.amount is not None]
    if text.plan.faults or len(amounts) < len(message.payments):  # accepted with faults: it leaves as it came
        return [forwarded(message, at=at, sequence=sequence)] * len(message.payments)
    kind = text.message_type
    head = head_of(parsed.frame, at=at, sequence=sequence, message_type=_BECOMES.get(kind))
    user = "" if parsed.frame.user is None else f"{{3:{parsed.frame.user}}}"
    copies = []
    for fields, amount in zip(_transactions(text), amounts, strict=True):
        rows = _alone(kind, fields, amount)
        body = "".join(f"\n:{tag}:{value}" for tag, value in rows)
        copies.append(f"{head}{user}{{4:{body}\n-}}".replace("\n", "\r\n").encode(parsed.frame.encoding))
    return copies


def _transactions(text: Text) -> Iterator[tuple[_Fields, _Fields, _Fields]]:
    """Head, transaction and foot for each transaction."""
    rows = text.plan.sequences()
    fields = list(zip(text.plan.tags, text.values, strict=True))
    held = {letter: fields[first:after] for letter, first, after in rows if letter != "B"}
    for letter, first, after in rows:
        if letter == "B":
            yield held.get("A", []), fields[first:after], held.get("C", [])


def _alone(kind: str, fields: tuple[_Fields, _Fields, _Fields], amount: Money) -> _Fields:
    """The fields of a message with this transaction only."""
    head, item, foot = fields
    if kind in _BECOMES:
        day = next(value for tag, value in head if tag == "30")
        of_item = {tag[:2] for tag, _ in item}
        held = [row for row in head if row[0][:2] not in of_item] + item
        row = ("32A", f"{day}{amount.currency}{amount_text(amount)}")
        held = [row if tag == "32B" else (tag, value) for tag, value in held]
        order = {number: place for place, number in enumerate(_ORDER)}
        return sorted((row for row in held if row[0][:2] in order), key=lambda row: order[row[0][:2]])
    stated = next(value for tag, value in item if tag == "32B")
    charges = [row for row in item if row[0] in {"71F", "71G"}]
    begin = [(tag, stated[3:] if tag == "19" else value) for tag, value in head]
    end: _Fields = []
    for tag, value in foot:
        if tag == "32A":
            end.append((tag, f"{value[:6]}{amount.currency}{amount_text(amount)}"))
        elif tag == "32B":
            end.append((tag, stated))
        elif tag in {"71F", "71G"}:
            end += [row for row in charges if row[0] == tag]
            charges = [row for row in charges if row[0] != tag]
        elif tag != "19":
            end.append((tag, value))
    return begin + item + end
