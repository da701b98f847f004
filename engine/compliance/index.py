"""Which listed names could resemble a screened one: the candidates that are worth comparing.

Rule: built once from a list, then read only; one look-up costs a few microseconds however long the list is, and a
pathological name (many very common words) a bounded number of comparisons. Words are found by themselves, by one
deletion on either side (every typing error of one letter), and by their consonants (spellings of one sound); a name
is a candidate when at least two of its words are found (or one, where there is only one), or when it is the same
letters divided differently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from rapidfuzz import fuzz, process

from engine.compliance.normalise import Name, weight
from engine.compliance.scoring import (
    CONFLICT,
    EXTRA,
    LONE_WORD,
    SHARE_OF_NAME,
    abjad_skeleton,
    similarity,
    skeleton,
)
from engine.compliance.words import NICKNAMES

#: Candidates compared in full for one name: the best by an upper bound of their score.
CANDIDATES_MAX: Final = 32
#: Names that share one word are tried by their whole spelling as well, when there are no more than this.
SPELLING_MAX: Final = 48
#: Least whole-spelling likeness (0 to 100) for those.
SPELLING_LEAST: Final = 82
#: Words shorter than this have no neighbours by deletion: every short word would be the neighbour of many.
NEIGHBOUR_MIN: Final = 3
#: A word this short is no whole name without its blanks.
SHORT_WORD: Final = 3
#: A word this long may be a whole name of up to JOINED_WORDS_MAX words without its blanks.
JOINED_MIN: Final = 10
JOINED_WORDS_MAX: Final = 3
#: Words whose findings are remembered.
KNOWN_MAX: Final = 131_072
#: Words that weigh no more than this are not looked up.
PARTICLE: Final = 0.2
#: The upper bound leaves out particles, which weigh a little.
SLACK: Final = 0.1
NOTHING: Final[frozenset[int]] = frozenset()


class Found(NamedTuple):
    """Names that hold a word like the screened one; ``lone``: those whose other words are initials only.

    ``joined``: names that are this one word without its blanks; ``telling``: whether the word is looked up at all;
    ``clean``: that nothing of all this speaks against the word.
    """

    names: frozenset[int]
    lone: frozenset[int]
    joined: frozenset[int]
    telling: bool
    clean: bool


#: The word of most people: nobody on the list has one like it. Shared, for there are very many of them.
_UNKNOWN: Final = Found(NOTHING, NOTHING, NOTHING, True, True)


class _Known(dict[str, Found]):
    """What was found for words: they repeat from name to name far more often than names do.

    Looked up as a dictionary (``known[word]``) and emptied when it is full: an order of use would be kept at every
    look-up, in memory that no cache holds.
    """

    def __init__(self, find: Callable[[str], Found]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> Found:
        """Find a new word."""
        if len(self) >= KNOWN_MAX:
            self.clear()
        found = self[word] = self._find(word)
        return found


def _deletions(word: str, first: int = 0) -> list[str]:
    """The word without one letter, each from the place ``first`` on."""
    return [word[:at] + word[at + 1 :] for at in range(first, len(word))]


def _keys(word: str, bones: str, abjad: bool) -> list[str]:
    """What a word is found by: itself, one letter less, its consonants (``bones``), and those with one less."""
    keys = [word]
    if word in NICKNAMES:
        keys.append(NICKNAMES[word])
    if len(word) >= NEIGHBOUR_MIN:
        keys += _deletions(word)
        if len(bones) > 2:
            marked = "~" + bones
            keys.append(marked)
            if len(bones) > 4:
                keys += _deletions(marked, 1)
        if abjad and len(abjad_skeleton(word)) > 1:
            keys.append("=" + abjad_skeleton(word))
    return keys


def _spelling(tokens: Iterable[str]) -> str:
    return " ".join(sorted(tokens))


class NameIndex:
    """Candidates among ``names`` (number = position) for a normalised name."""

    def __init__(self, names: Sequence[Name], least: float) -> None:
        self._names = names
        self._least = least
        self._spellings = [_spelling(name.tokens) for name in names]
        self._mass = [_mass(name) for name in names]
        self._words: dict[str, frozenset[int]] = {}
        self._lone: dict[str, frozenset[int]] = {}
        self._together: dict[str, tuple[int, ...]] = {}
        self._neighbours: dict[str, tuple[str, ...]] = {}
        self._build()
        self._runs = frozenset(self._together) | self._words.keys()
        self._found_in = {abjad: _Known(partial(self._find, abjad=abjad)) for abjad in (False, True)}

    def _build(self) -> None:
        words: defaultdict[str, set[int]] = defaultdict(set)
        lone: defaultdict[str, set[int]] = defaultdict(set)
        together: defaultdict[str, set[int]] = defaultdict(set)
        for number, name in enumerate(self._names):
            telling = _telling(name)
            for word in telling:
                words[word].add(number)
            if len(telling) == 1 and len(name.tokens) > 1:
                lone[telling[0]].add(number)
            for run in _runs(name.tokens):
                together[run].add(number)
            if 1 < len(name.tokens) <= JOINED_WORDS_MAX:
                together["~" + skeleton("".join(name.tokens))].add(number)
        neighbours: defaultdict[str, list[str]] = defaultdict(list)
        for word in words:
            keys = _keys(word, skeleton(word), abjad=True) if weight(word) == 1.0 else (word,)
            for key in dict.fromkeys(keys):
                neighbours[key].append(word)
        self._words = {word: frozenset(numbers) for word, numbers in words.items()}
        self._lone = {word: frozenset(numbers) for word, numbers in lone.items()}
        self._together = {run: tuple(sorted(numbers)) for run, numbers in together.items()}
        self._neighbours = {key: tuple(found) for key, found in neighbours.items()}

    def found(self, word: str, abjad: bool) -> Found:
        """Names with a word like this one."""
        return self._found_in[abjad][word]

    def _find(self, word: str, abjad: bool) -> Found:
        bones = skeleton(word)
        neighbours, keys = self._neighbours, _keys(word, bones, abjad)
        alike: list[str] = []
        if not neighbours.keys().isdisjoint(keys):
            like = set[str]().union(*[neighbours[key] for key in keys if key in neighbours])
            alike = [listed for listed in like if similarity(word, listed, abjad) is not None]
        joined = self._joined(word, bones)
        telling = len(word) > 1 and weight(word) > PARTICLE
        if not alike and not joined and telling:
            return _UNKNOWN
        if len(alike) == 1:
            names, lone = self._words[alike[0]], self._lone.get(alike[0], NOTHING)
        else:
            names = NOTHING.union(*[self._words[listed] for listed in alike])
            lone = NOTHING.union(*[self._lone.get(listed, NOTHING) for listed in alike])
        return Found(names, lone, joined, telling, not (joined or lone or (telling and names)))

    def _joined(self, word: str, bones: str) -> frozenset[int]:
        """Names whose words, written together, are this word or sound like it."""
        if len(word) <= SHORT_WORD:
            return NOTHING
        joined = self._together.get(word, ())
        if len(word) >= JOINED_MIN:
            joined += self._together.get("~" + bones, ())
        return frozenset(joined) if joined else NOTHING

    def unlike_any(self, name: Name) -> bool:
        """Whether ``candidates`` would find nothing, told from the words alone; False when that is not sure.

        Most names share a word with the list at most: this is their whole screening.
        """
        tokens, known = name.tokens, self._found_in[name.abjad]
        names, tellings, sharing, fewest = NOTHING, 0, 0, 3 * SPELLING_MAX
        for token in tokens:
            found = known[token]
            if found.clean:
                tellings += found.telling
                continue
            if found.joined or found.lone:
                return False
            tellings += found.telling
            if found.telling:  # or it would be clean
                sharing += 1
                if sharing > 2 or not names.isdisjoint(found.names):
                    return False
                fewest = min(fewest, len(names) or len(found.names), len(found.names))
                names = found.names
        if tellings < 2 or fewest <= sharing * SPELLING_MAX:
            return False
        return self._runs.isdisjoint(_runs(tokens))

    def candidates(self, name: Name) -> list[int]:
        """Numbers of the names to compare with, CANDIDATES_MAX of either kind at most."""
        known, telling = self._found_in[name.abjad], _telling(name)
        found = [known[word] for word in telling]
        near = self._run_together(name)
        sets = [hit.names for hit in found if hit.names]
        if len(telling) < 2:
            shared = sets[0] if sets else NOTHING
        else:
            sets.sort(key=len)
            shared, once = _twice(sets)
            if 0 < len(once) <= SPELLING_MAX:
                near |= self._spelt_alike(name, list(once))
            for hit in found:
                if hit.lone:
                    near |= hit.lone
        if not shared and not near:
            return []
        return sorted(near)[:CANDIDATES_MAX] + self._best(name, list(zip(telling, found, strict=True)), shared - near)

    def _run_together(self, name: Name) -> set[int]:
        """Names of the same letters divided differently."""
        tokens, known, near = name.tokens, self._found_in[name.abjad], set[int]()
        for token in tokens:
            joined = known[token].joined
            if joined:
                near |= joined
        runs = _runs(tokens)
        if not self._runs.isdisjoint(runs):
            for run in runs:
                near.update(self._together.get(run, ()))
                near |= self._words.get(run, NOTHING)
        return near

    def _spelt_alike(self, name: Name, numbers: list[int]) -> set[int]:
        spellings = self._spellings
        hits = process.extract(
            _spelling(name.tokens),
            [spellings[number] for number in numbers],
            scorer=fuzz.ratio,
            processor=None,
            score_cutoff=SPELLING_LEAST,
            limit=CANDIDATES_MAX,
        )
        return {numbers[at] for _, _, at in hits}

    def _best(self, name: Name, found: list[tuple[str, Found]], shared: frozenset[int]) -> list[int]:
        """Those whose score can reach the least one, by an upper bound, best first."""
        if not shared:
            return []
        weighed = [(hit.names, weight(word)) for word, hit in found]
        total = sum(name.weights)
        initials = sum([1 for token in name.tokens if len(token) == 1])
        kept = []
        for number in shared:
            words = [weighs for names, weighs in weighed if number in names]
            hits = initials + sum(words)
            mass = self._mass[number]
            here, there = max(0.0, (total - hits) / total), max(0.0, (mass - hits) / mass)
            bound = 1 - CONFLICT * min(here, there) - EXTRA * abs(here - there)
            if len(words) + initials < 2 and max(here, there) > SHARE_OF_NAME + SLACK:
                bound -= LONE_WORD
            if bound + SLACK >= self._least:
                kept.append((bound, number))
        if len(kept) > CANDIDATES_MAX:
            kept.sort(reverse=True)
        return [number for _, number in kept[:CANDIDATES_MAX]]


def _twice(sets: list[frozenset[int]]) -> tuple[frozenset[int], frozenset[int]]:
    """Numbers in at least two of the sets, and the rest of the smallest set. ``sets`` are ordered by size.

    Two and three sets, nearly every name, are intersected pair by pair: a union with a large set would cost more.
    """
    if len(sets) < 2:
        return NOTHING, sets[0] if sets else NOTHING
    if len(sets) == 2:
        twice = sets[0] & sets[1]
    elif len(sets) == 3:
        twice = (sets[0] & sets[1]) | (sets[0] & sets[2]) | (sets[1] & sets[2])
    else:
        seen, found = set(sets[0]), set[int]()
        for numbers in sets[1:-1]:
            found |= seen & numbers
            seen |= numbers
        twice = frozenset(found | (seen & sets[-1]))
    return twice, sets[0] - twice if len(sets[0]) <= 2 * SPELLING_MAX else NOTHING


def _mass(name: Name) -> float:
    """Weight of the words of a listed name that are no initials; at least a little, to divide by."""
    return max(0.15, sum(w for word, w in zip(name.tokens, name.weights, strict=True) if len(word) > 1))


def _telling(name: Name) -> list[str]:
    """The words that are looked up: no particles, no initials; all words when nothing else is there."""
    words = [word for word, w in zip(name.tokens, name.weights, strict=True) if w > PARTICLE and len(word) > 1]
    return list(dict.fromkeys(words or name.tokens))


def _runs(tokens: tuple[str, ...]) -> list[str]:
    """The whole name and each two neighbouring words, written together."""
    if len(tokens) < 2:
        return []
    runs = [first + second for first, second in pairwise(tokens)]
    if len(tokens) > 2:
        runs += [a + b + c for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False)]
        if len(tokens) > 3:
            runs.append("".join(tokens))
    return runs
