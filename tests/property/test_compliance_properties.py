"""Properties of screening: any text is answered, a listed name is always found, small slips do not hide it."""

from __future__ import annotations

import string
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compliance.importing import birth_date
from engine.compliance.limits import meaningless
from engine.compliance.list_xml import import_eu_xml, import_ofac_xml
from engine.compliance.normalise import TOKENS_MAX, normalise
from engine.compliance.ofac import import_ofac_csv
from engine.compliance.qualifiers import birth_date_qualifier
from engine.compliance.scoring import compare
from engine.compliance.screening import Screener
from engine.compliance.synthetic import bench_list
from engine.compliance.watchlist import InvalidWatchListError, decode

SCREENER = Screener(bench_list(1_000, seed=11))
ENTRIES = st.sampled_from(SCREENER.watchlist.entries)
PERSONS = st.sampled_from(
    [entry for entry in SCREENER.watchlist.entries if normalise(entry.primary_name).legal == set()]
)
TEXT = st.text(max_size=400)


def found(name: str, entry_id: str) -> bool:
    return entry_id in {hit.entry_id for hit in SCREENER.screen_name(name)}


@given(TEXT)
def test_any_text_is_normalised_within_bounds_and_again_to_itself(text):
    name = normalise(text)
    assert len(name.tokens) <= TOKENS_MAX
    assert all(token and token == token.lower() and token.isascii() for token in name.tokens)


@given(TEXT, st.text(max_size=12), st.text(max_size=3))
@settings(deadline=None)
def test_any_text_is_screened(name, birth, country):
    hits = SCREENER.screen_name(name, birth, country)
    assert all(0 < hit.score <= 1 and hit.reason for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(TEXT, TEXT)
def test_a_comparison_is_a_score_and_of_itself_is_one(one, two):
    first, second = normalise(one), normalise(two)
    if first.tokens and second.tokens:
        assert 0 <= compare(first, second).score <= 1
    if first.tokens:
        assert compare(first, first).score == 1


@given(ENTRIES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_and_case_of_words_do_not_hide_a_listed_name(entry, rng):
    words = list(normalise(entry.primary_name).tokens)
    rng.shuffle(words)
    assert found(" ".join(words).upper(), entry.id)


@given(PERSONS, st.data())
@settings(deadline=None)
def test_one_wrong_letter_in_a_long_word_does_not_hide_a_person(entry, data):
    words = list(normalise(entry.primary_name).tokens)
    at = max(range(len(words)), key=lambda number: len(words[number]))
    place = data.draw(st.integers(1, len(words[at]) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    kind = data.draw(st.sampled_from(["insert", "delete", "replace"]))
    word = words[at]
    words[at] = word[:place] + ("" if kind == "delete" else letter) + word[place + (kind != "insert") :]
    assert found(" ".join(words), entry.id), words


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_refused(data):
    for made in (
        import_eu_xml(data),
        import_ofac_xml(data),
        import_ofac_csv(data, data, data, data, date="2026-01-01"),
    ):
        assert made.watchlist is not None or any(finding.severity == "error" for finding in made.findings)
    with suppress(InvalidWatchListError):
        assert decode(data).entries


@given(TEXT)
def test_any_text_is_a_date_or_none_and_a_name_or_meaningless(text):
    date = birth_date(text)
    assert date is None or date[:4].isdigit()
    assert meaningless(text) is None or isinstance(meaningless(text), str)
    birth_date_qualifier(text, ("1970", "1960..1965", "1970-05-04"))
