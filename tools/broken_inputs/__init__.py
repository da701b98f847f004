"""Seeded broken inputs of each family, each kind with the code that it has to be refused with.

Rule: what is expected is written down with the kind, from the standard's own list of errors, before anything is run; a
kind with several codes says that the damage itself may fall in several ways (a cut may end in any block).
"""

from tools.broken_inputs import iso, nacha, swift, swift_types
from tools.broken_inputs.kinds import Kind

#: Family -> its kinds.
FAMILIES: dict[str, tuple[Kind, ...]] = {
    "swift-mt": (*swift.KINDS, *swift_types.KINDS),
    "iso20022": iso.KINDS,
    "ach": nacha.KINDS,
}
