"""The sample messages: files of this package with placeholders, filled for one run.

Rule: pure but for reading the package's own files. References and UETRs are of one run, so that a second run is not
taken for a repetition of the first; value dates are the business dates of the books. A SWIFT message and a Nacha file
have CRLF line ends on the wire; the files here have the usual ones.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from string import Template

from payments import Money

_MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"
_CRLF = frozenset({".fin", ".ach"})


@dataclass(frozen=True, slots=True)
class Run:
    """What one run puts into its messages. ``at``: when it began (UTC); ``dates``: system -> its business date."""

    at: datetime
    dates: Mapping[str, date]

    @property
    def name(self) -> str:
        """Date and time, twelve digits: what the references of this run begin with."""
        return f"{self.at:%y%m%d%H%M%S}"

    def reference(self, number: int) -> str:
        """The reference of one message, 16 characters: fits field 20 of an MT."""
        return f"D{self.name}-{number:02d}"

    def values(self, number: int) -> dict[str, str]:
        """The placeholders of every sample."""
        eur, usd = self.dates["EUR-RTGS"], self.dates["USD-RTGS"]
        return {
            "ref": self.reference(number),
            "run": self.name,
            "uetr": str(uuid.uuid4()),
            "now": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "eur_date": eur.isoformat(),
            "eur_yymmdd": f"{eur:%y%m%d}",
            "inst_date": self.dates["EUR-INST"].isoformat(),
            "usd_date": usd.isoformat(),
            "usd_yymmdd": f"{usd:%y%m%d}",
            "ach_yymmdd": f"{self.dates['USD-ACH']:%y%m%d}",
            # A file's identity is origin, date, minute and modifier: two runs of one minute differ in the last.
            "yymmdd": f"{self.at:%y%m%d}",
            "hhmm": f"{self.at:%H%M}",
            "modifier": _MODIFIERS[self.at.second // 2],
        }


def filled(sample: str, run: Run, number: int, amount: Money | None = None) -> bytes:
    """The bytes of a sample for one run; ``amount`` where the sample leaves it open."""
    text = files("engine.demo").joinpath("samples", sample).read_text(encoding="ascii")
    values = run.values(number)
    if amount is not None:
        values |= {"amount": amount.decimal, "amount_mt": amount.decimal.replace(".", ",")}
    message = Template(text).substitute(values)
    if sample[sample.rindex(".") :] in _CRLF:
        message = message.replace("\n", "\r\n")
    return message.encode("ascii")
