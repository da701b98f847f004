"""``python -m tools.mutations swift-mt [--count N] [--seed N] [--from DIR]``: broken inputs must give records.

Each input is parsed, its content taken and, where it was read, written again. Exit status: 0 every input gave records,
1 one raised, gave nothing or took longer than a second, 2 wrong usage. ``--large`` asks instead for inputs of 10 to 50
MB (a line of braces, a file of statements, one endless field) and says how long each took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from parsers.swift_mt import looks_like, read
from tools.mutations.mutate import mutated

_VECTORS = Path("tests/vectors/swift_mt")
_SLOW = 1.0
_PROGRESS_EVERY = 5.0
_SHOWN = 300
_MODES = (None, "strict", "lenient")


def faults_of(data: bytes, number: int) -> str | None:
    """What is wrong with how an input is read; None when all is well."""
    began = time.perf_counter()
    try:
        messages = read(data, mode=_MODES[number % 3])  # type: ignore[arg-type]
        looks_like(data[:4096])
        for message in messages:
            message.content()
            if message.verdict == "rejected" and message.payments:
                return "a refused message has payments"
            if message.parsed is not None:
                message.write()
    except Exception as bug:
        return f"{type(bug).__name__}: {bug}"
    if not messages:
        return "no record"
    passed = time.perf_counter() - began
    return f"{passed:.1f} s for {len(data):,} bytes" if passed > _SLOW else None


def run(seeds: list[bytes], count: int, seed: int) -> int:
    """The count of inputs that failed."""
    chance, failed, began = Random(seed), 0, time.monotonic()
    shown, volume, verdicts = began, 0, Counter[str]()
    for number in range(count):
        data = mutated(seeds, chance)
        volume += len(data)
        fault = faults_of(data, number)
        verdicts["failed" if fault else "read"] += 1
        if fault is not None:
            failed += 1
            print(f"input {number} of seed {seed}: {fault}\n{data[:_SHOWN]!r}")
        if time.monotonic() - shown >= _PROGRESS_EVERY:
            shown = time.monotonic()
            print(f"{number + 1:,} of {count:,}", file=sys.stderr)
    seconds = time.monotonic() - began
    print(f"{count:,} inputs from seed {seed}, {volume / 1e6:,.0f} MB, {failed} failed, {seconds:.0f} s")
    return failed


def large() -> int:
    """Inputs of many megabytes: how long each takes."""
    entry = ":61:2611231123C192,03NTRFA00000000000//B726600539\n:86:/EREF/E2E0000000000000/NAME/GARTITHAL\n"
    head = "{1:F01NORDDEHHAXXX0042000017}{2:I940SUEDFRPPXXXXN}{4:\n:20:S-1\n:25:0034211\n:28C:1/1\n:60F:C261123EUR1,\n"
    statement = f"{head}{entry * 100}:62F:C261123EUR19204,\n-}}"
    payment = "{1:F01NORDDEHHAXXX0042000017}{2:I103SUEDFRPPXXXXN}{4:\n:20:"
    cases = {
        "a line of braces, 10 MB": b"{" * 10_000_000,
        "blocks that never close, 10 MB": b"{1:F01NORDDEHHAXXX0042000017}{4:" * 300_000,
        "a file of statements, 50 MB": ("$".join([statement] * (50_000_000 // len(statement)))).encode(),
        "one statement of 50 MB": (head + entry * (50_000_000 // len(entry)) + ":62F:C261123EUR1,\n-}").encode(),
        "one field of 20 MB": (payment + "A" * 20_000_000 + "\n-}").encode(),
        "a field of 5 million lines": (payment + "A\n" * 5_000_000 + "-}").encode(),
        "the same code a million times": (payment + "P\n" + ":23E:SDVA\n" * 1_000_000 + "-}").encode(),
    }
    slow = 0
    for name, data in cases.items():
        began = time.perf_counter()
        messages = read(data)
        passed = time.perf_counter() - began
        rate = len(data) / 1e6 / passed
        print(f"{name:36} {passed:8.3f} s {rate:8,.0f} MB/s {len(messages):7,} records")
        slow += rate < 1
    return slow


def main(arguments: list[str] | None = None) -> int:
    """Entry point; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("format", choices=["swift-mt"])
    parser.add_argument("--count", type=int, default=200_000, help="how many inputs (default 200000)")
    parser.add_argument("--seed", type=int, default=1, help="where the randomness begins (default 1)")
    parser.add_argument("--from", dest="folder", type=Path, default=_VECTORS, help="folder of *.fin to begin from")
    parser.add_argument("--large", action="store_true", help="a few very large inputs instead")
    options = parser.parse_args(arguments)
    if options.large:
        return int(large() > 0)
    seeds = [path.read_bytes() for path in sorted(options.folder.rglob("*.fin"))]
    if not seeds:
        print(f"{options.folder}: no *.fin here", file=sys.stderr)
        return 2
    return int(run(seeds, options.count, options.seed) > 0)


if __name__ == "__main__":
    sys.exit(main())
