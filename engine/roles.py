"""The roles of operators: who may move a book, administer participants, decide cases.

Rule: pure, and the one table: operators are added with these names, commands ask it by permission, and the rules of
cases are made from it. Two persons decide a case, so no role lets one person do both halves to the same case: that is
a rule of the case (four eyes), not of the role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: Things that need a person: commands to a book (queue, day, credit lines), participants and their keys, and cases:
#: propose (and withdraw one's own), approve (or refuse) what another proposed.
Permission = Literal["book", "participants", "cases.propose", "cases.approve"]


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do, and in one line who has it."""

    may: frozenset[Permission]
    help: str


ROLES: Final[dict[str, Role]] = {
    "operator": Role(frozenset({"book"}), "settlement desk: queue, business day, credit lines"),
    "supervisor": Role(frozenset({"book", "participants"}), "settlement desk's head: also participants and their keys"),
    "analyst": Role(frozenset({"cases.propose"}), "compliance: looks at cases and proposes their decision"),
    "officer": Role(
        frozenset({"cases.propose", "cases.approve"}),
        "compliance: also approves or refuses what another proposed, never his own proposal",
    ),
    "viewer": Role(frozenset(), "looks, and changes nothing"),
}


def roles_for(permission: Permission) -> tuple[str, ...]:
    """The roles that have a permission, in the order of the table.

    >>> roles_for("cases.approve")
    ('officer',)
    """
    return tuple(name for name, role in ROLES.items() if permission in role.may)
