"""``python -m tools.conformance DIR [--json]``: agreements and disagreements with the manifests, source by source.

Exit status: 0 everything agrees, 1 something does not, 2 wrong usage. With ``--json`` one object a line: each
disagreement as it is found, then a row for each family, source and check, then the total.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, cast

from tools.conformance.judge import CHECKS, Outcome, family_of, read

_LISTED = 40
_PROGRESS_EVERY = 2.0
_WIDE = 150


class Tally:
    """Counts by family, source and check, and the disagreements."""

    def __init__(self, as_json: bool) -> None:
        self.rows: dict[tuple[str, str, str], list[int]] = {}
        self.disagreements: list[dict[str, Any]] = []
        self.files = 0
        self.fields = self.fields_agreed = 0
        self._json = as_json

    def judge(self, family: str, folder: Path, entry: dict[str, Any]) -> None:
        """Ask every check of the family about one file."""
        source = entry["file"].split("/")[0]
        self.files += 1
        try:
            case = read(family, entry, (folder / entry["file"]).read_bytes())
        except Exception as bug:
            self._note((family, source, "read"), entry["file"], "messages", f"{type(bug).__name__}: {bug}")
            return
        for name, check in CHECKS[family].items():
            key = (family, source, name)
            try:
                outcome = check(case)
            except Exception as bug:
                self._note(key, entry["file"], "an answer", f"{type(bug).__name__}: {bug}")
                continue
            counts = self.rows.setdefault(key, [0, 0, 0])
            if outcome is None:
                counts[2] += 1
                continue
            if name == "oracle":
                self._compare(outcome)
            if outcome.expected == outcome.found:
                counts[0] += 1
            else:
                self._note(key, entry["file"], outcome.expected, outcome.found)

    def _compare(self, outcome: Outcome) -> None:
        """Count single fields, so that one difference in a long file is one."""
        theirs, mine = cast(list[object], outcome.expected), cast(list[object], outcome.found)
        self.fields += len(theirs)
        blocks = SequenceMatcher(None, theirs, mine, autojunk=False).get_matching_blocks()
        self.fields_agreed += sum(block.size for block in blocks)

    def _note(self, key: tuple[str, str, str], file: str, expected: object, found: object) -> None:
        self.rows.setdefault(key, [0, 0, 0])[1] += 1
        family, source, check = key
        row = {"family": family, "source": source, "check": check, "file": file, "expected": expected, "found": found}
        self.disagreements.append(row)
        if self._json:
            print(json.dumps({"kind": "disagreement", **row}, default=str))

    def summary(self) -> Iterator[dict[str, Any]]:
        """A row for each family, source and check."""
        for (family, source, check), (agreed, disagreed, silent) in sorted(self.rows.items()):
            yield {
                "family": family,
                "source": source,
                "check": check,
                "agreed": agreed,
                "disagreed": disagreed,
                "no_opinion": silent,
            }


def manifests(folder: Path) -> list[Path]:
    """The folders below (or the folder itself) that hold a manifest."""
    if (folder / "manifest.jsonl").is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob("*/manifest.jsonl"))


def run(folders: list[Path], tally: Tally) -> None:
    """Judge every record of every manifest, saying on stderr how far it is."""
    shown = time.monotonic()
    for folder in folders:
        lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines if line.strip()]
        family = family_of(entries[0]) if entries else None
        if family is None:
            print(f"{folder}: no manifest of a family known here, left out", file=sys.stderr)
            continue
        print(f"{family}: {len(entries)} files in {folder}", file=sys.stderr)
        _add_oracle(folder, entries)
        for number, entry in enumerate(entries, 1):
            tally.judge(family, folder, entry)
            if time.monotonic() - shown >= _PROGRESS_EVERY:
                shown = time.monotonic()
                print(f"{family}: {number} of {len(entries)}", file=sys.stderr)


def _add_oracle(folder: Path, entries: list[dict[str, Any]]) -> None:
    """What another parser makes of the same files, where the folder has it."""
    kept = folder / "oracle_prowide.jsonl"
    if not kept.is_file():
        return
    rows = {row["file"]: row for row in map(json.loads, kept.read_text(encoding="utf-8").splitlines())}
    for entry in entries:
        entry["oracle"] = rows.get(entry["file"])


def _show(tally: Tally, seconds: float) -> None:
    print(f"{'family':9} {'source':32} {'check':9} {'agreed':>7} {'disagreed':>9} {'no opinion':>10}")
    for row in tally.summary():
        print(
            f"{row['family']:9} {row['source']:32} {row['check']:9} "
            f"{row['agreed']:7} {row['disagreed']:9} {row['no_opinion']:10}"
        )
    for row in tally.disagreements[:_LISTED]:
        expected, found = str(row["expected"])[:_WIDE], str(row["found"])[:_WIDE]
        print(f"\n{row['family']} {row['check']} {row['file']}\n  expected {expected}\n  found    {found}")
    if len(tally.disagreements) > _LISTED:
        print(f"\n... and {len(tally.disagreements) - _LISTED} more (all of them: --json)")
    agreed = sum(row["agreed"] for row in tally.summary())
    if tally.fields:
        share = f"{tally.fields_agreed / tally.fields:.2%}"
        print(f"\nfields as the other parser has them: {tally.fields_agreed} of {tally.fields} ({share})")
    print(f"\n{tally.files} files, {agreed} agreements, {len(tally.disagreements)} disagreements, {seconds:.1f} s")


def main(arguments: list[str] | None = None) -> int:
    """Entry point; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.conformance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of families, or one of them")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    folders = manifests(options.folder)
    if not folders:
        print(f"{options.folder}: no manifest.jsonl here or one folder below", file=sys.stderr)
        return 2
    started = time.monotonic()
    tally = Tally(options.json)
    run(folders, tally)
    seconds = time.monotonic() - started
    if not options.json:
        _show(tally, seconds)
        return int(bool(tally.disagreements))
    for row in tally.summary():
        print(json.dumps({"kind": "row", **row}))
    total = {
        "files": tally.files,
        "fields": tally.fields,
        "fields_agreed": tally.fields_agreed,
        "disagreements": len(tally.disagreements),
        "seconds": round(seconds, 2),
    }
    print(json.dumps({"kind": "total", **total}))
    return int(bool(tally.disagreements))


if __name__ == "__main__":
    sys.exit(main())
