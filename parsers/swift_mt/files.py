"""Files of messages: RJE (``$`` between messages), DOS-PCC (0x01 ... 0x03 in sectors of 512), statements of banks.

Rule: a file of any size is read piece by piece, each piece ending where a message does, so that memory holds one piece
and the time is linear; what comes out is what ``read`` of the whole file gives: one message a record, ``index`` its
place in the file. An answer (F21) stays with the message behind it. Source: Alliance Access, file formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from parsers.message import Message, Mode
from parsers.swift_mt.reader import read

#: Bytes of a piece; a message that is longer than that makes a longer piece.
PIECE = 1 << 20
_SECTOR = 512
_FILLER = b" \t\r\n\0\x01\x03\x1a$"
_START = re.compile(rb"\{1:[A-Z][0-9]{2}[^{}\r\n]{0,60}\}")
_BARE_START = re.compile(rb"(?<![^\r\n]):20:")
#: What stands before a message: a separator, or the last block of the message before.
_BEFORE = re.compile(rb"(?:[\s$\0\x01\x03\x1a]|[\r\n]-\}(?:\{[5-9A-Z]:(?:\{[^{}]*\})*\})*)\Z")
_BEFORE_MOST = 1_024
_ANSWER = b"{1:F21"


def messages(chunks: Iterable[bytes], *, mode: Mode | None = None) -> Iterator[Message]:
    """The messages of a file given in chunks of any size, in order, at least one; see ``read`` for ``mode``."""
    index = 0
    for piece in pieces(chunks):
        if index and not piece.strip(_FILLER):
            continue
        for message in read(piece, mode=mode):
            yield message if index == 0 else msgspec.structs.replace(message, index=index)
            index += 1


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The file again, cut between messages; one empty piece of an empty file."""
    held: list[bytes] = []
    size, enough, none_yet = 0, PIECE, True
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size < enough:
            continue
        whole = b"".join(held)
        cut = _cut(whole)
        if cut:
            yield whole[:cut]
            none_yet = False
        held, size = [whole[cut:]], len(whole) - cut
        enough = max(PIECE, 2 * size)  # looked through anew only when it has doubled: linear for one long message
    rest = b"".join(held)
    if rest or none_yet:
        yield rest


def _cut(data: bytes) -> int:
    """Where the last message of the data begins; 0 when that is the first one, or not to be seen."""
    if _START.search(data) is None:
        begins = [found.start() for found in _BARE_START.finditer(data)]
        return begins[-1] if len(begins) > 1 else 0
    starts = [found.start() for found in _START.finditer(data) if _begins(data, found.start())]
    while len(starts) > 1:
        cut = starts.pop()
        if not data.startswith(_ANSWER, starts[-1]):
            return cut
    return 0


def _begins(data: bytes, start: int) -> bool:
    """Whether a message begins there and is not one that stands inside another."""
    return start == 0 or _BEFORE.search(data, max(0, start - _BEFORE_MOST), start) is not None


def rje(written: Sequence[bytes]) -> bytes:
    """Messages as an RJE file: ``$`` between two of them, none after the last."""
    return b"$".join(written)


def dos_pcc(written: Sequence[bytes]) -> bytes:
    """Messages as a DOS-PCC file: each between 0x01 and 0x03, filled with blanks to whole sectors."""
    filled = (b"\x01" + message + b"\x03" for message in written)
    return b"".join(each + b" " * (-len(each) % _SECTOR) for each in filled)
