"""List files are read and written without loss, versions follow the content, broken files are refused by line."""

from __future__ import annotations

import msgspec
import pytest

from engine.compliance.watchlist import (
    Entry,
    Identifier,
    InvalidWatchListError,
    ListedName,
    build,
    decode,
    encode,
    merge,
    synthetic_list,
)


def entry(number: int, name: str = "Alba Norda") -> Entry:
    return Entry(id=f"T:{number}", list="T", names=(ListedName(name),))


def test_a_file_holds_everything():
    full = Entry(
        id="T:9",
        list="T",
        programme="P",
        type="vessel",
        names=(ListedName("Añil"), ListedName("青", "weak")),
        birth_dates=("1960..1965", "1970-05"),
        countries=("PT",),
        identifiers=(Identifier("IMO", "9990017", "PA"),),
        bics=("ALBADEFF",),
        measure="refer",
    )
    made = build("source", "2026-11-01", [full, entry(1)], {"a.csv": "00"})
    assert decode(encode(made)) == made


def test_the_version_follows_the_entries_and_not_their_order():
    one, two = build("a", "2026-01-01", [entry(1), entry(2)]), build("b", "2026-02-02", [entry(2), entry(1)])
    assert one.version == two.version != build("a", "2026-01-01", [entry(1), entry(3)]).version


def test_an_entry_changes_its_version_with_any_of_its_data():
    changed = msgspec.structs.replace(entry(1), countries=("FR",))
    assert entry(1).version == entry(1).version != changed.version


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"{}\n", "line 1"),
        (b"\xff\xfe\n", "line 1"),
        (encode(build("s", "d", [entry(1)])).replace(b'"format_version":1', b'"format_version":2'), "version 2"),
        (encode(build("s", "d", [entry(1), entry(2)])).rsplit(b"\n", 2)[0] + b"\n", "announces 2 entries and 1"),
        (encode(build("s", "d", [])), "announces 0"),
        (encode(build("s", "d", [entry(1)])).replace(b'"names":[{', b'"names":[],"x":[{'), "line 2"),
        (encode(build("s", "d", [entry(1), entry(2)])).replace(b"T:2", b"T:1"), "occurs twice"),
    ],
)
def test_broken_files_are_refused_with_the_place(data, message):
    with pytest.raises(InvalidWatchListError, match=message):
        decode(data)


@pytest.mark.parametrize("date", ["", "70", "1970-1-1", "1970..80", "01.01.1970"])
def test_birth_dates_have_known_forms(date):
    with pytest.raises(ValueError, match="birth date"):
        Entry(id="T:1", list="T", names=(ListedName("A"),), birth_dates=(date,))


def test_lists_merge_unless_their_ids_clash():
    one, two = build("a", "2026-01-01", [entry(1)]), build("b", "2026-02-02", [entry(2)])
    assert [merged.id for merged in merge([one, two]).entries] == ["T:1", "T:2"]
    with pytest.raises(InvalidWatchListError, match="occurs twice"):
        merge([one, one])


def test_the_list_that_ships_is_whole():
    shipped = synthetic_list()
    assert len(shipped.entries) == 40
    assert {one.type for one in shipped.entries} == {"person", "organisation", "vessel", "aircraft"}
    assert any(one.bics for one in shipped.entries)
    assert {one.measure for one in shipped.entries} == {"block", "refer"}
