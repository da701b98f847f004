"""Watch lists: who is listed, under which names, and what a match means; our file format and its version.

Rule: a list is a value. Its version is the SHA-256 of its entries in canonical form, so the same content has the same
version wherever it was built, and a decision can name it. Format ``qenex-watchlist`` 1 (docs/reference/watchlists.md):
UTF-8 JSON lines; the first line is the header with source, date and number of entries, each other line one entry.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from typing import Final, Literal

import msgspec

FORMAT: Final = "qenex-watchlist"
FORMAT_VERSION: Final = 1

EntryType = Literal["person", "organisation", "vessel", "aircraft", "any"]
Strength = Literal["primary", "strong", "weak"]
#: What a match means: ``block`` freezes funds when confirmed, ``refer`` asks for a person's look (sectoral lists).
Measure = Literal["block", "refer"]


class InvalidWatchListError(ValueError):
    """The file is not a usable watch list; the message says line, value, rule and remedy."""


class ListedName(msgspec.Struct, frozen=True):
    """One name of an entry. Weak aliases are those that the list itself calls weak or of low quality."""

    text: str
    strength: Strength = "primary"


class Identifier(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document or registration number; ``kind`` in the list's own words, ``country`` ISO 3166 or the list's text."""

    kind: str
    value: str
    country: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One listed person, organisation, vessel or aircraft.

    ``birth_dates`` are ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or a range of years ``YYYY..YYYY``; ``countries`` are
    ISO 3166 alpha-2; a BIC of eight characters means every branch.
    """

    id: str
    list: str
    programme: str | None = None
    type: EntryType = "any"
    names: tuple[ListedName, ...]
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    bics: tuple[str, ...] = ()
    measure: Measure = "block"

    def __post_init__(self) -> None:
        if not self.id or not self.list:
            raise ValueError("an entry needs an id and the name of its list")
        if not any(name.text.strip() for name in self.names):
            raise ValueError("an entry needs a name")
        for date in self.birth_dates:
            if _BIRTH_DATE.fullmatch(date) is None:
                raise ValueError(f"birth date {date!r} is not YYYY, YYYY-MM, YYYY-MM-DD or YYYY..YYYY")

    @property
    def version(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the entry: changes with any of its data."""
        return hashlib.sha256(_ENCODER.encode(self)).hexdigest()[:16]

    @property
    def primary_name(self) -> str:
        """The name to show."""
        return next((name.text for name in self.names if name.strength == "primary"), self.names[0].text)


_BIRTH_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?|\.\.\d{4})?", re.ASCII)
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """First line of a file. ``inputs`` maps the names of the files it was built from to their SHA-256."""

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    source: str
    date: str
    entries: int
    inputs: dict[str, str] = {}


class WatchList(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A list ready to screen against. Entries are in the order of their ids; ids are unique."""

    source: str
    date: str
    entries: tuple[Entry, ...]
    inputs: dict[str, str] = {}

    @cached_property
    def version(self) -> str:
        """SHA-256 of the entries in canonical form, hexadecimal."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(_ENCODER.encode(entry) + b"\n")
        return digest.hexdigest()


def build(source: str, date: str, entries: Iterable[Entry], inputs: dict[str, str] | None = None) -> WatchList:
    """A WatchList of these entries; InvalidWatchListError when two have one id."""
    ordered = tuple(sorted(entries, key=lambda entry: entry.id))
    for first, second in pairwise(ordered):
        if first.id == second.id:
            raise InvalidWatchListError(f"entry id {first.id!r} occurs twice: ids must be unique within a list file")
    return WatchList(source=source, date=date, entries=ordered, inputs=inputs or {})


def merge(lists: Iterable[WatchList]) -> WatchList:
    """Several lists as one to screen against; ids must not clash (importers prefix them with the list's name)."""
    lists = tuple(lists)
    if len(lists) == 1:
        return lists[0]
    entries = [entry for one in lists for entry in one.entries]
    inputs = {name: digest for one in lists for name, digest in one.inputs.items()}
    return build(" + ".join(one.source for one in lists), max((one.date for one in lists), default=""), entries, inputs)


def encode(watchlist: WatchList) -> bytes:
    """The file of a list: header line, then one entry a line."""
    header = Header(
        source=watchlist.source, date=watchlist.date, entries=len(watchlist.entries), inputs=watchlist.inputs
    )
    head = msgspec.json.encode({"format": FORMAT, "format_version": FORMAT_VERSION} | msgspec.structs.asdict(header))
    return b"\n".join([head, *map(_ENCODER.encode, watchlist.entries), b""])


def decode(data: bytes) -> WatchList:
    """Read a list file; InvalidWatchListError names the first bad line. A list without entries is refused."""
    lines = data.splitlines()
    if not lines:
        raise InvalidWatchListError("the list file is empty: import the list again")
    try:
        header = msgspec.json.decode(lines[0], type=Header)
    except msgspec.MsgspecError as problem:
        raise InvalidWatchListError(f"line 1 is not a header of format {FORMAT}: {problem}") from None
    if header.format != FORMAT or header.format_version != FORMAT_VERSION:
        raise InvalidWatchListError(
            f"line 1: format {header.format!r} version {header.format_version}; "
            f"this program reads {FORMAT} {FORMAT_VERSION}"
        )
    decoder = msgspec.json.Decoder(Entry)
    entries = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            entries.append(decoder.decode(line))
        except msgspec.MsgspecError as problem:
            raise InvalidWatchListError(f"line {number} is not an entry: {problem}") from None
    if not entries or len(entries) != header.entries:
        raise InvalidWatchListError(
            f"the header announces {header.entries} entries and {len(entries)} follow: the file is cut or was edited"
        )
    return build(header.source, header.date, entries, header.inputs)


def synthetic_list() -> WatchList:
    """The invented list that ships with the program, for trying it out."""
    return decode((files("engine.compliance") / "data" / "synthetic_list.jsonl").read_bytes())
