"""The states of a payment, and which may follow which.

Rule: one table. The diagram in the documentation, the database's guard and the tests are made from it; a state with no
successor is final. SETTLED is final too: a return, recall or reversal is a new payment that names the old one.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a payment is."""

    RECEIVED = "RECEIVED"
    REJECTED = "REJECTED"
    HELD = "HELD"
    CLEARED = "CLEARED"
    WAREHOUSED = "WAREHOUSED"
    QUEUED = "QUEUED"
    RESERVED = "RESERVED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    BLOCKED = "BLOCKED"
    DUPLICATE = "DUPLICATE"
    PARSED = "PARSED"


_S = State

#: State -> the states that may follow it. HELD: a person decides; RESERVED: instant, waiting for the receiver's answer;
#: BLOCKED: the law asks for a blocked account; DUPLICATE: a repetition, answered with the first answer;
#: PARSED: a message that moves no money (a statement, a request) has been read, and its answer given.
TRANSITIONS: dict[State, tuple[State, ...]] = {
    _S.RECEIVED: (_S.REJECTED, _S.HELD, _S.CLEARED, _S.DUPLICATE, _S.PARSED),
    _S.HELD: (_S.CLEARED, _S.REJECTED, _S.BLOCKED),
    _S.CLEARED: (
        _S.HELD,
        _S.WAREHOUSED,
        _S.QUEUED,
        _S.RESERVED,
        _S.SETTLED,
        _S.REJECTED,
        _S.DUPLICATE,
        _S.PARSED,
    ),
    _S.RESERVED: (_S.SETTLED, _S.REJECTED),
    _S.WAREHOUSED: (_S.HELD, _S.QUEUED, _S.SETTLED, _S.REJECTED, _S.CANCELLED),
    _S.QUEUED: (_S.HELD, _S.SETTLED, _S.REJECTED, _S.CANCELLED),
    _S.SETTLED: (),
    _S.REJECTED: (),
    _S.CANCELLED: (),
    _S.BLOCKED: (),
    _S.DUPLICATE: (),
    _S.PARSED: (),
}

#: States that nothing follows.
FINAL: frozenset[State] = frozenset(state for state, after in TRANSITIONS.items() if not after)

#: State -> ISO 20022 ExternalPaymentTransactionStatus1Code (a scheme may answer with another: ``schemes.Statuses``).
ISO_STATUS: dict[State, str] = {
    _S.RECEIVED: "RCVD",
    _S.REJECTED: "RJCT",
    _S.HELD: "PDNG",
    _S.CLEARED: "ACTC",
    _S.WAREHOUSED: "PDNG",
    _S.QUEUED: "ACSP",
    _S.RESERVED: "ACSP",
    _S.SETTLED: "ACSC",
    _S.CANCELLED: "CANC",
    _S.BLOCKED: "BLCK",
    _S.DUPLICATE: "RJCT",
    _S.PARSED: "ACTC",
}


def may(before: State, after: State) -> bool:
    """Whether ``after`` may follow ``before``.

    >>> may(State.QUEUED, State.SETTLED), may(State.SETTLED, State.CANCELLED)
    (True, False)
    """
    return after in TRANSITIONS[before]


def pairs() -> tuple[tuple[State, State], ...]:
    """Every allowed (before, after), in the order of the table."""
    return tuple((before, after) for before, followers in TRANSITIONS.items() for after in followers)


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> RECEIVED"]
    lines += [f"    {before} --> {after}" for before, after in pairs()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines) + "\n"


def sql_values() -> str:
    """The allowed pairs as the rows of a SQL ``VALUES`` list, for the database's guard.

    >>> sql_values().splitlines()[0]
    "('RECEIVED', 'REJECTED'),"
    """
    return ",\n".join(f"('{before}', '{after}')" for before, after in pairs())
