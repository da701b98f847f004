"""What every list importer shares: its result, its findings, and the checks before a new list may replace the old one.

Rule: nothing of a source is dropped in silence. What an importer does not know (a kind of identifier, of alias, of
remark) it keeps and says in a warning; a file that is empty, cut, older or more than SHRINK_MAX shorter than the list
in use is refused unless the operator insists.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.compliance.countries import country_code
from engine.compliance.watchlist import (
    Entry,
    EntryType,
    Identifier,
    InvalidWatchListError,
    ListedName,
    Measure,
    Strength,
    WatchList,
    build,
)
from payments import Finding, error, warning

#: A new list may be this much shorter than the one in use: 1/20. Real lists lose a few entries a year.
SHRINK_MAX: Final = 20
#: Larger files are not read: the longest real list is below a tenth of it.
FILE_BYTES_MAX: Final = 1_000_000_000


class Import(msgspec.Struct, frozen=True):
    """Outcome of an import. ``watchlist`` is None exactly when a finding is an error."""

    watchlist: WatchList | None
    findings: tuple[Finding, ...]


def unknown(place: str, value: object, what: str) -> Finding:
    """A warning about something that the importer does not know and has kept."""
    return warning(
        "LIST-UNKNOWN",
        "entry",
        place,
        value,
        f"the importer does not know this {what}; it was kept as it stands",
        "compare with the publisher's specification and extend the importer's table",
    )


def broken(place: str, value: object, rule: str) -> Finding:
    """An error: the list cannot be used as it is."""
    return error("LIST-BROKEN", "file", place, value, rule, "fetch the file again; the list in use stays in use")


def finish(
    source: str,
    date: str,
    inputs: Mapping[str, bytes],
    entries: Sequence[Entry],
    findings: Sequence[Finding],
    previous: WatchList | None = None,
    announced: tuple[int, int] | None = None,
    force: bool = False,
) -> Import:
    """Check the whole and build the list. ``announced``: records that the file itself states, and records found."""
    found = list(findings)
    if announced is not None and announced[0] != announced[1]:
        found.append(broken("record count", announced[1], f"the file announces {announced[0]} records"))
    if not entries:
        found.append(broken("entries", 0, "a list without entries would clear everybody"))
    if previous is not None and not force:
        found += _against(previous, date, len(entries))
    if any(finding.severity == "error" for finding in found):
        return Import(None, tuple(found))
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(inputs.items())}
    try:
        return Import(build(source, date, entries, digests), tuple(found))
    except InvalidWatchListError as problem:
        return Import(None, (*found, broken("entries", None, str(problem))))


def _against(previous: WatchList, date: str, count: int) -> list[Finding]:
    found = []
    before = len(previous.entries)
    if (before - count) * SHRINK_MAX > before:
        found.append(
            broken("entries", count, f"the list in use has {before}: it would shrink by more than 1/{SHRINK_MAX}")
        )
    if date < previous.date:
        found.append(broken("date", date, f"the list in use is newer: {previous.date}"))
    return found


class Draft:
    """One entry while its source is read: what is understood goes to its place, the rest stays as an identifier."""

    def __init__(self, place: str, findings: list[Finding]) -> None:
        self.place = place
        self.findings = findings
        self.names: list[ListedName] = []
        self.birth_dates: list[str] = []
        self.countries: list[str] = []
        self.identifiers: list[Identifier] = []
        self.bics: list[str] = []

    def keep(self, what: str, text: str) -> None:
        """Keep something that is not understood, and say so."""
        self.findings.append(unknown(self.place, text, what))
        self.identifiers.append(Identifier(f"{what}, as listed", text))

    def name(self, text: str, strength: Strength) -> None:
        """A name or alias; an empty one is none (lists have empty alias elements)."""
        if text.strip():
            self.names.append(ListedName(text.strip(), strength))

    def birth_date(self, text: str) -> None:
        """A birth date in one of the forms of ``birth_date``."""
        date = birth_date(text)
        if date is None:
            self.keep("form of birth date", text)
        else:
            self.birth_dates.append(date)

    def country(self, text: str) -> None:
        """A nationality, a flag or the country of an address."""
        code = country_code(text)
        if code is not None:
            self.countries.append(code)
        elif text.strip().lower() not in ("", "unknown", "undetermined", "00"):
            self.keep("country", text)

    def entry(
        self, list_name: str, number: str, kind: EntryType, programmes: Iterable[str], measure: Measure
    ) -> Entry | None:
        """The entry; None (and a warning) without a name. Without a number it gets one made of its names."""
        if not self.names:
            self.findings.append(
                warning(
                    "LIST-NAMELESS",
                    "entry",
                    self.place,
                    number,
                    "an entry without a name cannot be screened; it was left out",
                    "look the entry up at the publisher; import the list again when it has its name",
                )
            )
            return None
        if not number:
            self.findings.append(unknown(self.place, self.names[0].text, "entry without a number"))
            digest = hashlib.sha256("|".join(name.text for name in self.names).encode()).hexdigest()
            number = f"unnumbered-{digest[:12]}"
        return Entry(
            id=f"{list_name}:{number}",
            list=list_name,
            programme=", ".join(dict.fromkeys(filter(None, programmes))) or None,
            type=kind,
            names=tuple(dict.fromkeys(self.names)),
            birth_dates=tuple(dict.fromkeys(self.birth_dates)),
            countries=tuple(dict.fromkeys(self.countries)),
            identifiers=tuple(dict.fromkeys(self.identifiers)),
            bics=tuple(dict.fromkeys(self.bics)),
            measure=measure,
        )


_MONTHS: Final = {
    name: f"{number:02d}"
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_ISO_DATE = re.compile(r"\d{4}(-\d\d-\d\d|\.\.\d{4})?", re.ASCII)
_DAY = re.compile(r"(?:(\d{1,2}) )?(?:([A-Za-z]{3})[a-z]* )?(\d{4})", re.ASCII)
_SPAN = re.compile(r"(?:.*?\b)?(\d{4})\s*(?:to|-|and)\s*(?:.*?\b)?(\d{4})", re.ASCII)


def birth_date(text: str) -> str | None:
    """A birth date as OFAC writes it -> our form; None when it is none of its forms.

    >>> birth_date("28 Jul 1963"), birth_date("circa 1961"), birth_date("1951 to 1953"), birth_date("Apr 1960")
    ('1963-07-28', '1961', '1951..1953', '1960-04')
    """
    text = text.strip().removeprefix("circa ").removeprefix("Circa ")
    if _ISO_DATE.fullmatch(text):
        return text
    match = _DAY.fullmatch(text)
    if match is None:
        span = _SPAN.fullmatch(text)
        return f"{span.group(1)}..{span.group(2)}" if span else None
    day, month, year = match.groups()
    if month is None:
        return year if day is None else None
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    return f"{year}-{number}" if day is None else f"{year}-{number}-{int(day):02d}"


def read_inputs(paths: Sequence[Path]) -> dict[str, bytes]:
    """The files' bytes by name: the only reading this package does. OSError when one cannot be read or is too big."""
    inputs = {}
    for path in paths:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise OSError(f"{path} is larger than {FILE_BYTES_MAX} bytes: it is no list that this importer knows")
        inputs[path.name] = path.read_bytes()
    return inputs
