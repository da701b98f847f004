"""The errors that end a command: one sentence for the person, one exit status.

Rule: whoever raises one of these has already written the sentence that the person needs: what is wrong, with which
value, and what to do; `engine.cli.main` prints it and exits, and shows no traceback. Exit statuses are those of the
command line's contract: 2 wrong usage or unreadable file, 3 a needed service does not answer.

    EngineFault
     ├─ UsageFault            2   what was asked for cannot be asked for
     ├─ ServiceUnavailable    3   Kafka, Postgres or a worker does not answer
     └─ BrokenPiece           3   a part of the local stack is missing or broken
"""

from __future__ import annotations

from typing import ClassVar


class EngineFault(Exception):  # noqa: N818  (a fault is what the person sees; the names below read as sentences)
    """Ends a command with its message and its exit status."""

    exit_status: ClassVar[int] = 1


class UsageFault(EngineFault):
    """A setting, option or file that cannot be used; the message names it and says what would be accepted."""

    exit_status = 2


class ServiceUnavailable(EngineFault):
    """A needed service does not answer. ``how_to_start`` is the remedy, a sentence."""

    exit_status = 3

    def __init__(self, service: str, how_to_start: str = "Start it with: qenex up") -> None:
        super().__init__(f"{service} does not answer. {how_to_start}")
        self.service = service
        self.how_to_start = how_to_start


class LedgerRestoredError(ServiceUnavailable):
    """The ledger came back from a backup, and two operators have not let the engine go on yet."""

    def __init__(self, target: str) -> None:
        super().__init__(
            "The engine",
            f"It stands still: the ledger was restored to {target}. See what is to do: qenex recovery show",
        )


class BrokenPiece(EngineFault):
    """A part of the local stack is missing, damaged or refuses to start; the message says which, why and the remedy."""

    exit_status = 3
