"""The benches' messages are the same for the same seed, valid in every field that is checked, and all different."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

import parsers
from engine.bench.banks import BANKS, Zipf, banks, iban, routing_numbers
from engine.bench.messages import Maker, nacha_ppd, pain001
from payments import BIC, IBAN, RoutingNumber

DAY = date(2026, 11, 23)


def accepted(data: bytes) -> parsers.Message:
    (message,) = parsers.parse(data)
    assert message.verdict == "accepted", message.findings
    return message


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again, other = (Maker(seed, DAY) for seed in (1, 1, 2))
    assert [first.mt103(n) for n in range(20)] == [again.mt103(n) for n in range(20)]
    assert first.pacs008(20) == again.pacs008(20)
    assert first.mt103(21) != other.mt103(21)


def test_banks_have_valid_and_different_identifiers() -> None:
    members = banks()
    assert len({BIC(bank.bic) for bank in members}) == BANKS
    assert all(IBAN(iban(bank.country, "1" * bank.bban)) for bank in members)
    assert len({RoutingNumber(number) for number in routing_numbers(200)}) == 200


def test_mt103s_are_accepted_without_a_warning_and_pay_between_members() -> None:
    maker, bics = Maker(3, DAY), {bank.bic for bank in banks()}
    uetrs = set()
    for number in range(300):
        sender, data = maker.mt103(number)
        message = accepted(data)
        assert message.type == "MT103"
        assert message.findings == ()
        assert message.sender == sender
        assert {message.sender, message.receiver} <= bics
        (payment,) = message.payments
        assert payment.value_date == DAY.isoformat()
        uetrs.add(payment.uetr)
    assert len(uetrs) == 300


def test_pacs_008s_are_accepted_without_a_warning() -> None:
    maker = Maker(4, DAY)
    for number in range(100):
        sender, data = maker.pacs008(number)
        message = accepted(data)
        assert message.type == "pacs.008.001.08"
        assert message.findings == ()
        assert message.sender == sender
        assert 2_300 <= len(data) <= 2_700


def test_statements_and_files_are_accepted() -> None:
    assert accepted(Maker(5, DAY).mt940(1, 100)).type == "MT940"
    assert len(accepted(pain001(50, 6, DAY)).payments) == 50


@pytest.mark.parametrize("count", [1, 7, 8, 250])
def test_nacha_files_add_up(count: int) -> None:
    message = accepted(nacha_ppd(count, 7, DAY))
    assert message.findings == ()
    assert len(message.payments) == count


def test_zipf_draws_the_first_place_as_often_as_its_share_says() -> None:
    import random

    zipf = Zipf(BANKS, random.Random(8))
    drawn = Counter(zipf.draw() for _ in range(50_000))
    assert drawn[0] / 50_000 == pytest.approx(zipf.share(0), abs=0.01)
    assert sum(zipf.share(place) for place in range(BANKS)) == pytest.approx(1)
    pairs = [zipf.pair() for _ in range(50_000)]
    assert all(left != right for left, right in pairs)
    paid, got = Counter(left for left, _ in pairs), Counter(right for _, right in pairs)
    assert paid[0] == pytest.approx(got[0], rel=0.05), "neither side is favoured, so that balances do not drift"
