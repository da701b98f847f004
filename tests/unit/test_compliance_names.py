"""Names are normalised, compared and found as the written pairs say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.compliance.normalise import TEXT_MAX, TOKENS_MAX, normalise
from engine.compliance.scoring import compare, similarity, skeleton
from engine.compliance.screening import Screener
from engine.compliance.synthetic import bench_list, bench_names
from engine.compliance.watchlist import Entry, ListedName, build

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors/screening/pairs.jsonl").read_text("utf-8").splitlines()
]


def listed(*names: str) -> Screener:
    entries = [Entry(id=f"T:{at}", list="T", names=(ListedName(name),)) for at, name in enumerate(names)]
    return Screener(build("test", "2026-01-01", entries))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["why"])
def test_pairs_match_or_not_as_written(pair):
    hits = listed(pair["listed"]).screen_name(pair["screened"])
    assert bool(hits) is pair["match"], [hit.reason for hit in hits]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ()),
        (" .,-' ", ()),
        ("O'Brien", ("obrien",)),
        ("A.B.C. Company", ("abc",)),
        ("Mr. José MARÍA Santos", ("jose", "maria", "santos")),
        ("Gazelle Open Joint Stock Company", ("gazelle",)),
        ("GmbH", ("gmbh",)),
        ("Dr. Prof.", ("dr", "prof")),
        ("Amber.Trade, Inc.", ("amber", "trade")),
        ("İstanbul", ("istanbul",)),
        ("김철수", ("kim", "cheol", "su")),
    ],
)
def test_normalised_words(text, tokens):
    assert normalise(text).tokens == tokens


def test_legal_forms_have_classes_and_no_words():
    assert normalise("Alba S.A.").legal == normalise("Alba OAO").legal != normalise("Alba GmbH").legal


def test_length_is_bounded():
    assert len(normalise("ab " * 5_000).tokens) <= TOKENS_MAX
    assert sum(map(len, normalise("x" * 5_000).tokens)) <= TEXT_MAX


def test_spellings_of_one_sound_have_one_skeleton():
    assert skeleton("mohammed") == skeleton("muhamad") == skeleton("mohamad")
    assert skeleton("putin") != skeleton("patel")


def test_numbers_are_not_nearly_equal():
    assert similarity("2024", "2025") is None


def test_a_comparison_says_what_has_no_partner():
    compared = compare(normalise("Viktor Ivan Drakunov"), normalise("Viktor Drakunov Melnik"))
    assert (compared.only_screened, compared.only_listed) == (("ivan",), ("melnik",))


def test_every_listed_name_is_found_among_many():
    screener = Screener(bench_list(2_000, seed=5))
    for entry in screener.watchlist.entries[::20]:
        hits = screener.screen_name(entry.primary_name)
        assert entry.id in {hit.entry_id for hit in hits}, entry.primary_name
        assert hits[0].score == pytest.approx(0.95)


def test_bench_names_are_repeatable_and_different():
    assert bench_names(500, 3) == bench_names(500, 3) != bench_names(500, 4)
    assert len(set(bench_names(500, 3))) == 500


def test_more_words_than_any_name_stay_bounded():
    screener = Screener(bench_list(2_000, seed=5))
    given = ["Mohammed Ali Ahmad Hassan Ivan Sergei Wei Ming Jean Maria John William"] * 3
    assert len(screener.screen_name(" ".join(given))) <= screener.settings.hits_max
