"""Double entry in memory: postings sum to zero, sequences have no gap, floors hold; the COPY image agrees."""

from __future__ import annotations

import struct

import pytest

from ledger import Account, InvariantBrokenError, Ledger, binary


def _ledger(*balances: int, line: int = 0) -> Ledger:
    accounts = [
        Account(number, f"BANK{number}", "settlement", "EUR", balance, line, 10)
        for number, balance in enumerate(balances)
    ]
    return Ledger(accounts, next_entry=100)


def test_an_entry_has_two_postings_that_sum_to_zero_and_carry_the_balance_after() -> None:
    ledger = _ledger(500, 0)
    entries, postings = ledger.post([(b"p" * 16, "credit-transfer", 0, 1, 300)])
    assert [entry.entry_id for entry in entries] == [100]
    assert [tuple(posting) for posting in postings] == [(0, 11, 100, -300, 200), (1, 11, 100, 300, 300)]
    assert ledger.next_entry == 101


def test_what_changed_names_each_account_once_with_the_sequence_before_the_batch() -> None:
    ledger = _ledger(500, 0)
    ledger.post([(None, "a", 0, 1, 300), (None, "b", 1, 0, 50)])
    assert [(account.number, before, account.seq) for account, before in ledger.changed()] == [(0, 10, 12), (1, 10, 12)]
    ledger.committed()
    assert ledger.changed() == []


@pytest.mark.parametrize("amount", [0, -1])
def test_an_entry_without_an_amount_is_a_defect(amount: int) -> None:
    with pytest.raises(InvariantBrokenError):
        _ledger(1, 1).post([(None, "x", 0, 1, amount)])


def test_an_account_cannot_face_itself_nor_another_currency() -> None:
    ledger = _ledger(1, 1)
    with pytest.raises(InvariantBrokenError):
        ledger.post([(None, "x", 0, 0, 1)])
    ledger.add(Account(2, "US", "settlement", "USD", 0, 0, 0))
    with pytest.raises(InvariantBrokenError):
        ledger.post([(None, "x", 0, 2, 1)])


def test_only_the_end_of_a_batch_must_be_above_the_floor() -> None:
    ledger = _ledger(0, 100)
    ledger.post([(None, "x", 0, 1, 70), (None, "y", 1, 0, 80)])
    assert ledger.changed()[0][0].balance == 10
    short = _ledger(0, 100, line=60)
    short.post([(None, "x", 0, 1, 61)])
    with pytest.raises(InvariantBrokenError, match="below its credit line"):
        short.changed()


def test_a_contra_account_has_no_floor() -> None:
    ledger = _ledger(0)
    ledger.add(Account(9, "LIQUIDITY", "contra", "EUR", 0, None, 0))
    ledger.post([(None, "opening", 9, 0, 1_000)])
    assert {account.number: account.balance for account, _ in ledger.changed()} == {0: 1_000, 9: -1_000}


def test_the_image_of_postings_is_postgres_binary_copy() -> None:
    image = binary.postings_image([(7, 11, 100, -300, 200)])
    row = struct.unpack(">hiiiqiqiqiq", image[len(binary.HEADER) : -len(binary.TRAILER)])
    assert row == (5, 4, 7, 8, 11, 8, 100, 8, -300, 8, 200)


def test_text_columns_have_their_length_in_bytes_and_null_has_none() -> None:
    assert binary.text("é") == b"\x00\x00\x00\x02\xc3\xa9"
    assert binary.text(None) == binary.NULL == b"\xff\xff\xff\xff"
    assert binary.text("a\x00b") == binary.text("a\ufffdb"), "Postgres' text holds no NUL"
    assert binary.text("\ud800") == binary.text("?"), "nor half of a pair"
    cache = binary.TextCache(limit=2)
    assert [cache[word] for word in ("a", "b", "c", None)] == [binary.text(word) for word in ("a", "b", "c", None)]


def test_parameters_of_many_values_are_arrays_in_binary() -> None:
    head = struct.Struct(">iiiii")
    assert binary.bigints([5, None]) == head.pack(1, 1, 20, 2, 1) + b"\0\0\0\x08" + (5).to_bytes(8, "big") + binary.NULL
    assert binary.texts(["é", None]) == head.pack(1, 1, 25, 2, 1) + b"\0\0\0\x02\xc3\xa9" + binary.NULL
    assert binary.texts([]) == head.pack(1, 1, 25, 0, 1)
