"""What is known of a namespace before a message in it is read: its identifier, its definition, its fields.

Rule: put together once for each namespace with a schema and thread, because schemas and field tables belong to a
thread; for other namespaces anew each time, since they come from outside and memory must not grow with them.
"""

from __future__ import annotations

import re
import threading

import msgspec
from lxml import etree

from parsers.iso20022.facts import FieldTable
from parsers.iso20022.messages import MESSAGE_TYPES, MessageType
from schemas.iso20022 import NAMESPACE, Definition, definition

_IDENTIFIER = re.compile(r"[a-z]{4}\.\d{3}\.\d{3}\.\d{2}", re.ASCII)


class Grammar(msgspec.Struct, frozen=True):
    """A namespace. ``identifier`` is what follows ISO's prefix and ``named`` the same, None where it has not the form
    of a message definition's; ``family`` is ``pacs.008``, ``type`` None for what becomes no payment.
    """

    namespace: str
    identifier: str
    named: str | None
    family: str
    type: MessageType | None
    definition: Definition | None
    fields: FieldTable


class _Known(threading.local):
    """Grammars of this thread, by the qualified tag of the element that a message is read from."""

    def __init__(self) -> None:
        self.grammars: dict[str, Grammar] = {}


_known = _Known()


def grammar_of(element: etree._Element) -> Grammar:
    """The grammar of a header or document."""
    tag = element.tag
    found = _known.grammars.get(tag)
    if found is None:
        found = _grammar(str(tag).rpartition("}")[0][1:])
        if found.definition is not None and str(tag).endswith(("}Document", "}AppHdr")):
            _known.grammars[tag] = found
    return found


def _grammar(namespace: str) -> Grammar:
    identifier = namespace.removeprefix(NAMESPACE)
    known = definition(namespace)
    return Grammar(
        namespace=namespace,
        identifier=identifier,
        named=identifier if _IDENTIFIER.fullmatch(identifier) else None,
        family=identifier[:8],
        type=MESSAGE_TYPES.get(identifier[:8]),
        definition=known,
        fields=FieldTable(known.amounts, known.containers) if known else FieldTable(frozenset(), frozenset()),
    )
