"""The parsed form of one SWIFT MT message: gives the public content and the bytes again.

Rule: nothing is computed before it is asked for, and nothing is lost: writing what was read gives the same bytes, line
breaks (always CRLF) aside.
"""

from __future__ import annotations

from parsers.swift_mt.envelope import Frame
from parsers.swift_mt.fields import FIELDS
from parsers.swift_mt.headers import tag_rows, trailers, user_header
from parsers.swift_mt.statements import TYPES, statement_of
from parsers.swift_mt.text import Text
from payments.statement import Statement


class MtMessage:
    """A message's blocks as they stood, and its text as fields (None for a service or system message)."""

    __slots__ = ("frame", "text")

    def __init__(self, frame: Frame, text: Text | None) -> None:
        self.frame = frame
        self.text = text

    def content(self) -> dict[str, object]:
        """``{"blocks": {"1", "2", "3", "5"}, "fields": [{"tag", "value", "components"}]}``, lines joined by CRLF."""
        frame = self.frame
        blocks: dict[str, object] = {
            "1": frame.basic or None,
            "2": frame.application,
            "3": user_header(frame.user, []),
            "5": trailers(frame.trailer()),
        }
        for identifier, block in frame.others:
            if identifier != "5":
                blocks.setdefault(identifier, block)
        return {"blocks": blocks, "fields": self._fields()}

    def _fields(self) -> list[dict[str, object]]:
        if self.text is None:
            return [{"tag": tag, "value": value, "components": {}} for tag, value in tag_rows(self.frame.text or "")]
        return [
            {
                "tag": tag,
                "value": value.replace("\n", "\r\n"),
                "components": FIELDS[tag].components(value) if tag in FIELDS else {},
            }
            for tag, value in zip(self.text.plan.tags, self.text.values, strict=True)
        ]

    def statements(self) -> tuple[Statement, ...]:
        """The statement of a message of category 9; see ``statements``."""
        found = statement_of(self.text) if self.text is not None and self.text.message_type in TYPES else None
        return () if found is None else (found,)

    def write(self) -> bytes:
        """The message from its blocks and fields, lines ended by CRLF."""
        frame = self.frame
        body = frame.text or ""
        if self.text is not None:
            body = self.text.lead + "".join(
                f"\n:{tag}:{value}" for tag, value in zip(self.text.plan.tags, self.text.values, strict=True)
            )
        if frame.bare:
            return (body[1:] + frame.end).replace("\n", "\r\n").encode(frame.encoding)
        parts = [f"{{1:{frame.basic}}}"]
        blocks = frame.blocks or _ordinary(frame)
        unwritten = True
        for gap, identifier, content in blocks:
            if identifier == "4" and unwritten:
                unwritten = False
                parts.append(f"{gap}{{4:{body}{'}' if frame.service else frame.end}")
            else:
                parts.append(f"{gap}{{{identifier}:{content}}}")
        parts.append(frame.after)
        return "".join(parts).replace("\n", "\r\n").encode(frame.encoding)


def _ordinary(frame: Frame) -> list[tuple[str, str, str]]:
    """The blocks of a message that has them once and in order, as Frame.blocks would hold them."""
    first = [("2", frame.application), ("3", frame.user), ("4", frame.text)]
    held = [("", identifier, content) for identifier, content in first if content is not None]
    return held + [("", identifier, content) for identifier, content in frame.others]
