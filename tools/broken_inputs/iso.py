"""Broken pacs.008: well-formedness and safety by our own codes, everything else by ISO 20022 external code sets."""

from __future__ import annotations

import random

from engine.testbed.samples import Sample, Writer
from tools.broken_inputs.kinds import Kind, Mutator, blank, change, garbage, rejected, swap


def _gross(writer: Writer) -> Sample:
    return writer.pacs008(rich=True)


def _instant(writer: Writer) -> Sample:
    return writer.instant(rich=True)


def _kind(name: str, mutate: Mutator, *codes: str) -> Kind:
    return Kind(f"iso-{name}", _gross, mutate, rejected(*codes))


def _truncated(value: bytes, chance: random.Random) -> bytes:
    return value[: chance.randrange(len(value) // 4, len(value) - 12)]


def _flip_iban(value: bytes, chance: random.Random) -> bytes:
    places = [at for at in range(len(value)) if value.startswith(b"<IBAN>DE", at)]
    at = chance.choice(places) + len(b"<IBAN>DE") + chance.randrange(20)
    return value[:at] + b"%d" % ((value[at] - 48 + chance.randrange(1, 10)) % 10) + value[at + 1 :]


def _huge_text(value: bytes, chance: random.Random) -> bytes:
    text = bytes(chance.choice(b"abcdefgh ") for _ in range(4_096)) * 512
    return change(rb"<Ustrd>[^<]*", lambda *_: b"<Ustrd>" + text)(value, chance)


def _depth(value: bytes, chance: random.Random) -> bytes:
    depth = chance.randrange(300, 20_000)
    return swap(b"<RmtInf>", b"<a>" * depth + b"</a>" * depth + b"<RmtInf>")(value, chance)


def _attributes(value: bytes, chance: random.Random) -> bytes:
    many = b" ".join(b'a%d="1"' % number for number in range(chance.randrange(2_000, 20_000)))
    return swap(b"<GrpHdr>", b"<GrpHdr " + many + b">")(value, chance)


def _encoding_lie(value: bytes, chance: random.Random) -> bytes:
    """Bytes that are not the encoding that they claim."""
    return change(rb"(<Ustrd>)", rb"\1" + chance.choice((b"\xff\xfe", b"\xc3(", b"\xe2\x82", b"\x80")))(value, chance)


def _control_characters(value: bytes, chance: random.Random) -> bytes:
    return change(rb"(<Ustrd>)", rb"\1" + bytes((chance.choice((1, 2, 8, 11, 12, 14, 31)),)))(value, chance)


def _doctype(value: bytes, chance: random.Random) -> bytes:
    entity = chance.choice(
        (
            b"<!DOCTYPE Document>",
            b'<!DOCTYPE Document [<!ENTITY e "x">]>',
            b'<!DOCTYPE Document [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
            b'<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        )
    )
    return swap(b"<Document ", entity + b"<Document ")(value, chance)


def _both_amounts(amount: bytes) -> Mutator:
    """Total and amount alike, so that only the amount itself is wrong."""

    def mutate(value: bytes, chance: random.Random) -> bytes:
        changed = change(rb'(<TtlIntrBkSttlmAmt Ccy="EUR">)[^<]*', rb"\g<1>" + amount)(value, chance)
        return change(rb'(<IntrBkSttlmAmt Ccy="EUR">)[^<]*', rb"\g<1>" + amount)(changed, chance)

    return mutate


KINDS: tuple[Kind, ...] = (
    _kind("doctype", _doctype, "XML-DOCTYPE"),
    _kind("truncated", _truncated, "XML-SYNTAX"),
    _kind("crossed-tags", swap(b"</RmtInf>\n</CdtTrfTxInf>", b"</CdtTrfTxInf>\n</RmtInf>"), "XML-SYNTAX"),
    _kind("encoding-lie", _encoding_lie, "XML-SYNTAX"),
    _kind("encoding-unknown", swap(b'encoding="UTF-8"', b'encoding="KOI-99"'), "XML-SYNTAX"),
    _kind("control-characters", _control_characters, "XML-SYNTAX"),
    _kind("depth-bomb", _depth, "XML-DEPTH"),
    _kind("attribute-storm", _attributes, "XML-ATTRIBUTES", "FF01"),
    _kind("huge-text", _huge_text, "FF01"),
    _kind("namespace-unknown", swap(b"pacs.008.001.08", b"pacs.008.001.99"), "NO-SCHEMA"),
    _kind("namespace-missing", change(rb' xmlns="[^"]*"', b""), "XML-NAMESPACE"),
    _kind("namespace-foreign", change(rb'xmlns="[^"]*"', b'xmlns="urn:example:orders"'), "XML-NAMESPACE"),
    _kind("order", change(rb"(<MsgId>.*?</MsgId>)(<CreDtTm>.*?</CreDtTm>)", rb"\2\1"), "FF01"),
    _kind("element-unknown", swap(b"<RmtInf>", b"<Gift>1</Gift><RmtInf>"), "FF01"),
    _kind("element-missing", change(rb"<EndToEndId>[^<]*</EndToEndId>", b""), "FF01"),
    _kind("element-twice", change(rb"<ChrgBr>[^<]*</ChrgBr>", rb"\g<0>\g<0>"), "FF01"),
    _kind("element-empty", change(rb"<MsgId>[^<]*", b"<MsgId>"), "FF01"),
    _kind("text-too-long", change(rb"(<EndToEndId>)", rb"\1" + b"E" * 40), "FF01"),
    _kind("code-unknown", change(rb"<ChrgBr>[^<]*", b"<ChrgBr>FREE"), "FF01"),
    _kind("uetr-broken", change(rb"<UETR>........", b"<UETR>zzzzzzzz"), "FF01"),
    _kind("date-broken", change(rb"<IntrBkSttlmDt>[^<]*", b"<IntrBkSttlmDt>2026-02-30"), "FF01"),
    _kind("amount-three-decimals", _both_amounts(b"12.345"), "AM12"),
    _kind("amount-six-decimals", _both_amounts(b"12.345678"), "FF01"),
    _kind("amount-with-comma", _both_amounts(b"12,34"), "FF01", "AM12"),
    _kind("amount-negative", _both_amounts(b"-12.34"), "FF01", "AM12"),
    _kind("amount-zero", _both_amounts(b"0.00"), "AM01"),
    _kind("currency-unknown", change(rb'(<IntrBkSttlmAmt Ccy=")EUR', rb"\1ZQZ"), "AM11"),
    _kind("bad-iban", _flip_iban, "AC01"),
    _kind("bad-bic", change(rb"(<CdtrAgt><FinInstnId><BICFI>....)..", rb"\1XX"), "RC01"),
    _kind("bad-country", change(rb"<Ctry>..", b"<Ctry>XX"), "BE09"),
    _kind("count-mismatch", swap(b"<NbOfTxs>1<", b"<NbOfTxs>2<"), "AM18"),
    _kind("total-mismatch", change(rb"(<TtlIntrBkSttlmAmt[^>]*>)", rb"\g<1>1"), "AM10"),
    _kind("control-sum-mismatch", swap(b"</NbOfTxs>", b"</NbOfTxs><CtrlSum>0.99</CtrlSum>"), "AM10"),
    _kind("garbage", garbage, "XML-SYNTAX"),
    _kind("blank", blank, "XML-SYNTAX"),
    _kind("of-another-family", lambda value, _: b"{1:" + value, "XML-SYNTAX"),
    Kind(
        "iso-instant-charges", _instant, swap(b"<ChrgBr>SLEV", b"<ChrgBr>SHAR"), rejected("FF01")
    ),
    Kind(
        "iso-instant-currency", _instant,
        lambda value, _: value.replace(b'Ccy="EUR"', b'Ccy="USD"'), rejected("AM03"),
    ),
    Kind(
        "iso-instant-without-acceptance", _instant, change(rb"<AccptncDtTm>[^<]*</AccptncDtTm>", b""), rejected("FF01")
    ),
)  # fmt: skip
