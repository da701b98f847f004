"""Participants from a file: read, check, merge into the reference document; and which commands their accounts need.

Rule: pure. A file is a JSON or TOML list of participants (TOML: ``[[participants]]``), or an object that holds one
under ``participants``. Merging is by id: who is in the file becomes as the file says, who is not stays; a status that
the file does not name stays too, so that importing lifts no suspension. Amounts of the file are decimal strings.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from engine import commanding
from engine.errors import UsageFault
from engine.routing.directory import Participant, Reference
from engine.store.accounts import Terms

#: More sentences than this help nobody at once.
_SENTENCES_MAX = 20
_VALUE_MAX = 80
_RULES = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "string_type": 'is text; an amount is a decimal string such as "1000.00"',
    "string_too_short": "may not be empty",
    "string_pattern_mismatch": "is an LEI: 18 letters or digits and 2 check digits (ISO 17442)",
    "model_type": "is an object with the fields of a participant",
    "tuple_type": "is a list",
    "dict_type": "is an object",
    "literal_error": "is active or suspended",
}


def read(data: bytes, name: str) -> list[Any]:
    """The list of participants in a file, unchecked; UsageFault when it is neither JSON nor TOML, or holds no list."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageFault(f"{name} is not text in UTF-8: byte {problem.start + 1}.") from None
    try:
        found = json.loads(text) if text.lstrip()[:1] in ("[", "{") and not _is_toml_table(text) else _toml(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        raise UsageFault(f"{name} is neither JSON nor TOML: {problem or 'nested too deeply'}.") from None
    if isinstance(found, dict):
        found = found.get("participants", found if not found else None)
    if not isinstance(found, list):
        raise UsageFault(f'{name} holds no list of participants: a list, or {{"participants": [...]}}.')
    return found


def _is_toml_table(text: str) -> bool:
    """A TOML file may begin with ``[[participants]]``, which looks like JSON's list."""
    return text.lstrip().replace(" ", "").startswith(("[[participants", "[participants"))


def _toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def check(raw: Sequence[Any], name: str) -> list[Participant]:
    """Participants of a file; UsageFault with a sentence for each error: place, value, rule."""
    found: list[Participant] = []
    sentences: list[str] = []
    for index, item in enumerate(raw):
        try:
            found.append(Participant.model_validate(item))
        except ValidationError as invalid:
            sentences += [_sentence(f"participants[{index}]", dict(error)) for error in invalid.errors()]
    if not sentences:
        try:
            Reference(participants=tuple(found))
        except ValidationError as invalid:
            sentences = [_sentence("participants", dict(error)) for error in invalid.errors()]
    if sentences:
        more = f"\nand {len(sentences) - _SENTENCES_MAX} more" if len(sentences) > _SENTENCES_MAX else ""
        raise UsageFault(f"{name} cannot be imported:\n" + "\n".join(sentences[:_SENTENCES_MAX]) + more)
    return found


def _sentence(place: str, error: dict[str, Any]) -> str:
    """One error of validation: where, which value, which rule."""
    where = place + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    rule = _RULES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        return f"{where} {rule}."
    if isinstance(error["input"], (dict, list, tuple, Participant)):
        return f"{where}: {rule}."
    value = repr(error["input"])
    return f"{where} is {value if len(value) <= _VALUE_MAX else value[:_VALUE_MAX] + '…'}: {rule}."


@dataclass(frozen=True, slots=True)
class Merged:
    """The new document, and what the file did to each of its participants: ``added``, ``changed``, ``unchanged``."""

    reference: Reference
    effects: dict[str, str]

    @property
    def changed(self) -> bool:
        """Whether a new version is needed."""
        return any(effect != "unchanged" for effect in self.effects.values())


def merge(reference: Reference, imported: Sequence[Participant]) -> Merged:
    """Put imported participants into a document; UsageFault when two would claim the same identifier."""
    known = {participant.id: participant for participant in reference.participants}
    effects: dict[str, str] = {}
    for participant in imported:
        before = known.get(participant.id)
        after = participant
        if before is not None and "status" not in participant.model_fields_set:
            after = participant.model_copy(update={"status": before.status})
        effects[participant.id] = "added" if before is None else "unchanged" if before == after else "changed"
        known[participant.id] = after
    return Merged(_document(reference, tuple(known.values())), effects)


def with_status(reference: Reference, participant_id: str, status: str) -> Merged:
    """A document in which one participant is active or suspended."""
    effects = {
        each.id: "unchanged" if each.status == status else "changed"
        for each in reference.participants
        if each.id == participant_id
    }
    changed = tuple(
        each.model_copy(update={"status": status}) if each.id == participant_id else each
        for each in reference.participants
    )
    return Merged(_document(reference, changed), effects)


def _document(reference: Reference, participants: tuple[Participant, ...]) -> Reference:
    try:
        return Reference(participants=participants, stopped=reference.stopped)
    except ValidationError as invalid:
        sentences = "\n".join(_sentence("participants", dict(error)) for error in invalid.errors())
        raise UsageFault(f"The file does not go with the participants already there:\n{sentences}") from None


def account_commands(
    imported: Sequence[Participant],
    opened: Mapping[tuple[str, str], Terms],
    refused_openings: Mapping[tuple[str, str], int],
    operator: str,
    now: datetime,
) -> list[commanding.Command]:
    """What the books have to do: open accounts that are not there, set credit lines that differ."""
    wanted: list[commanding.Command] = []
    for participant in imported:
        for account in participant.accounts:
            place = (account.system, participant.id)
            terms = opened.get(place)
            if terms is None:
                identity = commanding.account_command_id(*place, refused_openings.get(place, 0))
                wanted.append(
                    commanding.command(
                        account.system,
                        "open-account",
                        operator,
                        now,
                        identity=identity,
                        participant=participant.id,
                        opening_balance=account.opening,
                        credit_line=account.line,
                    )
                )
            elif terms.credit_line != account.line:
                wanted.append(
                    commanding.command(
                        account.system,
                        "set-credit-line",
                        operator,
                        now,
                        participant=participant.id,
                        credit_line=account.line,
                    )
                )
    return wanted
