"""The stages as three consumer groups over topics of their own: the same payments become the same."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.bus.topics import CLEARED, PARSED
from engine.settings import load
from engine.stack.local import LocalStack
from engine.testbed import checks
from engine.testbed.bed import Bed, Sender, message_ids
from engine.testbed.samples import Sample, Writer
from tools.broken_inputs.kinds import change

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def split() -> Iterator[Bed]:
    root = Path(tempfile.mkdtemp(prefix="qenex-split-"))
    root.chmod(0o755)  # Postgres runs as another user when root runs the tests
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QENEX_DEPLOYMENT", "split")
        environment.setenv("QENEX_STAGE_WORKERS", "3")
        environment.setenv("QENEX_DAY_SCHEDULE", "manual")
        try:
            with LocalStack(root / "data", workers=True, settings=load()) as stack:
                bed = Bed(stack)
                bed.populate()
                yield bed
        finally:
            shutil.rmtree(root, ignore_errors=True)


def test_payments_of_all_families_pass_through_three_groups(split: Bed) -> None:
    assert [name for name in split.workers() if "stages" in name] == [f"worker.stages-{n}" for n in range(3)]
    writer, sender = Writer(51, split.dates, "S"), Sender(split)
    good = [make() for _ in range(40) for make in (lambda: writer.mt103(rich=True), lambda: writer.pacs008(rich=True))]
    good += [writer.nacha() for _ in range(5)]
    broken = writer.mt103()
    broken = Sample(
        broken.topic,
        broken.sender,
        broken.key,
        change(rb":71A:...", b":71A:ALL")(broken.value, writer.chance),
        "broken",
    )
    for sample in [*good, broken, good[0]]:
        sender.send(sample)
    sender.flush()
    split.settle()

    with split.database() as connection:
        known = message_ids(split, connection, sender.arrived)
        found: Counter[tuple[str, str, str | None]] = Counter()
        for payment, state, reason in connection.execute(
            "select o.payment_id, o.state, i.reason from engine.outcomes o join engine.inbox i using (payment_id)"
        ):
            found[known[payment.bytes[:12] + b"\0\0\0\0"].sample.kind, state, reason] += 1
    assert found == {
        ("mt103", "SETTLED", None): 40,
        ("pacs.008", "SETTLED", None): 40,
        ("nacha", "SETTLED", None): 15,
        ("broken", "REJECTED", "T08"): 1,
        ("mt103", "DUPLICATE", None): 1,
    }
    between = split.ends([PARSED, CLEARED])
    # 95 payments and the repetition; what is refused goes straight to the recorder.
    assert {topic: end for (topic, _), end in between.items()} == {PARSED: 96, CLEARED: 96}
    assert [check.record() for check in checks.all_of(split, sender.arrived) if not check.ok] == []


def test_a_killed_stage_loses_nothing(split: Bed) -> None:
    writer, sender = Writer(52, split.dates, "K"), Sender(split)
    with split.tended():
        for number in range(300):
            sender.send(writer.some())
            if number in (80, 140, 200):
                split.stack.kill(f"worker.stages-{number // 60 - 1}")
            sender.poll(0.005)
        sender.flush()
        split.settle()
    assert sum(split.restarts.values()) >= 3
    assert [check.record() for check in checks.all_of(split, sender.arrived) if not check.ok] == []
