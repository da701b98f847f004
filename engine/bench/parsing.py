"""``qenex bench parsers``: what one core reads a second, all rules on, and what a large file costs in memory.

Rule: every message is different and accepted; the schema's compilation and the imports are outside the clock. The best
of three rounds counts: a round that another process disturbed says nothing of the parser. Memory is the largest
resident size of a process that reads one file, above what the same process has with the file in memory and the parser
warm.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

import parsers
from engine.bench.figures import Better, Figure, Say, Terms, against, calibration, rounded
from engine.bench.messages import Maker, nacha_ppd, pain001
from engine.bench.peers import swift_mt as peers
from engine.errors import UsageFault

BENCH: Final = "parsers"
_DAY: Final = date(2026, 11, 23)
_ROUNDS: Final = 3
_SECONDS: Final = 3.0
_SEED: Final = 42


def _mt103(count: int) -> list[bytes]:
    maker = Maker(_SEED, _DAY)
    return [maker.mt103(number)[1] for number in range(count)]


def _pacs008(count: int) -> list[bytes]:
    maker = Maker(_SEED, _DAY)
    return [maker.pacs008(number)[1] for number in range(count)]


def _mt940(count: int) -> list[bytes]:
    maker = Maker(_SEED, _DAY)
    return [maker.mt940(number, 100) for number in range(count)]


@dataclass(frozen=True, slots=True)
class Stream:
    """A case of many small messages: how many a round, and how they are made."""

    format: parsers.Format
    count: int
    make: Callable[[int], list[bytes]]
    about: str


@dataclass(frozen=True, slots=True)
class File:
    """A case of one large file: its entries, how it is made, and the size of a small one to warm up with."""

    format: parsers.Format
    entries: int
    make: Callable[[int, int, date], bytes]
    about: str


STREAMS: dict[str, Stream] = {
    "mt103": Stream("swift-mt", 5_000, _mt103, "fifteen fields"),
    "mt940-100": Stream("swift-mt", 100, _mt940, "100 statement lines each"),
    "pacs.008": Stream("iso20022", 2_000, _pacs008, "pacs.008.001.08, schema and rules"),
}
FILES: dict[str, File] = {
    "pain.001-10000": File("iso20022", 10_000, pain001, "one pain.001.001.09, schema and rules"),
    "nacha-ppd-100000": File("ach", 100_000, nacha_ppd, "one Nacha file, all its arithmetic"),
    "nacha-ppd-500000": File("ach", 500_000, nacha_ppd, "one Nacha file in five batches, all its arithmetic"),
}
NO_PEER = {
    "iso20022": "no peer: pyiso20022 with xsdata, which it needs, is not installed here",
    "ach": "no peer: the known Nacha libraries are for Go, Java and Ruby, none of which is here",
}


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """The cases in turn; a file's memory as a row of its own."""
    cases = (*STREAMS, *FILES, *(f"{name}-memory" for name in FILES))
    if terms.case is not None and terms.case not in cases:
        raise UsageFault(f"--case {terms.case}: the parsers' cases are {', '.join(cases)}")
    yield calibration(BENCH)
    for name, stream in STREAMS.items():
        if terms.wants(name):
            say(f"{name}: {stream.about}")
            yield from _stream(name, stream, terms, say)
    for name, file in FILES.items():
        if terms.wants(name, f"{name}-memory"):
            say(f"{name}: making it")
            data = file.make(terms.count or file.entries, _SEED, _DAY)
            if terms.wants(name):
                yield _file(name, file, data, say)
            if terms.wants(f"{name}-memory"):
                yield _memory(name, file, data)


def _accepted(messages: Sequence[parsers.Message], case: str) -> None:
    refused = [message for message in messages if message.verdict != "accepted"]
    if refused:
        raise RuntimeError(f"{case}: a message of the bench is refused: {refused[0].errors()}")


def _stream(name: str, stream: Stream, terms: Terms, say: Say) -> Iterator[Figure]:
    batch = stream.make(terms.count or stream.count)
    for data in batch[:50]:
        _accepted(parsers.parse(data, format=stream.format), name)
    seconds = (terms.seconds or _SECONDS) / _ROUNDS
    rate = max(_rate(batch, stream.format, seconds) for _ in range(_ROUNDS))
    size = sum(map(len, batch)) / len(batch)
    figure = Figure(
        bench=BENCH,
        case=name,
        value=rounded(rate),
        unit="messages/s",
        better="higher",
        conditions=f"one core; {stream.about}; {len(batch):,} different messages of {size:,.0f} bytes, best of"
        f" {_ROUNDS} rounds; {1e6 / rate:.1f} us a message",
    )
    if stream.format == "swift-mt":
        yield from _beside_readers_of_mt(figure, batch, seconds, say)
    else:
        yield _beside(figure, stream.format, batch)


def _beside_readers_of_mt(figure: Figure, batch: Sequence[bytes], seconds: float, say: Say) -> Iterator[Figure]:
    """Beside Prowide core, which takes every field apart and checks no rule, and a package for Python."""
    own = figure.conditions
    try:
        say(f"{figure.case}: {peers.PROWIDE}")
        figure.conditions += "; the peer takes every field apart, one thread, no network rules, no payment"
        theirs = peers.prowide(batch, seconds, _ROUNDS)
        # Once more behind the peer: a machine that was busy in between is busy for both.
        figure.value = max(figure.value, rounded(_rate(batch, "swift-mt", seconds)))
        yield against(figure, peers.PROWIDE, theirs)
    except peers.NoPeerError as fault:
        figure.conditions = f"{own}; no peer: {fault}"
        yield figure
    kind = "mt103" if figure.case == "mt103" else "mt940"
    package, version = peers.PYTHON[kind]
    try:
        say(f"{figure.case}: {package} {version}")
        beside = msgspec.structs.replace(figure, case=f"{figure.case}-python", peer=None, peer_value=None, ratio=None)
        beside.conditions = f"{own}; the peer is the package for Python of that name, no network rules"
        yield against(beside, f"{package} {version}", peers.python(kind, batch, seconds, _ROUNDS))
    except peers.NoPeerError as fault:
        beside.conditions = f"{own}; no peer: {fault}"
        yield beside


def _rate(batch: Sequence[bytes], format_: parsers.Format, seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        for data in batch[:200] if done == 0 else batch:
            parsers.parse(data, format=format_)
            done += 1
            if done % 100 == 0 and time.perf_counter() - began >= seconds:
                break
    return done / passed


def _alone(figure: Figure, format_: str) -> Figure:
    figure.conditions += f"; {NO_PEER[format_]}"
    return figure


def _beside(figure: Figure, format_: str, batch: Sequence[bytes]) -> Figure:
    """Beside pyiso20022, which builds objects from XML and checks less (no schema, no rules)."""
    read = _pyiso20022()
    if read is None:
        return _alone(figure, format_)
    sample = [data.decode() for data in batch[:300]]
    for text in sample[:20]:
        read(text)
    best = 0.0
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for text in sample:
            read(text)
        best = max(best, len(sample) / (time.perf_counter() - began))
    figure.conditions += "; the peer builds objects from the XML, without schema validation and without rules"
    return against(figure, "pyiso20022 (xsdata)", best)


def _pyiso20022() -> Callable[[str], Any] | None:
    try:
        document = import_module("pyiso20022.pacs.pacs_008_001_08").Document
        parser = import_module("xsdata.formats.dataclass.parsers").XmlParser()
    except ImportError:
        return None
    return lambda text: parser.from_string(text, document)


def _file(name: str, file: File, data: bytes, say: Say) -> Figure:
    parsers.parse(file.make(100, _SEED, _DAY), format=file.format)
    entries, best = 0, 0.0
    for number in range(_ROUNDS):
        say(f"{name}: round {number + 1} of {_ROUNDS}")
        began = time.perf_counter()
        messages = parsers.parse(data, format=file.format)
        passed = time.perf_counter() - began
        _accepted(messages, name)
        entries = sum(len(message.payments) for message in messages)
        best = max(best, entries / passed)
        del messages
    figure = _row(name, best, "entries/s", "higher")
    figure.conditions = (
        f"one core; {file.about}; {entries:,} entries, {len(data) / 1e6:.1f} MB, best of {_ROUNDS} rounds,"
        f" {entries / best:.2f} s"
    )
    return _alone(figure, file.format) if file.format == "ach" else _without_peer(figure)


def _without_peer(figure: Figure) -> Figure:
    figure.conditions += "; no peer measured: see pacs.008"
    return figure


def _row(case: str, value: float, unit: str, better: Better) -> Figure:
    return Figure(bench=BENCH, case=case, value=rounded(value), unit=unit, better=better)


def _memory(name: str, file: File, data: bytes) -> Figure:
    """Largest resident size of a process of its own, above what it has before it reads the file."""
    with tempfile.NamedTemporaryFile(prefix="qenex-bench-") as kept:
        kept.write(data)
        kept.flush()
        done = subprocess.run(  # noqa: S603  (our own module)
            [sys.executable, "-P", "-m", "engine.bench.parsing", file.format, name, kept.name],
            stdout=subprocess.PIPE,
            check=True,
        )
    figure = _row(f"{name}-memory", int(done.stdout) / 1e3, "MB", "lower")
    figure.conditions = (
        f"largest resident size of a process that reads the file of {len(data) / 1e6:.1f} MB, above its size with the"
        f" file in memory and the parser warm; {file.about}"
    )
    return _alone(figure, file.format) if file.format == "ach" else _without_peer(figure)


def main() -> None:
    """Read one file; say by how many kilobytes the process grew. Arguments: format, case, path."""
    format_, case, path = sys.argv[1:]
    found: dict[str, parsers.Format] = {"iso20022": "iso20022", "ach": "ach"}
    parsers.parse(FILES[case].make(100, _SEED, _DAY), format=found[format_])
    data = Path(path).read_bytes()
    before = _resident("VmRSS")
    _accepted(parsers.parse(data, format=found[format_]), case)
    sys.stdout.write(str(_resident("VmHWM") - before))


def _resident(field: str) -> int:
    """Resident size of this process in kB: now (VmRSS) or at its largest (VmHWM; ``getrusage`` counts the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main()
