"""``qenex watchlist import|show`` and ``qenex screen``: make a list file, look into it, try a name against it.

Rule: a list file is replaced as a whole or not at all; a refused import leaves the old one and exits with 1.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from engine.commands.output import JsonOption, json_line, json_lines, line, say, table
from engine.compliance.importing import Import, read_inputs
from engine.compliance.list_xml import import_eu_xml, import_ofac_xml
from engine.compliance.ofac import import_ofac_csv
from engine.compliance.screening import Screener
from engine.compliance.watchlist import (
    EntryType,
    InvalidWatchListError,
    Measure,
    WatchList,
    decode,
    encode,
    merge,
    synthetic_list,
)
from engine.errors import UsageFault
from payments.identifiers import is_country


class Source(StrEnum):
    """Formats that can be imported."""

    OFAC_CSV = "ofac-csv"
    OFAC_XML = "ofac-xml"
    EU_XML = "eu-xml"


class MeasureOption(StrEnum):
    """What a match with the list means."""

    BLOCK = "block"
    REFER = "refer"


class PartyType(StrEnum):
    """What the screened name is known to be."""

    ANY = "any"
    PERSON = "person"
    ORGANISATION = "organisation"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"


#: Part of a publication -> how the file's name ends: the SDN files, then the consolidated non-SDN ones.
_OFAC_FILES: Final = {
    "sdn": ("sdn.csv", "prim.csv"),
    "alt": ("alt.csv",),
    "add": ("add.csv",),
    "comments": ("comments.csv",),
}
_LIST_NAMES: Final = {Source.OFAC_CSV: "OFAC-SDN", Source.OFAC_XML: "OFAC-SDN", Source.EU_XML: "EU"}
#: Findings shown one by one without --json; the rest are counted.
_FINDINGS_SHOWN: Final = 20

app = typer.Typer(help="Lists to screen against.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command("import", no_args_is_help=True)
def import_list(
    paths: Annotated[list[Path], typer.Argument(help="The publisher's files, or the folder that holds them.")],
    source: Annotated[Source, typer.Option("--from", help="Format of the files.")],
    output: Annotated[Path, typer.Option("--output", help="List file to write.", metavar="FILE")],
    list_name: Annotated[str | None, typer.Option("--list-name", help="Name of the list in hits and ids.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Day of publication, where the files have none.")] = None,
    measure: Annotated[MeasureOption, typer.Option("--measure", help="What a match means.")] = MeasureOption.BLOCK,
    force: Annotated[
        bool, typer.Option("--force", help="Take a list that is shorter or older than the old one.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Turn a publisher's list into a list file; refuse an empty, cut, older or much shorter one.

    Example: `qenex watchlist import --from ofac-csv sdn.csv alt.csv add.csv sdn_comments.csv --output ofac.jsonl`
    """
    inputs, file_day = _inputs(paths)
    previous = _load(output) if output.exists() and not force else None
    name = list_name or _LIST_NAMES[source]
    made = _import(source, inputs, name, date or file_day, measure.value, previous, force)
    if made.watchlist is not None:
        _replace(output, encode(made.watchlist))
    _show_import(made, output, json)
    return 0 if made.watchlist is not None else 1


def _replace(output: Path, data: bytes) -> None:
    """Put the new file in the old one's place, whole."""
    partial = output.with_name(output.name + ".new")
    try:
        partial.write_bytes(data)
        os.replace(partial, output)
    except OSError as problem:
        raise UsageFault(f"cannot write the list: {problem}") from None


def _inputs(paths: list[Path]) -> tuple[dict[str, bytes], str]:
    """The files' bytes by name, and the day of the newest, for formats that do not hold their date."""
    try:
        files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
        files = [file for file in files if not file.is_dir()]
        newest = max((file.stat().st_mtime for file in files), default=0)
        return read_inputs(files), datetime.fromtimestamp(newest, UTC).date().isoformat()
    except OSError as problem:
        raise UsageFault(f"cannot read the list: {problem}") from None


def _import(
    source: Source,
    inputs: dict[str, bytes],
    name: str,
    day: str,
    measure: Measure,
    previous: WatchList | None,
    force: bool,
) -> Import:
    if source is Source.OFAC_CSV:
        parts = {part: _part(inputs, part, endings) for part, endings in _OFAC_FILES.items()}
        if not parts["sdn"]:
            raise UsageFault(f"no file that ends in {' or '.join(_OFAC_FILES['sdn'])} among {', '.join(inputs)}")
        return import_ofac_csv(**parts, date=day, list_name=name, measure=measure, previous=previous, force=force)
    if len(inputs) != 1:
        raise UsageFault(f"{source} takes one file; {len(inputs)} were given")
    (data,) = inputs.values()
    importer = import_eu_xml if source is Source.EU_XML else import_ofac_xml
    return importer(data, date=day, list_name=name, measure=measure, previous=previous, force=force)


def _part(inputs: dict[str, bytes], part: str, endings: tuple[str, ...]) -> bytes:
    found = [name for name in inputs if name.lower().endswith(endings)]
    if len(found) > 1:
        raise UsageFault(f"{', '.join(found)} all look like the {part} file: import one publication at a time")
    return inputs[found[0]] if found else b""


def _show_import(made: Import, output: Path, json: bool) -> None:
    watchlist = made.watchlist
    if json:
        json_line(
            {
                "output": str(output) if watchlist else None,
                "source": watchlist.source if watchlist else None,
                "date": watchlist.date if watchlist else None,
                "version": watchlist.version if watchlist else None,
                "entries": len(watchlist.entries) if watchlist else None,
                "findings": made.findings,
            }
        )
        return
    for finding in made.findings[:_FINDINGS_SHOWN]:
        say(f"{finding.severity} {finding.code} {finding.place}: {finding.value or ''}: {finding.rule}")
    if len(made.findings) > _FINDINGS_SHOWN:
        say(f"... and {len(made.findings) - _FINDINGS_SHOWN} findings more: --json shows all")
    if watchlist is None:
        say(f"Refused; {output} is unchanged. --force takes a list that is only shorter or older.")
    else:
        line(f"{output}: {len(watchlist.entries)} entries of {watchlist.date}, version {watchlist.version}")


@app.command("show", no_args_is_help=True)
def show_list(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A list file.")],
    json: JsonOption = False,
) -> int:
    """Show a list file: where it comes from, its version, its entries.

    Example: `qenex watchlist show ofac.jsonl`
    """
    watchlist = _load(path)
    if json:
        json_lines(watchlist.entries)
        return 0
    line(f"{watchlist.source}, {watchlist.date}, {len(watchlist.entries)} entries, version {watchlist.version}")
    table(
        (
            {
                "id": entry.id,
                "type": entry.type,
                "measure": entry.measure,
                "name": entry.primary_name,
                "names": len(entry.names),
                "born": ", ".join(entry.birth_dates) or None,
                "countries": ", ".join(entry.countries) or None,
            }
            for entry in watchlist.entries
        ),
        ("id", "type", "measure", "name", "names", "born", "countries"),
        right="names",
    )
    return 0


def screen(
    name: Annotated[str, typer.Argument(help="The name to try.")],
    lists: Annotated[
        list[Path] | None, typer.Option("--list", metavar="FILE", help="List file; may be repeated.")
    ] = None,
    birth_date: Annotated[str | None, typer.Option("--birth-date", help="ISO 8601, a year at least.")] = None,
    country: Annotated[str | None, typer.Option("--country", help="ISO 3166 alpha-2.")] = None,
    party_type: Annotated[PartyType, typer.Option("--type", help="What the name is known to be.")] = PartyType.ANY,
    json: JsonOption = False,
) -> int:
    """Try a name against a list and see why it matches. Without --list the invented list that ships is used.

    Exit status 1 when there is a hit.

    Example: `qenex screen "Victor Drakunov" --country RU`
    """
    if country is not None and not is_country(country.upper()):
        raise UsageFault(f"{country!r} is not a country code (ISO 3166 alpha-2, such as DE)")
    if birth_date is not None and re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", birth_date, re.ASCII) is None:
        raise UsageFault(f"{birth_date!r} is not a date: YYYY, YYYY-MM or YYYY-MM-DD")
    try:
        watchlist = merge(_load(path) for path in lists) if lists else synthetic_list()
    except InvalidWatchListError as problem:
        raise UsageFault(str(problem)) from None
    kind: EntryType = party_type.value
    hits = Screener(watchlist).screen_name(name, birth_date, country, kind)
    if json:
        json_lines(hits)
    elif not hits:
        line(f"No hit among {len(watchlist.entries)} entries ({watchlist.source}, {watchlist.date}).")
    else:
        columns = ("score", "list", "entry_id", "matched_name", "measure", "reason")
        table(({column: getattr(hit, column) for column in columns} for hit in hits), columns, right="score")
    return 1 if hits else 0


def _load(path: Path) -> WatchList:
    try:
        return decode(path.read_bytes())
    except OSError as problem:
        raise UsageFault(f"cannot read the list: {problem}") from None
    except InvalidWatchListError as problem:
        raise UsageFault(f"{path}: {problem}") from None
