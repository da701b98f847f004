"""Messages in and out: ``parse`` turns bytes of any supported format into messages, each with findings and payments.

Rule: pure (no I/O, no clock); bad input gives a message with findings, never an exception. A format's package is
imported when the first input of that format arrives, so that a program which reads one format loads one.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import get_args

from parsers.detect import HEAD, detect
from parsers.message import Format, Message, Mode, Parsed, Verdict
from payments import error

__all__ = ["FORMATS", "Format", "Message", "Mode", "Parsed", "Verdict", "detect", "parse", "parse_all", "parse_chunks"]

#: The formats that ``parse`` reads.
FORMATS: tuple[str, ...] = get_args(Format)


def parse(
    data: bytes,
    *,
    format: Format | None = None,  # noqa: A002  (the word of the command line and of every record)
    mode: Mode | None = None,
    scheme: str | None = None,
    demotions: Mapping[str, Collection[str]] | None = None,
) -> list[Message]:
    """The messages in ``data``, in the order of the input; one at least.

    ``format`` is found from the content unless it is said. ``mode`` is strict for money (payments, requests) and
    lenient for statements and advices unless it is said. ``scheme`` names the ISO 20022 usage profile instead of the
    content. ``demotions`` names codes of SWIFT MT that are warnings for a sender (``swift_mt.demotion``). An input
    that nobody recognises gives one message whose format is None.
    """
    found = format or detect(data)
    if found == "swift-mt":
        from parsers import swift_mt

        return swift_mt.read(data, mode=mode, demotions=demotions)
    if found == "iso20022":
        from parsers import iso20022

        return iso20022.read(data, mode=mode, scheme=scheme)
    if found == "ach":
        from parsers import ach

        return ach.read(data, mode=mode)
    if found is not None:
        raise ValueError(f"{found!r} is not a format: {', '.join(FORMATS)}")
    return [_unrecognised(data)]


def parse_all(
    inputs: Sequence[bytes],
    *,
    format: Format,  # noqa: A002  (as in parse)
    demotions: Mapping[str, Collection[str]] | None = None,
) -> list[list[Message]]:
    """The messages of each of several inputs of one format, as ``parse`` gives them, in less time."""
    if format == "swift-mt":
        from parsers import swift_mt

        return swift_mt.read_all(inputs, demotions=demotions)
    if format == "iso20022":
        from parsers import iso20022

        return iso20022.read_all(inputs)
    return [parse(data, format=format, demotions=demotions) for data in inputs]


def parse_chunks(
    chunks: Iterable[bytes],
    *,
    format: Format | None = None,  # noqa: A002  (as in parse)
    mode: Mode | None = None,
    scheme: str | None = None,
) -> Iterator[Message]:
    """The messages of a file given in chunks, as ``parse`` of the whole gives them.

    A file of many SWIFT messages is read piece by piece, so that memory stays small; other formats are one whole.
    """
    source = iter(chunks)
    begin = b""
    for chunk in source:
        begin += chunk
        if len(begin) >= HEAD:
            break
    if (format or detect(begin)) == "swift-mt":
        from parsers.swift_mt.files import messages

        yield from messages(itertools.chain([begin], source), mode=mode)
    else:
        yield from parse(b"".join([begin, *source]), format=format, mode=mode, scheme=scheme)


def _unrecognised(data: bytes) -> Message:
    rule = "the beginning of an input says its format: {1: for SWIFT MT, an XML element for ISO 20022, 101 for Nacha"
    remedy = "check that this is the right file, or name its format"
    place = "the first bytes" if data else "the whole input"
    finding = error("FORMAT-UNKNOWN", "message", place, data[:40] if data else "empty", rule, remedy)
    return Message(index=0, format=None, type=None, raw=data, findings=(finding,))
