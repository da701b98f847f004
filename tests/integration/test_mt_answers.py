"""MT senders on the real stack: a batch settles transaction by transaction, and no ACK stands for what was not done."""

from __future__ import annotations

import pytest

from engine.bus.topics import INGEST_SWIFT_MT
from engine.testbed.bed import Bed, Sender, message_ids
from engine.testbed.samples import Sample, Writer
from parsers.swift_mt import read

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: Type -> its text; R is a reference of its own, V the value date, B the receiver.
TEXTS = {
    "102": (
        ":20:<R> :23:CREDIT :50K:ANNA_LIND :71A:SHA :21:ONE :32B:EUR1,25 :59:/1 OAK :33B:EUR1,25 "
        ":21:TWO :32B:EUR2,50 :59:/2 ELM :33B:EUR2,50 :32A:<V>EUR3,75 :19:3,75"
    ),
    "203": ":19:3, :30:<V> :20:<R>A :21:X :32B:EUR1, :58A:<B> :20:<R>B :21:Y :32B:EUR2, :58A:<B>",
    "199": ":20:<R> :21:OTHER :79:PLEASE_CALL",
    "177": ":20:<R> :32A:<V>EUR1, :59:/1 OAK",
    "101": ":20:<R> :28D:1/1 :50H:/1 ANNA :30:<V> :21:ONE :32B:EUR1, :59:/2 OAK :71A:SHA",
}
#: Type -> state of each payment, types of the answers to the sender, types of what the receiver is delivered.
EXPECTED = {
    "102": (["SETTLED", "SETTLED"], ["ACK", "MT900", "MT900"], ["MT102", "MT102"]),
    "203": (["SETTLED", "SETTLED"], ["ACK", "MT900", "MT900"], ["MT202", "MT202"]),
    "199": (["PARSED"], ["ACK"], []),
    "177": (["REJECTED"], ["NAK"], []),
    "101": (["REJECTED"], ["ACK", "MT199"], []),
}


def sample(writer: Writer, kind: str, day: str) -> Sample:
    sender, receiver = writer.pair(rich=True)
    text = TEXTS[kind].replace("<R>", writer.reference()).replace("<V>", day).replace("<B>", receiver.bic)
    body = "\r\n".join(line.replace("_", " ") for line in text.split())
    head = f"{{1:F01{sender.bic[:8]}A{sender.bic[8:]}0001000001}}{{2:I{kind}{receiver.bic[:8]}X{receiver.bic[8:]}N}}"
    return Sample(INGEST_SWIFT_MT, sender.bic, sender.bic, f"{head}{{4:\r\n{body}\r\n-}}".encode(), kind)


def test_each_type_becomes_what_it_should_and_says_so(bed: Bed) -> None:
    writer = Writer(7, bed.dates, "MTA")
    sender = Sender(bed)
    for kind in TEXTS:
        sender.send(sample(writer, kind, f"{bed.dates['EUR-RTGS']:%y%m%d}"))
    sender.flush()
    bed.settle()
    found = {}
    with bed.database() as connection:
        for message, arrival in message_ids(bed, connection, sender.arrived).items():
            bounds = (message.hex(), message[:12].hex() + "ffffffff")
            states = connection.execute(
                "select state from engine.outcomes where payment_id between %s and %s order by payment_id", bounds
            ).fetchall()
            sent = connection.execute(
                "select recipient, type, payload from engine.outbox where payment_id between %s and %s", bounds
            ).fetchall()
            for _, _, payload in sent:
                assert [message.verdict for message in read(bytes(payload), mode="strict")] == ["accepted"]
            mine = sorted(kind for recipient, kind, _ in sent if recipient == arrival.sample.sender)
            others = sorted(kind for recipient, kind, _ in sent if recipient != arrival.sample.sender)
            found[arrival.sample.kind] = ([state for (state,) in states], mine, others)
    assert found == EXPECTED
