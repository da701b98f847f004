"""ISO 20022 schemas by namespace: one compiled schema for each namespace and thread, loaded when first asked for.

Rule: the namespace alone chooses the schema (``schemaLocation`` in a message is ignored), and a file whose SHA-256
differs from ``manifest.json`` is refused. Files are written by tools/generate_schemas.py, never by hand.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from lxml import etree

#: What every ISO 20022 namespace starts with; the message identifier follows.
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"

_FOLDER = Path(__file__).resolve().parent
_XS = "{http://www.w3.org/2001/XMLSchema}"


class SchemaTamperedError(Exception):
    """A schema file does not have the hash that the manifest states."""


class Source(msgspec.Struct, frozen=True):
    """Provenance of one schema: the module it was generated from and the SHA-256 of the file."""

    module: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Provenance of all schemas: the package they were generated from, its version and licence."""

    generator: str
    package: str
    version: str
    licence: str
    schemas: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Definition:
    """One message definition: its identifier (``pacs.008.001.08``), the compiled schema, the local names of the
    elements that carry a currency attribute, and of those that hold elements.
    """

    identifier: str
    schema: etree.XMLSchema
    amounts: frozenset[str]
    containers: frozenset[str]


class _Loaded(threading.local):
    """Compiled schemas of this thread: libxml2 keeps the error log in the schema, so threads must not share one."""

    def __init__(self) -> None:
        self.definitions: dict[str, Definition | None] = {}


_loaded = _Loaded()


@cache
def manifest() -> Manifest:
    """The provenance of the schemas held here."""
    return msgspec.json.decode((_FOLDER / "manifest.json").read_bytes(), type=Manifest)


def identifiers() -> list[str]:
    """Message identifiers with a schema, sorted."""
    return sorted(manifest().schemas)


def definition(namespace: str) -> Definition | None:
    """The definition of a namespace, compiled for this thread; None when there is none.

    Raises SchemaTamperedError when the file is not the one of the manifest.
    """
    try:
        return _loaded.definitions[namespace]
    except KeyError:
        pass
    identifier = namespace.removeprefix(NAMESPACE)
    if identifier == namespace or identifier not in manifest().schemas:
        return None  # not remembered: namespaces come from outside, and memory must not grow with them
    loaded = _loaded.definitions[namespace] = _load(identifier)
    return loaded


def _load(identifier: str) -> Definition:
    text = (_FOLDER / f"{identifier}.xsd").read_bytes()
    found = hashlib.sha256(text).hexdigest()
    stated = manifest().schemas[identifier].sha256
    if found != stated:
        raise SchemaTamperedError(f"schemas/iso20022/{identifier}.xsd has SHA-256 {found}, the manifest says {stated}")
    root = etree.fromstring(text)
    kinds = list(root.iterfind(f"{_XS}complexType"))
    with_text = {kind.get("name") for kind in kinds if kind.find(f"{_XS}simpleContent") is not None}
    with_currency = {
        kind.get("name")
        for kind in kinds
        if any(attribute.get("name") == "Ccy" for attribute in kind.iter(f"{_XS}attribute"))
    }
    with_elements = {kind.get("name") for kind in kinds} - with_text
    elements = [(str(element.get("name")), element.get("type")) for element in root.iter(f"{_XS}element")]
    return Definition(
        identifier,
        etree.XMLSchema(root),
        frozenset(name for name, kind in elements if kind in with_currency),
        frozenset(name for name, kind in elements if kind in with_elements),
    )
