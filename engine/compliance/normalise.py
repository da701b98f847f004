"""Names made comparable: script, case, accents, punctuation, titles and legal forms out of the way.

Rule: pure, linear in the length of the name, bounded (TEXT_MAX characters, TOKENS_MAX words), and the same for listed
and for screened names. Script goes to Latin by anyascii; ideographs and Hangul become a word a syllable. A name that
would be empty after dropping titles and legal forms keeps them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, NamedTuple

from anyascii import anyascii

from engine.compliance.words import (
    COMMON_WORDS,
    LEADING_FORMS,
    LEGAL_FORM_STARTS,
    LEGAL_FORM_WORDS_MAX,
    LEGAL_FORMS,
    PARTICLES,
    SAME_WORD,
    SCRIPT_WORDS,
    TITLES,
)

#: Longer text is cut: four lines of 35 characters and ISO's Max140Text are far below.
TEXT_MAX: Final = 280
#: More words than this are cut; the longest listed names have about 25.
TOKENS_MAX: Final = 32
#: Legal forms up to this length are also syllables and words of names (Ao, Co, Sa).
SHORT_FORM: Final = 3

_ABJAD = re.compile(r"[\u0590-\u06ff\u0750-\u077f\ufb1d-\ufdff\ufe70-\ufeff]")
#: The Arabic article, written together with its word.
_ARTICLE = re.compile(r"\b\u0627\u0644(?=\w{3})")
_SYLLABIC = re.compile(r"[\u1100-\u11ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_CAPITAL = re.compile(r"(?=[A-Z])")
#: Lower-case letters and digits, all else a blank. Bytes are translated many times faster than text.
_LETTERS = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128)).encode() + bytes(128)
#: Dropped without a gap: O'Brien is OBrien, S.A. is SA.
_TIGHT = b"'`\"."
#: Words that mean more than themselves: legal forms, titles, other spellings of one word.
_SPECIAL = LEGAL_FORM_STARTS | TITLES | SAME_WORD.keys()
_WEIGHTS: Final = dict.fromkeys(COMMON_WORDS, 0.5) | dict.fromkeys(PARTICLES, 0.15)
#: A point stands between words more often than inside one when more than one letter precedes it.
_POINT_BETWEEN = re.compile(r"(?<=[^\W\d_]{2})\.(?=[^\W\d_]{2})")


class Name(NamedTuple):
    """A name in comparable form.

    ``tokens`` are its words in order, ``weights`` how much each says (1 for a word of its own, less for particles and
    common business words), ``legal`` the classes of legal form it named, ``abjad`` that it came without vowels.
    """

    tokens: tuple[str, ...]
    weights: tuple[float, ...]
    legal: frozenset[str]
    abjad: bool


_NO_FORM: Final[frozenset[str]] = frozenset()
EMPTY: Final = Name((), (), frozenset(), False)


def _spaced(match: re.Match[str]) -> str:
    """Ideographs and Hangul: a word a syllable, as anyascii marks them by capitals."""
    words = _CAPITAL.sub(" ", anyascii(match.group())).lower().split()
    return f" {' '.join(SCRIPT_WORDS.get(word, word) for word in words)} "


def latin(text: str) -> str:
    """The text in lower-case Latin letters, digits and single blanks.

    >>> latin("Łódź-Bank S.A.")
    'lodz bank sa'
    """
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    """The words of ``latin``."""
    if not text.isascii():
        text = anyascii(_SYLLABIC.sub(_spaced, text))
    if "." in text:
        text = _POINT_BETWEEN.sub(" ", text)
    return text.encode("ascii", "replace").translate(_LETTERS, _TIGHT).decode("ascii").split()


def _legal_form(words: list[str], at: int) -> int:
    """Number of words of the longest legal form that starts at ``at``; 0 when none does.

    A form of three letters or fewer counts only where such forms stand: at the end, or, where that is usual, first.
    """
    for length in range(min(LEGAL_FORM_WORDS_MAX, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length])
        if phrase in LEGAL_FORMS:
            last = at + length == len(words)
            if len(phrase) > SHORT_FORM or last or (at == 0 and phrase in LEADING_FORMS):
                return length
    return 0


def _without_legal_forms(words: list[str]) -> tuple[list[str], frozenset[str]]:
    kept, legal, at = [], set(), 0
    while at < len(words):
        length = _legal_form(words, at) if words[at] in LEGAL_FORM_STARTS else 0
        if length:
            legal.add(LEGAL_FORMS[" ".join(words[at : at + length])])
            at += length
        else:
            kept.append(words[at])
            at += 1
    return kept, frozenset(legal)


def _numbers(words: list[str]) -> list[str]:
    """Number words as digits; tens and units that follow each other are one number."""
    words = [SAME_WORD.get(word, word) for word in words]
    for at, (tens, unit) in enumerate(pairwise(words)):
        if len(tens) == 2 and len(unit) == 1 and tens[1] == "0" and tens.isdigit() and unit.isdigit():
            words[at : at + 2] = [tens[0] + unit]
            break
    return words


def weight(token: str) -> float:
    """How much a word says about whose name it is, 0 to 1."""
    return _WEIGHTS.get(token, 1.0)


def normalise(text: str) -> Name:
    """A name as written -> its comparable form.

    >>> normalise("Mr. José MARÍA O'Neill-Santos").tokens
    ('jose', 'maria', 'oneill', 'santos')
    >>> normalise("Open Joint Stock Company Gazprom").tokens
    ('gazprom',)
    """
    text = text[:TEXT_MAX]
    abjad = not text.isascii() and _ABJAD.search(text) is not None
    words = _words(_ARTICLE.sub("al ", text) if abjad else text)[:TOKENS_MAX]
    if not words:
        return EMPTY
    if _SPECIAL.isdisjoint(words):
        return Name(tuple(words), tuple([_WEIGHTS.get(word, 1.0) for word in words]), _NO_FORM, abjad)
    kept, legal = _without_legal_forms(words) if not LEGAL_FORM_STARTS.isdisjoint(words) else (words, frozenset())
    if not TITLES.isdisjoint(kept):
        kept = [word for word in kept if word not in TITLES]
    if not kept:
        kept = words
    if not SAME_WORD.keys().isdisjoint(kept):
        kept = _numbers(kept)
    tokens = tuple(kept)
    return Name(tokens, tuple([weight(token) for token in tokens]), legal, abjad)
