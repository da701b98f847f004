"""Real Kafka and Postgres for the integration tests: started once a run, in a folder that goes away with it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.stack.local import LocalStack
from engine.testbed.bed import Bed

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def services() -> Iterator[LocalStack]:
    """Kafka and Postgres, no workers. Tests choose topic names of their own, and databases from `database`."""
    # not pytest's own folder: that one is closed to the user that Postgres runs as when root runs the tests
    root = Path(tempfile.mkdtemp(prefix="qenex-"))
    root.chmod(0o755)
    try:
        with LocalStack(root / "data") as stack:
            yield stack
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def database(services: LocalStack) -> str:
    """The address of an empty database of this test's own, as the owner role."""
    return services.new_database(f"test_{next(_numbers)}")


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """A whole engine with banks, shared by the tests that send and look; its day turns only when a test turns it."""
    root = Path(tempfile.mkdtemp(prefix="qenex-bed-"))
    root.chmod(0o755)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QENEX_DAY_SCHEDULE", "manual")
        try:
            with LocalStack(root / "data", workers=True) as stack:
                found = Bed(stack)
                found.populate()
                yield found
        finally:
            shutil.rmtree(root, ignore_errors=True)
