"""Rows in which the messages are the fault: repeated, contradictory, out of order, broken, poisonous, read again.

Rule: what each message may become is said when it is sent; nothing may stop the others.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from engine.bus.topics import INGEST_ISO20022, INGEST_SWIFT_MT
from engine.faults.checker import FINAL, Finding
from engine.faults.points import CLOCK, KILLS, POISON, RAISES
from engine.faults.scene import REFUSED, Plan, Scene, plan_of
from engine.testbed.dump import differences, dump
from engine.testbed.replay import await_read, outgoing, replay, reset_all
from engine.testbed.samples import Sample, Writer

_STAGES, _ARCHIVER, _RECORDER, _SETTLEMENT = (
    "worker.stages-0",
    "worker.archiver",
    "worker.recorder",
    "worker.settlement",
)
_AMOUNT = re.compile(rb"(:3[23][AB]:(?:\d{6})?EUR)(\d+),")
#: Whatever may lawfully become of a message whose bits were turned.
_ANYTHING = tuple(sorted(FINAL | {"QUEUED", "WAREHOUSED", "HELD", "RESERVED"}))


def duplicates(scene: Scene) -> None:
    """Row 9: each message one to five times, by three producers at once, and the captured topic once more."""
    writer = scene.writer()
    plans = [plan_of(writer.nacha() if number % 20 == 0 else writer.some()) for number in range(150)]
    copies = [plan for plan in plans for _ in range(writer.chance.randrange(5))]
    scene.inject("repetition", len(copies))
    everything = plans + copies
    writer.chance.shuffle(everything)
    with scene.bed.tended():
        for part in range(3):
            scene.produce(everything[part::3], 0.02, jitter=0.05)
        scene.join()
        sender = scene.sender()
        for plan in plans:  # as somebody would who captured the topic
            scene.send(sender, plan)
        sender.flush()
        scene.inject("captured message", len(plans))
        scene.rest()


def same_id_other_payload(scene: Scene) -> None:
    """Row 10: two messages under one reference that differ in their amount; one of them may settle."""
    writer = scene.writer()
    plans: list[Plan] = []
    for number in range(60):
        sample = writer.mt103(rich=True)
        other = replace(sample, value=_AMOUNT.sub(lambda found: found[1] + b"1" + found[2] + b",", sample.value))
        pair = [Plan(one, ("SETTLED", "REJECTED"), f"{scene.name}-{number}", must=True) for one in (sample, other)]
        plans += pair if number % 2 else [*pair, pair[0]]
    scene.inject("reference used again", 60)
    writer.chance.shuffle(plans)
    with scene.bed.tended():
        for part in range(2):
            scene.produce(plans[part::2], 0.03, jitter=0.05)
        scene.rest()


def reordering(scene: Scene) -> None:
    """Row 11: messages of the same senders by four producers with delays of their own."""
    writer = scene.writer()
    plans = [plan_of(writer.some()) for _ in range(400)]
    scene.inject("delay", len(plans))
    with scene.bed.tended():
        for part in range(4):
            scene.produce(plans[part::4], 0.05, jitter=0.6)
        scene.rest()


def corrupted(scene: Scene) -> None:
    """Row 12: turned bits, missing and foreign bytes, under a right and under a wrong signature."""
    writer = scene.writer()
    with scene.bed.tended():
        plans = list(_corrupted(writer, 200))
        scene.inject("corrupted message", sum(plan.sample.kind.startswith("broken") for plan in plans))
        scene.produce(plans, 0.02)
        scene.rest()


def _corrupted(writer: Writer, count: int) -> Iterator[Plan]:
    chance = writer.chance
    for number in range(count):
        sample = writer.nacha() if number % 10 == 0 else writer.some()
        if number % 4 == 0:
            yield plan_of(sample)
            continue
        value = _damage(sample.value, chance)
        broken = replace(sample, value=value, kind=f"broken {sample.kind}")
        yield Plan(broken, _ANYTHING, must=False) if number % 2 else Plan(broken, REFUSED, signature="00")


def _damage(value: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return value[: chance.randrange(len(value))]
    if kind == 1:
        return chance.randbytes(chance.randrange(1, 2_000))
    damaged = bytearray(value)
    for _ in range(1 if kind == 2 else 20):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def poison(scene: Scene) -> None:
    """Row 13: bombs that a parser must refuse, and two messages that bring their worker down each time."""
    stack, writer = scene.stack, scene.writer()
    bombs = [Plan(sample, _ANYTHING, must=False) for sample in _bombs(writer)]
    plans = [plan_of(writer.mt103(rich=True)) for _ in range(30)]
    for at, text in ((5, RAISES), (20, KILLS)):
        sample = writer.mt103(rich=True)
        value = sample.value.replace(b"\r\n:71A:", b"\r\n" + text + b"\r\n:71A:")
        plans.insert(at, Plan(replace(sample, value=value, kind="poison"), ("HELD",)))
    stack.stop(_STAGES)
    stack.arm(_STAGES, POISON)
    stack.launch(_STAGES)
    scene.inject("poison", 2)
    scene.inject("bomb", len(bombs))
    try:
        with scene.bed.tended():
            scene.produce(bombs, 0.01)
            scene.join()
            time.sleep(2.0)  # done and committed: what comes next would have them handled again at each death
            scene.produce(plans, 0.01)
            scene.rest()
    finally:
        stack.arm(_STAGES, None)
        stack.stop(_STAGES)
        stack.start(_STAGES)


def _bombs(writer: Writer) -> Iterator[Sample]:
    """Large, deep, multiplying, and hard to match: each within what a broker takes."""
    bank = writer.euro[0]
    values = (
        (INGEST_ISO20022, b"<Document>" + b"<a>text</a>" * 1_000_000 + b"</Document>", "12 MB of elements"),
        (INGEST_ISO20022, b"<a>" * 200_000, "200,000 levels"),
        (
            INGEST_ISO20022,
            b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "' + b"&b;" * 1000 + b'">]><a>&c;</a>',
            "entities that multiply",
        ),
        (INGEST_SWIFT_MT, b"{1:F01" + b"A" * 500_000 + b"}{2:I103", "a block without end"),
        (INGEST_SWIFT_MT, writer.mt103().value.replace(b":70:", b":70:" + b"/" * 300_000), "300,000 slashes"),
    )
    for topic, value, kind in values:
        yield Sample(topic, bank.bic, bank.bic, value, kind)


def clock_jumps(scene: Scene) -> None:
    """Row 14: the wall clock of every worker jumps by minutes and hours, to and fro."""
    names = (_SETTLEMENT, "worker.settlement-1", _RECORDER, _ARCHIVER, _STAGES)
    _with_clock(scene, names, CLOCK)
    try:
        with scene.bed.tended():
            scene.load(9, 100)
            time.sleep(9)
            scene.inject("clock jump", 6 * len(names))
            scene.rest()
    finally:
        _with_clock(scene, names, None)
    scene.outcome.notes.append("the workers' clocks jumped, not that of Postgres")


def _with_clock(scene: Scene, names: tuple[str, ...], fault: str | None) -> None:
    for name in names:
        scene.stack.stop(name)
        scene.stack.arm(name, fault)
        scene.stack.launch(name)
    for name in names:
        scene.stack.await_healthy(name)


def replayed(scene: Scene) -> None:
    """Row 18: every position back to 0: the database stays the same, nothing goes out."""
    bed = scene.bed
    scene.load(2, 100)
    scene.rest()
    with bed.database() as connection:
        before = dump(connection)
    sent = outgoing(bed)
    replay(bed, partial(reset_all, bed))
    scene.inject("position set to 0", len(before["engine.inbox"]))
    await_read(bed)
    found = Finding("replay-changes-nothing", examined=sum(len(rows) for rows in before.values()))
    with bed.database() as connection:
        found.wrong += differences(before, dump(connection))
    if outgoing(bed) != sent:
        found.wrong.append("answers went out again")
    scene.findings.append(found)
