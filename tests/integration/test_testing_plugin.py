"""The plugin for integrators: its how-to page is carried out word by word; a test that should fail says why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from engine.testbed.bed import Bed
from engine.testbed.samples import Writer
from engine.testing.running import Engine, attached

pytestmark = pytest.mark.integration
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-against-the-engine.md"
FAILING = """
from payout import mt103


def test_that_should_fail(qenex_stack, send, wait_for_outcome):
    send(mt103("PAYOUT-3", qenex_stack.business_date("EUR-RTGS"), "1,2,3"))
    wait_for_outcome("PAYOUT-3", "SETTLED")
"""


def files_of_the_page() -> dict[str, str]:
    """File name -> what the page puts into it, by the comment that each block begins with."""
    found: dict[str, str] = {}
    for block in re.findall(r"^ *```python\n(.*?)^ *```", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        name, _, text = dedent(block).partition("\n")
        assert name.startswith("# ")
        found[name[2:]] = found.get(name[2:], "") + text
    return found


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)


@pytest.mark.slow
def test_the_page_is_carried_out(tmp_path: Path) -> None:
    files = files_of_the_page()
    assert set(files) == {"conftest.py", "payout.py", "test_payout.py"}
    test = files["test_payout.py"]
    assert len(test[: test.index("def test_a_payout_without")].strip().splitlines()) <= 10
    for name, text in (files | {"test_that_fails.py": FAILING}).items():
        (tmp_path / name).write_text(text)
    done = pytest_in(tmp_path)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "AssertionError: PAYOUT-3 became REJECTED, not SETTLED" in done.stdout
    assert re.search(r"T\d\d: ", done.stdout), "the reason is not told"


def test_a_running_stack_is_used(bed: Bed, tmp_path: Path) -> None:
    """What ``--qenex`` and a program of one's own have: the addresses, the key, the reference."""
    engine = Engine(bed.stack.settings)
    sample = Writer(77, bed.dates, "P").mt103(rich=True)
    assert engine.business_date("EUR-RTGS") == bed.dates["EUR-RTGS"]
    assert engine.key(sample.sender) == bed.signer._keys[sample.sender][0]
    sent = engine.send(sample.value)
    assert (sent.topic, sent.partition) == (sample.topic, 0)
    record = engine.wait_for_outcome(sent, "SETTLED")
    assert record["outcome"] == engine.wait_for_outcome(record["reference"])["outcome"] == "SETTLED"
    assert engine.wait_for_outcome(engine.send(sample.value))["outcome"] == "DUPLICATE"
    unsigned = engine.wait_for_outcome(engine.send(sample.value, signed=False))
    assert (unsigned["outcome"], unsigned["payments"][0]["reason"]) == ("REJECTED", "LAU")
    with pytest.raises(AssertionError, match="nothing of this reference is decided here"):
        engine.wait_for_outcome("NO-SUCH-MESSAGE", seconds=0.1)
    assert {system for _, system in engine.balances()} >= {"EUR-RTGS", "EUR-INST", "USD-ACH"}
    assert {system for _, system in engine.balances("EUR-INST")} == {"EUR-INST"}


def test_a_stack_that_does_not_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="does not answer"), attached(tmp_path / "nothing"):
        pass
