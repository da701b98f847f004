"""Scheme profiles: which message goes where, and that every row is whole."""

import re
from zoneinfo import ZoneInfo

import pytest

from payments import exponent_of
from settlement.calendar import CALENDARS
from settlement.schemes import BOOK_CURRENCY, BOOKS, SCHEMES, scheme_for


@pytest.mark.parametrize(
    ("format_", "type_", "named", "currency", "expected"),
    [
        ("swift-mt", "MT103", None, "EUR", "EUR-RTGS"),
        ("swift-mt", "MT202COV", None, "EUR", "EUR-RTGS"),
        ("swift-mt", "MT202", None, "USD", "USD-RTGS"),
        ("swift-mt", "MT103", None, "CHF", None),
        ("swift-mt", "MT940", None, "EUR", None),
        ("iso20022", "pacs.008.001.08", None, "EUR", "EUR-RTGS"),
        ("iso20022", "pacs.008.001.12", "SCT-INST", "EUR", "EUR-INST"),
        ("iso20022", "pacs.008.001.08", "EUR-INST", "EUR", "EUR-INST"),
        ("iso20022", "pacs.008.001.08", "SCT-INST", "USD", None),
        ("iso20022", "pacs.009.001.08", "SCT-INST", "EUR", None),
        ("iso20022", "pacs.008.001.08", "CBPR+", "USD", "USD-RTGS"),
        ("iso20022", "pacs.009.001.08", None, "EUR", "EUR-RTGS"),
        ("iso20022", "pacs.004.001.09", None, "EUR", "EUR-RTGS"),
        ("iso20022", "camt.053.001.08", None, "EUR", None),
        ("ach", "NACHA", None, "USD", "USD-ACH"),
        ("ach", "PPD", "USD-ACH", "USD", "USD-ACH"),
        ("ach", "PPD", None, "EUR", None),
        (None, None, None, "EUR", None),
    ],
)
def test_scheme_for(format_, type_, named, currency, expected):
    scheme = scheme_for(format_, type_, named, currency)
    assert (scheme.name if scheme else None) == expected


def test_books_keep_their_partition():
    assert BOOKS == ("EUR-RTGS", "EUR-INST", "USD-ACH", "USD-RTGS")
    assert BOOK_CURRENCY == {"EUR-RTGS": "EUR", "EUR-INST": "EUR", "USD-ACH": "USD", "USD-RTGS": "USD"}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_is_whole(name):
    scheme = SCHEMES[name]
    assert set(scheme.books) <= set(BOOKS)
    assert scheme.calendar in CALENDARS
    assert ZoneInfo(scheme.zone)
    assert exponent_of(scheme.currency) == 2
    assert 0 < scheme.minimum < scheme.maximum < 10**18
    codes = [getattr(scheme.codes, slot) for slot in scheme.codes.__slots__]
    pattern = r"R\d\d" if "ach" in scheme.accepts else r"[A-Z]{2}[A-Z0-9]{2}"
    assert all(re.fullmatch(pattern, code) for code in codes)
    if scheme.customer_cut_off is not None:
        assert scheme.customer_cut_off <= scheme.interbank_cut_off


def test_instant_payments_never_wait():
    scheme = SCHEMES["SCT-INST"]
    assert scheme is SCHEMES["EUR-INST"]
    assert not scheme.may_wait
    assert (scheme.time_out_seconds, scheme.party_screening) == (10, "own-lists")
    assert scheme.books == ("EUR-INST", "EUR-RTGS")
