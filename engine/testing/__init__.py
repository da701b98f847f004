"""A real engine in your own tests: fixtures for pytest.

    # conftest.py
    pytest_plugins = ["engine.testing"]

``qenex_stack``       a running engine (`engine.testing.running.Engine`), started once a run; with ``--qenex DIR`` the
                      one that ``qenex up --data DIR`` runs, which is left running
``qenex_participants``  who takes part: a file for ``qenex participants import`` or a list of its records; write a
                      fixture of this name (scope "session") to have your own banks
``send``              drop a message on an ingest topic, signed, as any bank does
``wait_for_outcome``  what became of a message, whoever sent it
``balances``          what each account holds now

Rule: named by who wants it, never loaded by itself (there is no entry point), so that who does not use it does not pay
for it; a test has no private door either: the engine is reached through Kafka and read as the commands read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from payments import Money

if TYPE_CHECKING:
    from engine.testing.running import Engine, Participants, Sent

#: ``send(message, *, topic=None, key=None, signed=True)``: see `engine.testing.running.Engine.send`.
Send = Callable[..., "Sent"]
#: ``wait_for_outcome(message, outcome=None, *, seconds=30.0)``: see `engine.testing.running.Engine.wait_for_outcome`.
WaitForOutcome = Callable[..., dict[str, Any]]
#: ``balances(system=None)``: see `engine.testing.running.Engine.balances`.
Balances = Callable[..., Mapping[tuple[str, str], Money]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that names a running stack."""
    group = parser.getgroup("qenex")
    group.addoption(
        "--qenex", metavar="DIR", help="Use the stack that `qenex up --data DIR` runs, instead of starting one."
    )


@pytest.fixture(scope="session")
def qenex_participants() -> Participants:
    """The banks of the demonstration; override it in your conftest.py for your own."""
    from engine.testing.running import DEMONSTRATION_BANKS

    return DEMONSTRATION_BANKS


@pytest.fixture(scope="session")
def qenex_stack(request: pytest.FixtureRequest, qenex_participants: Participants) -> Iterator[Engine]:
    """A running engine in which the participants have their accounts and keys.

    Its own Kafka and Postgres are started, in a folder that goes away with it, unless QENEX_KAFKA and QENEX_POSTGRES
    name others. Its business day does not turn by itself.
    """
    from engine.testing.running import attached, started

    running: str | None = request.config.getoption("--qenex", default=None)
    with started() if running is None else attached(Path(running)) as engine:
        engine.bring_in(qenex_participants)
        yield engine


@pytest.fixture
def send(qenex_stack: Engine) -> Send:
    """Drop a message on the ingest topic of its format, signed with its sender's key; where it arrived comes back."""
    return qenex_stack.send


@pytest.fixture
def wait_for_outcome(qenex_stack: Engine) -> WaitForOutcome:
    """Wait until a message is decided, and return its record; AssertionError when it became something else."""
    return qenex_stack.wait_for_outcome


@pytest.fixture
def balances(qenex_stack: Engine) -> Balances:
    """(participant, system) -> what the account holds."""
    return qenex_stack.balances
