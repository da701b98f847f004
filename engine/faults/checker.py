"""The judge of a history: what the testers saw must be what one correct bank could have shown them.

Rule: pure; it sees the history alone, and knows neither the engine's tables nor its code. It is the same for real
processes and for a simulated run. The invariants are those of the documentation:

    I1  money is neither made nor lost: every reading of a book's total says the same
    I3  what counts once settles once: of all messages of one group, at most one takes effect
    I4  every message that was acknowledged has an outcome at the end
    I5  a final outcome never changes, and it is one that the message may have
    I6  no balance was ever read below its limit
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from engine.faults.history import Event

#: Outcomes by which a message has its effect, or may yet have it.
EFFECTIVE = frozenset({"SETTLED", "QUEUED", "RESERVED", "WAREHOUSED", "HELD"})
FINAL = frozenset({"SETTLED", "REJECTED", "DUPLICATE", "CANCELLED", "BLOCKED", "PARSED"})
REPEATED = "DUPLICATE"
_EXAMPLES = 5


@dataclass(slots=True)
class Finding:
    """One sentence about a history: how much was looked at, what was wrong."""

    check: str
    examined: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    def record(self) -> dict[str, object]:
        """The shape of `qenex audit`."""
        detail = "; ".join(self.wrong[:_EXAMPLES])
        return {
            "check": self.check,
            "ok": self.ok,
            "examined": self.examined,
            "violations": len(self.wrong),
            "detail": detail,
        }


def judge(events: Iterable[Event]) -> list[Finding]:
    """Every check over a history."""
    history = list(events)
    return [check(history) for check in CHECKS]


def operations_end(history: Sequence[Event]) -> Finding:
    """Each operation that was begun has ended, once: what nobody knows is said, not left out."""
    found = Finding("operations-end")
    ends = Counter(event["id"] for event in history if event["type"] != "invoke" and event["id"])
    for event in history:
        if event["type"] == "invoke":
            found.examined += 1
            if ends[event["id"]] != 1:
                found.wrong.append(f"{event['op']} {event['id']} has {ends[event['id']]} ends")
    return found


def acknowledged_are_decided(history: Sequence[Event]) -> Finding:
    """I4: the last reading knows an outcome of every message that was acknowledged."""
    found = Finding("I4-acknowledged-are-decided")
    last = _last_outcomes(history)
    for event in _acknowledged(history):
        found.examined += 1
        if not last.get(event["place"]):
            found.wrong.append(f"{event['place']} was acknowledged and has no outcome")
    return found


def finals_stay(history: Sequence[Event]) -> Finding:
    """I5: what was read as final is read as the same ever after."""
    found = Finding("I5-final-outcomes-stay")
    before: dict[tuple[str, str], str] = {}
    for event in history:
        if event["op"] != "outcome" or event["type"] != "ok":
            continue
        for index, state in event["states"].items():
            found.examined += 1
            known = before.get((event["place"], index))
            if known in FINAL and state != known:
                found.wrong.append(f"{event['place']}, payment {index} was {known} and then {state}")
            before[event["place"], index] = state
        gone = [index for place, index in before if place == event["place"] and index not in event["states"]]
        found.wrong += [f"{event['place']}, payment {index} is gone" for index in gone]
    return found


def outcomes_are_allowed(history: Sequence[Event]) -> Finding:
    """I5: each message became what it may become; a repetition, where there is one, a duplicate."""
    found = Finding("I5-outcomes-are-allowed")
    last, groups = _last_outcomes(history), Counter(event["group"] for event in _acknowledged(history))
    for event in _acknowledged(history):
        found.examined += 1
        states = set(last.get(event["place"], {}).values())
        allowed = {*event["allowed"], *((REPEATED,) if groups[event["group"]] > 1 else ())}
        if not states <= allowed:
            found.wrong.append(f"{event['place']} ({event['kind']}) is {sorted(states)}, allowed {sorted(allowed)}")
    return found


def groups_take_effect_once(history: Sequence[Event]) -> Finding:
    """I3: of the repetitions of one message, or of several under one reference, at most one takes effect."""
    found = Finding("I3-once-a-group")
    last = _last_outcomes(history)
    members: dict[str, list[Event]] = defaultdict(list)
    for event in _acknowledged(history):
        members[event["group"]].append(event)
    for group, events in members.items():
        found.examined += 1
        effective = [event["place"] for event in events if set(last.get(event["place"], {}).values()) & EFFECTIVE]
        must = all(event["must"] for event in events)
        if len(effective) > 1 or (must and not effective):
            found.wrong.append(f"of {len(events)} messages of the group {group} {len(effective)} took effect")
    return found


def totals_stay(history: Sequence[Event]) -> Finding:
    """I1 and I6: every reading says the same totals, and no balance below its limit."""
    found = Finding("I1-I6-totals-stay")
    first: dict[str, int] | None = None
    for event in history:
        if event["op"] != "totals" or event["type"] != "ok":
            continue
        found.examined += 1
        first = first or event["totals"]
        if event["totals"] != first:
            found.wrong.append(f"at {event['at']} s the totals are {event['totals']}, they were {first}")
        if event["below"]:
            found.wrong.append(f"at {event['at']} s {event['below']} balances are below their limits")
    return found


Check = Callable[[Sequence[Event]], Finding]
CHECKS: tuple[Check, ...] = (
    operations_end,
    totals_stay,
    groups_take_effect_once,
    acknowledged_are_decided,
    finals_stay,
    outcomes_are_allowed,
)


def _acknowledged(history: Sequence[Event]) -> list[Event]:
    """Sends that were acknowledged: the invocation with the place that the end has."""
    begun = {event["id"]: event for event in history if event["op"] == "send" and event["type"] == "invoke"}
    return [
        {**begun[event["id"]], "place": event["place"]}
        for event in history
        if event["op"] == "send" and event["type"] == "ok"
    ]


def _last_outcomes(history: Sequence[Event]) -> dict[str, dict[str, str]]:
    """Place -> index -> state, as read last."""
    return {event["place"]: event["states"] for event in history if event["op"] == "outcome" and event["type"] == "ok"}
