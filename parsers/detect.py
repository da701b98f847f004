"""Which format an input is: SWIFT MT, ISO 20022 or Nacha, said from its beginning alone.

Rule: no more than the first 4 KiB are looked at, so an input of any size costs the same; a format's package (and with
it the XML library) is imported only when the beginning makes it a candidate. Each package answers for its own format.
"""

from __future__ import annotations

from parsers.message import Format

#: How much of an input decides.
HEAD = 4096
_BLANKS = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"


def detect(data: bytes) -> Format | None:
    """The format of an input, or None when nobody recognises it."""
    head = data[:HEAD]
    # Markup first: a message of another format may be quoted inside a document, never the other way round.
    if head.lstrip(_BLANKS)[:1] == b"<":
        from parsers import iso20022

        return "iso20022" if iso20022.looks_like(head) else None
    from parsers import ach

    if ach.looks_like(head):
        return "ach"
    from parsers import swift_mt

    return "swift-mt" if swift_mt.looks_like(head) else None
