"""The faults of a simulation: what may happen to a worker, to the database, to the bus, to clocks; how often it did.

Rule: each is drawn from the history's generator when it could happen, and none while a history comes to its end. A
fault does what the real one does and no more: a killed process loses its memory and what its producer had queued, a
lost connection leaves the commit done or not done, a paused process goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


class KilledError(BaseException):
    """SIGKILL of a simulated process: nothing in it runs any more, no handler, no ``finally`` of consequence."""


class PoisonError(Exception):
    """A message that crashes whoever handles it."""


#: Fault -> what it is.
FAULTS: Final[Mapping[str, str]] = {
    "kill": "a worker is killed between two steps",
    "kill-at-commit": "a worker is killed before its COMMIT",
    "kill-after-commit": "a worker is killed after its COMMIT, before it learns of it",
    "kill-at-statement": "a worker is killed between two statements",
    "reply-lost-done": "the connection breaks after the COMMIT was done",
    "reply-lost-undone": "the connection breaks before the COMMIT was done",
    "connection-lost": "the connection breaks before a statement or a transaction",
    "session-lingers": "the server does not notice that a session's client is gone",
    "paused": "a worker stands still past its lease, in the middle of what it does, and goes on",
    "restart": "a worker is told to stop, and started again",
    "clock-jump": "a worker's clock jumps",
    "broker-away": "the broker does not answer for some calls",
    "delivery-refused": "the broker refuses a message for good",
    "delivery-held": "messages stay on their way for a while",
    "commit-reply-lost": "a consumer's commit was done and its reply is lost",
    "group-expired": "the group gives up on a silent member",
    "sent-again": "a sender sends the same bytes again",
    "sent-late": "a message is overtaken by later ones",
    "poison": "a message crashes whoever handles it",
    "command-again": "an operator's command is sent again",
}
