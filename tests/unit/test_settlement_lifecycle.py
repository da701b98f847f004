"""The table of states: exhaustive, every state reachable and answered, its renderings complete."""

from itertools import product

import pytest

from settlement.lifecycle import FINAL, ISO_STATUS, TRANSITIONS, State, may, mermaid, pairs, sql_values


def test_every_state_has_a_row_and_a_status():
    assert set(TRANSITIONS) == set(ISO_STATUS) == set(State)


def test_final_states():
    assert {State.SETTLED, State.REJECTED, State.CANCELLED, State.BLOCKED, State.DUPLICATE} <= FINAL
    assert FINAL.isdisjoint({State.RECEIVED, State.HELD, State.CLEARED, State.WAREHOUSED, State.QUEUED, State.RESERVED})


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_may_says_what_the_table_says(before, after):
    assert may(before, after) is ((before, after) in pairs())


def test_nothing_follows_a_final_state():
    assert not any(may(before, after) for before in FINAL for after in State)


def test_every_state_is_reachable_from_received():
    seen, work = set(), [State.RECEIVED]
    while work:
        state = work.pop()
        if state not in seen:
            seen.add(state)
            work += TRANSITIONS[state]
    assert seen == set(State)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.HELD, State.SETTLED),
        (State.RESERVED, State.HELD),
        (State.RESERVED, State.CANCELLED),
        (State.QUEUED, State.WAREHOUSED),
        (State.HELD, State.DUPLICATE),
    ],
)
def test_what_must_never_happen(before, after):
    assert not may(before, after)


def test_renderings_hold_every_pair_once():
    diagram, values = mermaid().splitlines(), sql_values().replace(",\n", "\n").splitlines()
    assert diagram[:2] == ["stateDiagram-v2", "    [*] --> RECEIVED"]
    for before, after in pairs():
        assert diagram.count(f"    {before} --> {after}") == 1
        assert values.count(f"('{before}', '{after}')") == 1
    assert len(values) == len(pairs())
    assert sum(line.endswith("--> [*]") for line in diagram) == len(FINAL)
