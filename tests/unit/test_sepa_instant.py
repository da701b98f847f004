"""SCT Inst and SCT usage rules: each refuses its own fault and nothing else."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from parsers.iso20022 import read
from parsers.message import Message

INSTANT = (Path(__file__).resolve().parents[1] / "vectors" / "iso20022" / "sct-inst.pacs.008.xml").read_text("utf-8")


def only(text: str, scheme: str | None = None) -> Message:
    [message] = read(text.encode(), scheme=scheme)
    return message


def changed(*pairs: tuple[str, str]) -> str:
    text = INSTANT
    for old, new in pairs:
        assert old in text, "the vector has changed"
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ('Ccy="EUR"', 'Ccy="USD"', "AM03", "IntrBkSttlmAmt"),
        (">1250.75<", ">1000000000.00<", "AM02", "IntrBkSttlmAmt"),
        ("<SttlmMtd>CLRG", "<SttlmMtd>INDA", "FF01", "SttlmInf/SttlmMtd"),
        ("<ChrgBr>SLEV", "<ChrgBr>SHAR", "FF01", "ChrgBr"),
        ("<IBAN>NL37LNDR0417164300</IBAN>", "<Othr><Id>0417164300</Id></Othr>", "AC01", "CdtrAcct/Id/IBAN"),
        ("<Nm>Kistenmakerij De Boer</Nm>", "", "FF01", "Cdtr/Nm"),
        ("<Nm>Kistenmakerij De Boer", "<Nm>" + "K" * 71, "FF01", "Cdtr/Nm"),
        ("<Nm>Kistenmakerij De Boer", "<Nm> ", "FF01", "Cdtr/Nm"),
        ("<Nm>Kistenmakerij De Boer", "<Nm>Künstlerhaus", "FF01", "Cdtr/Nm"),
        ("<Ustrd>Rechnung", "<Ustrd>A &amp; B", "FF01", "RmtInf/Ustrd"),
        ("</Ustrd>", "</Ustrd><Ustrd>more</Ustrd>", "FF01", "RmtInf"),
        ("</Ustrd>", "</Ustrd><Strd/>", "FF01", "RmtInf"),
        ("<TxId>LINDTX17</TxId>", "", "FF01", "PmtId/TxId"),
        ("<TxId>LINDTX17", "<TxId>/LINDTX17", "FF01", "PmtId/TxId"),
        ("<EndToEndId>RE-2026", "<EndToEndId>RE//2026", "FF01", "PmtId/EndToEndId"),
        ("<InstrId>LIND-INSTR-17", "<InstrId>LIND-INSTR-17/", "FF01", "PmtId/InstrId"),
        ("<AccptncDtTm>2026-11-23T10:15:30.12Z</AccptncDtTm>", "", "FF01", "AccptncDtTm"),
        ("<AccptncDtTm>2026-11-23T10:15:30.12Z", "<AccptncDtTm>2026-11-23T10:15:30.120Z", "FF01", "AccptncDtTm"),
        ("<AccptncDtTm>2026-11-23T10:15:30.12Z", "<AccptncDtTm>2026-11-23T10:15:30.1234Z", "FF01", "AccptncDtTm"),
        (
            "<DbtrAgt><FinInstnId><BICFI>LINDDEFFXXX</BICFI>",
            "<DbtrAgt><FinInstnId><Nm>L</Nm>",
            "RC01",
            "FinInstnId/BICFI",
        ),
    ],
)
def test_each_rule_of_an_instant_payment_refuses_its_fault(old: str, new: str, code: str, place: str) -> None:
    message = only(changed((old, new)))
    assert [finding.code for finding in message.errors()] == [code], message.findings
    assert message.findings[0].place.endswith(place)
    assert message.scheme == "SCT-INST"
    assert message.verdict == "rejected"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<AccptncDtTm>2026-11-23T10:15:30.12Z", "<AccptncDtTm>2026-11-23T10:15:30Z"),
        ("<AccptncDtTm>2026-11-23T10:15:30.12Z", "<AccptncDtTm>2026-11-23T11:15:30.003+01:00"),
        (">1250.75<", ">999999999.99<"),
        (">1250.75<", ">0.01<"),
        ("<EndToEndId>RE-2026-0815", "<EndToEndId>NOTPROVIDED"),
        ("<UETR>5c1d9f2e-7a44-4b0e-9a56-2f3f0d6c8b17</UETR>", ""),
        ("<Nm>Kistenmakerij De Boer", "<Nm>A/B-C?D:(E).F,G'H+I 1"),
        ("<RmtInf><Ustrd>Rechnung 2026-0815, 400 Obstkisten</Ustrd></RmtInf>", ""),
        ("<Nm>Kistenmakerij De Boer", "<Nm>" + "K" * 70),
    ],
)
def test_what_the_scheme_allows_is_accepted(old: str, new: str) -> None:
    assert only(changed((old, new))).findings == ()


def test_every_character_of_the_scheme_is_taken_and_no_other_of_ascii() -> None:
    taken = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
    for character in map(chr, range(0x20, 0x7F)):
        [message] = read(changed(("Rechnung 2026", f"Rechnung {escape(character)} 2026")).encode())
        assert (message.verdict == "accepted") == (character in taken), character


def bulk(local_instrument: str) -> str:
    start, end = INSTANT.index("    <CdtTrfTxInf>"), INSTANT.index("  </FIToFICstmrCdtTrf>")
    other = INSTANT[start:end].replace("17<", "18<").replace("0815<", "0816<")
    text = INSTANT[:end] + other + INSTANT[end:]
    text = text.replace("<NbOfTxs>1<", "<NbOfTxs>2<").replace("<LclInstrm><Cd>INST</Cd></LclInstrm>", local_instrument)
    return text.replace('<TtlIntrBkSttlmAmt Ccy="EUR">1250.75', '<TtlIntrBkSttlmAmt Ccy="EUR">2501.50')


def test_an_instant_payment_travels_alone_and_others_in_bulk() -> None:
    instant = only(bulk("<LclInstrm><Cd>INST</Cd></LclInstrm>"))
    assert [finding.code for finding in instant.errors()] == ["FF01"]
    assert "one transaction" in instant.findings[0].rule
    plain = only(bulk(""))
    assert (plain.scheme, plain.findings, len(plain.payments)) == ("SCT", (), 2)


def test_a_credit_transfer_that_is_not_instant_needs_no_acceptance_time() -> None:
    acceptance = "<AccptncDtTm>2026-11-23T10:15:30.12Z</AccptncDtTm>"
    assert only(changed((acceptance, ""), ("<LclInstrm><Cd>INST</Cd></LclInstrm>", ""))).findings == ()


def test_the_rules_apply_when_the_caller_names_the_scheme() -> None:
    bare = changed(
        ("<SvcLvl><Cd>SEPA</Cd></SvcLvl>", ""),
        ("<LclInstrm><Cd>INST</Cd></LclInstrm>", "<InstrPrty>HIGH</InstrPrty>"),
        ("<ChrgBr>SLEV", "<ChrgBr>SHAR"),
    )
    assert only(bare).verdict == "accepted"
    assert only(bare, scheme="SCT-INST").verdict == "rejected"
