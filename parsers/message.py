"""The message: what a parser makes of bytes, whatever their format.

Rule: bad input becomes a Message with findings, never an exception. ``verdict`` is rejected exactly when a finding is
an error. ``content`` and ``write`` work from the parsed form, lazily: the stream processors need neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol, runtime_checkable

import msgspec

from payments import Finding, Payment
from payments.statement import Statement

Format = Literal["swift-mt", "iso20022", "ach"]
Mode = Literal["strict", "lenient"]
Verdict = Literal["accepted", "rejected"]


class Parsed(Protocol):
    """The parsed form of one message in its own format."""

    def content(self) -> dict[str, object]:
        """The format's public JSON content."""

    def write(self) -> bytes:
        """The message again, from the parsed form."""


@runtime_checkable
class Accounting(Protocol):
    """A parsed form that may hold statements of account."""

    def statements(self) -> tuple[Statement, ...]:
        """The statements, none for a message of another kind."""


class Message(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One message of an input. ``index`` is its place in the file, from 0; ``sender`` and ``receiver`` are BICs of
    eleven characters or routing numbers; a message whose payments are empty moves no money.
    """

    index: int
    format: Format | None
    type: str | None
    raw: bytes
    findings: tuple[Finding, ...] = ()
    scheme: str | None = None
    sender: str | None = None
    receiver: str | None = None
    reference: str | None = None
    uetr: str | None = None
    payments: tuple[Payment, ...] = ()
    parsed: Parsed | None = None
    possible_duplicate: bool = False

    @property
    def verdict(self) -> Verdict:
        """Rejected exactly when a finding is an error."""
        findings = self.findings
        return "rejected" if findings and any(each.severity == "error" for each in findings) else "accepted"

    def errors(self) -> Iterable[Finding]:
        """The findings that reject."""
        return (finding for finding in self.findings if finding.severity == "error")

    def content(self) -> dict[str, object]:
        """The format's JSON content; empty when nothing could be read."""
        return self.parsed.content() if self.parsed is not None else {}

    def statements(self) -> tuple[Statement, ...]:
        """The statements of account in the message, made when they are asked for."""
        return self.parsed.statements() if isinstance(self.parsed, Accounting) else ()

    def write(self) -> bytes:
        """The message from its parsed form; ValueError when nothing could be read."""
        if self.parsed is None:
            raise ValueError("a message that could not be read cannot be written")
        return self.parsed.write()
