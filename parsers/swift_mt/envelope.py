"""The envelope: an input cut into messages, a message into blocks; nothing is lost and nothing raises.

Rule: one pass from left to right, every search bounded, time linear in the input; what cannot be read is handed on as
stray text. Line breaks are LF from here on (CRLF, CR and LF are read). Understood: FIN blocks 1-5, S and user blocks,
several messages in a row, RJE files (``$`` between messages), DOS-PCC files (0x01 ... 0x03 in 512-byte sectors), and
statements of banks without any block (``:20:`` begins a message, a line ``-`` ends it).
Source: SWIFT User Handbook, FIN Service Description; file formats RJE and DOS-PCC of Alliance Access.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: The whole of an ordinary message up to its text, and from the end of its text.
_HEAD = re.compile(r"\{1:([^{}]*)\}\{2:([^{}]*)\}(?:\{3:((?:\{[^{}]*\})*)\})?\{4:(?=\n)")
_TAIL = re.compile(r"(?:\{5:((?:\{[^{}]*\})*)\})?\s*\Z")
_START = re.compile(r"\{1:[A-Z][0-9]{2}[^{}\n]{0,60}\}")
_BLOCK = re.compile(r"\s*\{([1-9A-Z]):")
_TAG_ROW = re.compile(r"\s*\{")
_BRACE = re.compile(r"[{}]")
#: Ends of a text block that is not closed by a line ``-}``, in the order they are tried.
_LOOSE_END = re.compile(r"\n?-?\}(?=\s*(?:\{[5-9A-Z]:|\{1:[A-Z][0-9]{2}|\$|[\x00\x03]|\Z))")
_FILLER = re.compile(r"[\s$\x00\x01\x03\x1a]*")
_BARE_TAG = re.compile(r"(?m)^:[0-9]{2}[A-Z]?:")
_BARE_START = re.compile(r"(?m)^:20:")
_DEEPEST = 6
_UNCLOSED_CODES = {"2": "H25", "3": "U03", "4": "N02"}
#: Problems of an envelope after which no more are collected.
_MOST_PROBLEMS = 20


class Frame:
    r"""The blocks of one message as they stood.

    ``text`` is block 4 between ``{4:`` and its end, ``end`` what closed it (``\n-}`` when all is well); ``service``
    says that block 4 is a row of ``{tag:value}``. ``others`` are the blocks after the text: (identifier, content).
    ``problems`` are (code, place, value, detail). ``blocks``, where the blocks are not the ordinary ones in their
    order, are all after the first: (white space before it, identifier, content). ``alone`` says that the message is
    the whole input. ``after`` is stray text behind the last block. ``encoding`` is that of the input's bytes.
    """

    __slots__ = (
        "after", "alone", "application", "bare", "basic", "blocks", "encoding", "end", "others", "problems",
        "raw", "service", "text", "user",
    )  # fmt: skip

    def __init__(
        self,
        raw: str,
        basic: str = "",
        application: str | None = None,
        user: str | None = None,
        text: str | None = None,
        end: str = "\n-}",
        *,
        bare: bool = False,
        alone: bool = False,
    ) -> None:
        self.raw = raw
        self.basic = basic
        self.application = application
        self.user = user
        self.text = text
        self.end = end
        self.service = False
        self.others: list[tuple[str, str]] = []
        self.problems: list[tuple[str, str, str, str]] = []
        self.blocks: list[tuple[str, str, str]] = []
        self.bare = bare
        self.alone = alone
        self.after = ""
        self.encoding = "latin-1"

    def trailer(self) -> str:
        """Content of block 5, "" when there is none."""
        for identifier, content in self.others:
            if identifier == "5":
                return content
        return ""


def encoding_of(data: bytes) -> str:
    """UTF-8 where the input has foreign characters and is valid UTF-8 (statements of banks), else one byte each."""
    if data.isascii():
        return "latin-1"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def text_of(data: bytes, encoding: str = "latin-1") -> str:
    """The input as text, line breaks as LF."""
    if b"\r" in data:
        # Dropping one byte is several times faster than finding pairs; right when every pair comes back.
        plain = data.replace(b"\r", b"")
        if plain.replace(b"\n", b"\r\n") != data:
            plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        data = plain
    return data.decode(encoding)


def frames(text: str) -> Iterator[Frame]:
    """Every message of an input, in order; one of stray text when nothing in it looks like a message."""
    start = _START.search(text)
    if start is None:
        yield from _bare(text)
        return
    if text[: start.start()].lstrip("\ufeff\xef\xbb\xbf \n\t\r\x00\x01\x03\x1a$"):
        yield _stray(text[: start.start()])
    while start is not None:
        frame, last = _frame(text, start)
        end = _filler_end(text, last)
        following = _START.search(text, end)
        until = following.start() if following is not None else len(text)
        if stray := text[end:until].strip(" \n\t\x00\x01\x03\x1a$"):
            frame.problems.append(("N04", "after the message", stray, ""))
            frame.after = text[last:until].rstrip(" \n\t\x00\x01\x03\x1a$")
            frame.raw += frame.after
        yield frame
        start = following


def _filler_end(text: str, start: int) -> int:
    filler = _FILLER.match(text, start)
    return filler.end() if filler is not None else start


def whole(text: str) -> Frame | None:
    """The message of an input that is one ordinary message and nothing else, in two searches; None of any other."""
    head = _HEAD.match(text)
    if head is None:
        return None
    start = head.end()
    end = text.find("}", start) - 2  # no set of characters has a brace that closes
    if end < start or not text.startswith("\n-", end):
        end = text.find("\n-}", start)
        if end < 0:
            return None
    basic, application, user = head.groups()
    frame = Frame(text, basic, application, user, text[start:end], alone=True)
    if end + 3 < len(text):
        tail = _TAIL.match(text, end + 3)
        if tail is None:
            return None
        if tail[1] is not None:
            frame.others.append(("5", tail[1]))
    return frame


def _stray(text: str) -> Frame:
    frame = Frame(text)
    frame.problems.append(("N01", "block 1", text[:100], ""))
    return frame


def _frame(text: str, start: re.Match[str]) -> tuple[Frame, int]:
    """The message that begins at ``start`` and the place after its last block."""
    frame = Frame("", basic=start[0][3:-1])
    here = start.end()
    seen, last = {"1"}, "1"
    while (block := _BLOCK.match(text, here)) is not None and block[1] != "1":
        identifier = block[1]
        content, end = _content(text, block.end(), identifier, frame)
        if content is None:
            frame.problems.append((_UNCLOSED_CODES.get(identifier, "N03"), f"block {identifier}", "", "not closed"))
            content, end = text[block.end() : end], end
        if (identifier in seen or identifier in "6789" or (identifier in "234" and identifier < last)) and len(
            frame.problems
        ) < _MOST_PROBLEMS:
            frame.problems.append(("N08", f"block {identifier}", content, ""))
        seen.add(identifier)
        last = identifier
        frame.blocks.append((text[here : block.end() - 3], identifier, content))
        _keep(frame, identifier, content)
        here = end
    frame.raw = text[start.start() : here]
    return frame, here


def _keep(frame: Frame, identifier: str, content: str) -> None:
    if identifier == "2" and frame.application is None:
        frame.application = content
    elif identifier == "3" and frame.user is None:
        frame.user = content
    elif identifier == "4" and frame.text is None:
        frame.text = content
    else:
        frame.others.append((identifier, content))


def _content(text: str, start: int, identifier: str, frame: Frame) -> tuple[str | None, int]:
    """Content of the block that opens before ``start`` and the place after its closing brace.

    None for the content when it does not close: the place is then where the next message begins, or the end.
    """
    if identifier == "4" and _TAG_ROW.match(text, start) is None:
        following = _next_start(text, start)
        end = text.find("\n-}", start, following)
        if end >= 0:
            return text[start:end], end + 3
        loose = _LOOSE_END.search(text, start, following)
        if loose is not None:
            frame.end = loose[0]
            frame.problems.append(("N02", "block 4", text[max(start, loose.start() - 20) : loose.end()], ""))
            return text[start : loose.start()], loose.end()
        frame.end = ""
        return None, following
    if identifier == "4":
        frame.service = True
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[start : brace.start()], brace.end()
        if depth > _DEEPEST:
            break
    unclosed = _unclosed_tag(text, start) if identifier in "345" else None
    if unclosed is not None:
        return unclosed
    if identifier == "4":
        frame.end = ""
    return None, _next_start(text, start)


#: A block of tags in which one tag is not closed, as real NAKs have it: ``{405:T28008{108:REF}}``.
_UNCLOSED = re.compile(r"((?:\{[0-9A-Z]{3}:[^{}\n]*\}?)+)\}")


def _unclosed_tag(text: str, start: int) -> tuple[str, int] | None:
    row = _UNCLOSED.match(text, start)
    return None if row is None else (row[1], row.end())


def _next_start(text: str, start: int) -> int:
    following = _START.search(text, start)
    return following.start() if following is not None else len(text)


def _bare(text: str) -> Iterator[Frame]:
    """Messages without blocks; the lines between two of them stay with the first."""
    if _BARE_TAG.search(text) is None:
        yield _stray(text)
        return
    starts = [match.start() for match in _BARE_START.finditer(text)] or [0]
    starts[0] = 0
    for place, start in enumerate(starts):
        until = starts[place + 1] if place + 1 < len(starts) else len(text)
        chunk = text[start:until]
        ended = chunk.find("\n-")
        body = (chunk if ended < 0 else chunk[:ended]).rstrip("\n")
        if body.endswith("-}"):  # of a text whose last line is not ended
            body = body[:-2]
        yield Frame(chunk, text="\n" + body, end=chunk[len(body) :], bare=True)


_FORMS = re.compile(r"\{1:[A-Z][0-9]{2}[A-Z0-9]{4}")


def looks_like(head: bytes) -> bool:
    """Whether an input that begins with ``head`` (4 KiB are enough) is SWIFT MT: FIN blocks, or bare fields."""
    text = text_of(head[:4096])
    return _FORMS.search(text) is not None or (_BARE_START.search(text) is not None and "<" not in text[:1])
