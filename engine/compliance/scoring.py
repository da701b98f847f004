"""How alike two names are, from 0 to 1, and why.

Rule: pure and explainable. Words of the two names are paired (equal, an initial, a known short form, joined or split,
spelt alike, or sounding alike); the score is 1 less what the pairs lack and less what has no partner. A name that
merely lacks a word of the other loses little; two names that each have a word of their own lose much (``Bashar`` and
``Hafez`` al-Assad). Work is bounded: words are limited by ``normalise``, and no word is longer than WORD_MAX here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from rapidfuzz.distance import OSA

from engine.compliance.normalise import Name, weight
from engine.compliance.words import NICKNAMES

#: Longer words are compared by their first letters only.
WORD_MAX: Final = 40
#: Two words whose edit similarity is below this are two words.
ALIKE: Final = 0.7
#: Words of one sound must be at least this alike.
SOUNDS_ALIKE: Final = 0.4
#: What a listed or screened word without partner costs, times its share of the name.
CONFLICT: Final = 1.2
EXTRA: Final = 0.35
#: Similarity of an initial to a word that starts with it, and of a short form to its long one.
INITIAL: Final = 0.8
NICKNAME: Final = 0.9
#: Similarity of words of equal consonants when one was written without vowels.
WITHOUT_VOWELS: Final = 0.92
#: What is lost when one word alone connects two names of several words.
LONE_WORD: Final = 0.2
#: A name has a word of its own without partner from this share on; particles are below it.
SHARE_OF_NAME: Final = 0.2
#: Least similarity of a word to several written together.
JOINED: Final = 0.8
#: What is lost when the legal forms are of different kinds (a GmbH is not its AG).
LEGAL_FORM: Final = 0.05

Kind = Literal["equal", "initial", "short form", "joined", "spelling", "sound", "consonants"]


class Pair(NamedTuple):
    """A word of the screened name, its partner in the listed one, how alike (0 to 1), and in which way."""

    screened: str
    listed: str
    similarity: float
    kind: Kind


class Comparison(NamedTuple):
    """Score of a pair of names, the words that were paired, and the words that were not."""

    score: float
    pairs: tuple[Pair, ...]
    only_screened: tuple[str, ...]
    only_listed: tuple[str, ...]


#: Spellings of one sound, applied in this order.
_SOUNDS: Final = (
    *((spelling, "k") for spelling in ("tsch", "tch", "tsj", "cz", "ch", "ck", "kh", "gh", "q")),
    *((spelling, "s") for spelling in ("ce", "ci", "cy", "sch", "sh", "zh", "z")),
    *((spelling, "f") for spelling in ("ph", "v", "w")),
    ("th", "t"),
    ("dh", "d"),
    ("dj", "d"),
    ("gy", "d"),
    ("c", "k"),
    ("x", "ks"),
)
_SILENT: Final = str.maketrans("", "", "aeiouyj")
_FIRST: Final = str.maketrans("eiouj", "aaaay")


#: Letters that no replacement puts into a word: each spelling has one, and is looked for in words that have it only.
_RARE: Final = frozenset("chjqvwxyz")


@lru_cache(maxsize=512)
def _sounds_with(letters: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The spellings of one sound that words with just these of the rare letters can hold, in their order."""
    return tuple([(spelling, sound) for spelling, sound in _SOUNDS if letters.issuperset(_RARE.intersection(spelling))])


@lru_cache(maxsize=131_072)
def skeleton(word: str) -> str:
    """The consonants of a word behind its first letter, spellings of one sound folded together.

    >>> skeleton("mohammed"), skeleton("muhamad"), skeleton("wladimir")
    ('mhmd', 'mhmd', 'fldmr')
    """
    rare = _RARE.intersection(word)
    if rare:
        for spelling, sound in _sounds_with(rare):
            if spelling in word:
                word = word.replace(spelling, sound)
    bones = last = word[:1].translate(_FIRST)
    for letter in word[1:].translate(_SILENT):
        if letter != last:
            bones += letter
            last = letter
    return bones


@lru_cache(maxsize=131_072)
def abjad_skeleton(word: str) -> str:
    """The consonants as a script without vowels writes them.

    Half-vowels and a first vowel are dropped, p is written b, v and f are alike.
    """
    folded = skeleton(word.replace("vv", "v")).replace("p", "b").lstrip("ay")
    return folded[:1] + folded[1:].replace("f", "")


_distance = OSA.distance


def _different(a: str, b: str) -> tuple[float, Kind] | None:
    """Similarity of two unequal words of several letters, or None."""
    a, b = a[:WORD_MAX], b[:WORD_MAX]
    if a.isdigit() or b.isdigit():
        return None
    if NICKNAMES.get(a, a) == NICKNAMES.get(b, b):
        return NICKNAME, "short form"
    edited = 1 - _distance(a, b) / max(len(a), len(b))
    if edited >= SOUNDS_ALIKE:
        bones = skeleton(a)
        if len(bones) > 1 and bones == skeleton(b):
            return (1 + edited) / 2, "sound"
    return (edited, "spelling") if edited >= ALIKE else None


def similarity(screened: str, listed: str, abjad: bool = False) -> tuple[float, Kind] | None:
    """How alike two words are and in which way; None when they are two words."""
    if screened == listed:
        return 1.0, "equal"
    if len(screened) == 1 or len(listed) == 1:
        fits = screened[0] == listed[0] and len(screened) != len(listed)
        return (INITIAL, "initial") if fits and screened[0].isalpha() else None
    if abjad:
        bones = abjad_skeleton(screened)
        long_enough = len(bones) > 1 and max(len(screened), len(listed)) <= 2 * len(bones) + 1
        if long_enough and bones == abjad_skeleton(listed):
            return WITHOUT_VOWELS, "consonants"
    return _different(screened, listed)


def _paired(screened: list[str], listed: list[str], abjad: bool) -> list[Pair]:
    """Pair the remaining words greedily, the most alike first; both lists lose what was paired."""
    found = []
    for a in screened:
        for b in listed:
            alike = similarity(a, b, abjad)
            if alike is not None:
                found.append(Pair(a, b, *alike))
    if len(found) > 1:
        found.sort(key=lambda pair: -pair.similarity)
    pairs = []
    for pair in found:
        if pair.screened in screened and pair.listed in listed:
            screened.remove(pair.screened)
            listed.remove(pair.listed)
            pairs.append(pair)
    return pairs


@lru_cache(maxsize=65_536)
def _runs(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Two and three neighbouring words, and all of them, written together -> these words."""
    lengths = {2, 3, len(words)} if len(words) > 1 else set()
    runs = [words[at : at + length] for length in sorted(lengths) for at in range(len(words) - length + 1)]
    return {"".join(run): run for run in runs}


def _take(word: str, run: tuple[str, ...], whole: list[str], left: list[str]) -> bool:
    """Remove a word and the run that it joins from what is left; False when the run has found partners already."""
    if set(run).isdisjoint(left):
        return False
    whole.remove(word)
    for part in run:
        if part in left:
            left.remove(part)
    return True


def _written_together(whole: list[str], words: tuple[str, ...], left: list[str]) -> list[tuple[str, str, float]]:
    """Words of ``whole`` that are exactly neighbouring ``words``: (word, run, similarity)."""
    runs = _runs(words)
    return [
        (word, " ".join(runs[word]), 1.0)
        for word in list(whole)
        if word in runs and _take(word, runs[word], whole, left)
    ]


def _spelt_together(whole: list[str], words: tuple[str, ...], left: list[str]) -> list[tuple[str, str, float]]:
    """Words of ``whole`` that are spelt like neighbouring ``words`` written together."""
    found = []
    for word in [word for word in whole if len(word) > 3]:
        for together, run in _runs(words).items():
            if together[0] != word[0] or abs(len(together) - len(word)) > 2:
                continue
            alike = similarity(word, together)
            if alike is not None and alike[0] >= JOINED and _take(word, run, whole, left):
                found.append((word, " ".join(run), alike[0]))
                break
    return found


def _joins(screened: Name, listed: Name, left: list[str], missing: list[str], exact: bool) -> list[Pair]:
    """Pairs of a word on one side with several on the other; both lists lose them."""
    join = _written_together if exact else _spelt_together
    pairs = []
    if left and len(listed.tokens) > 1:
        pairs += [Pair(word, run, alike, "joined") for word, run, alike in join(left, listed.tokens, missing)]
    if missing and len(screened.tokens) > 1:
        pairs += [Pair(run, word, alike, "joined") for word, run, alike in join(missing, screened.tokens, left)]
    return pairs


def _loss(pairs: list[Pair], screened: Name, listed: Name, left: list[str], missing: list[str]) -> float:
    """What the comparison costs: imperfect pairs, words in conflict, words that one side lacks."""
    total_a, total_b = sum(screened.weights), sum(listed.weights)
    share_a, share_b = sum(map(weight, left)) / total_a, sum(map(weight, missing)) / total_b
    imperfect = sum([(1 - pair.similarity) * weight(pair.listed) for pair in pairs]) / ((total_a + total_b) / 2)
    loss = imperfect + CONFLICT * min(share_a, share_b) + EXTRA * abs(share_a - share_b)
    if max(share_a, share_b) > SHARE_OF_NAME:
        connected = sum([1 for pair in pairs if weight(pair.listed) == 1.0])
        if connected < 2:
            loss += LONE_WORD
    if screened.legal and listed.legal and screened.legal.isdisjoint(listed.legal):
        loss += LEGAL_FORM
    return loss


def compare(screened: Name, listed: Name) -> Comparison:
    """Compare two normalised names; both must have words."""
    left, missing = list(screened.tokens), list(listed.tokens)
    pairs = []
    for word in screened.tokens:
        if word in missing:
            missing.remove(word)
            left.remove(word)
            pairs.append(Pair(word, word, 1.0, "equal"))
    if left or missing:
        pairs += _joins(screened, listed, left, missing, exact=True)
    if left and missing:
        pairs += _paired(left, missing, screened.abjad or listed.abjad)
    if left and missing:
        pairs += _joins(screened, listed, left, missing, exact=False)
    if not pairs:
        return Comparison(0.0, (), tuple(left), tuple(missing))
    if left:  # a word said twice adds nothing
        left = [word for word in left if not any(word == pair.screened for pair in pairs)]
    score = max(0.0, 1 - _loss(pairs, screened, listed, left, missing))
    return Comparison(score, tuple(pairs), tuple(left), tuple(missing))
