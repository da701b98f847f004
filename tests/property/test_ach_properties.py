"""Whatever happens to a Nacha file, reading it ends in findings; and no digit of money changes unseen."""

from __future__ import annotations

import datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.ach import read, write_file
from payments import Agent, Money, Party, Payment, PaymentKind, RoutingNumber

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
FILES = {path.name: path.read_bytes() for path in sorted(VECTORS.glob("*.ach"))}
#: Columns (0-based) of digits that money, banks and totals hang on, by record type; international entries have them
#: in the same places.
GUARDED = {"6": [*range(3, 12), *range(29, 39)], "8": list(range(4, 44)), "9": list(range(1, 55))}


@st.composite
def flips(draw: st.DrawFn) -> bytes:
    lines = FILES[draw(st.sampled_from(sorted(FILES)))].splitlines()
    guarded = [row for row, line in enumerate(lines) if chr(line[0]) in GUARDED and line != b"9" * 94]
    row = draw(st.sampled_from(guarded))
    column = draw(st.sampled_from(GUARDED[chr(lines[row][0])]))
    digit = draw(st.integers(1, 9))
    line = bytearray(lines[row])
    line[column] = ord("0") + (line[column] - ord("0") + digit) % 10
    lines[row] = bytes(line)
    return b"\n".join(lines)


@given(flips())
@settings(max_examples=300, deadline=None)
def test_a_changed_digit_of_an_amount_a_bank_or_a_total_is_always_found(data: bytes) -> None:
    for mode in ("strict", "lenient"):
        (message,) = read(data, mode=mode)
        assert message.verdict == "rejected"


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 200))
        data[at : at + length] = draw(st.binary(max_size=200))
    return bytes(data)


@given(st.one_of(mutilated(), st.binary(max_size=2000)))
@settings(max_examples=300, deadline=None)
def test_no_input_raises(data: bytes) -> None:
    (message,) = read(data)
    assert message.verdict in ("accepted", "rejected")
    message.content()
    for payment in message.payments:
        payment.record()
    if message.verdict == "accepted":
        (again,) = read(message.write())
        assert again.payments == message.payments


def _banks() -> st.SearchStrategy[str]:
    eight = st.integers(1_000_000, 12_999_999).map(lambda number: f"{number:08}")
    return eight.map(lambda digits: digits + str(RoutingNumber.check_digit(digits)))


_TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./", min_size=1, max_size=15)


@st.composite
def entries(draw: st.DrawFn) -> list[Payment]:
    made = []
    for sequence in range(1, draw(st.integers(1, 12)) + 1):
        sender, code = draw(_banks()), draw(st.sampled_from(["22", "27", "32", "37"]))
        agents = [Agent(clearing_system="USABA", clearing_id=bank) for bank in (sender, draw(_banks()))]
        made.append(
            Payment(
                index=sequence - 1,
                kind=PaymentKind.CREDIT_TRANSFER,
                amount=Money(draw(st.integers(1, 10**10 - 1)), "USD"),
                value_date=draw(st.dates(datetime.date(2000, 1, 1), datetime.date(2099, 12, 31)).map(str)),
                transaction_id=f"{sender[:8]}{sequence:07}",
                end_to_end_id=draw(_TEXT),
                creditor=Party(name=draw(_TEXT), account=draw(_TEXT)),
                instructing_agent=agents[0],
                instructed_agent=agents[1],
                remittance=draw(st.none() | _TEXT),
                details={
                    "sec": draw(st.sampled_from(["PPD", "CCD"])),
                    "transaction_code": code,
                    "company_name": draw(_TEXT.filter(lambda text: text.strip("0") != "")),
                    "company_id": draw(st.text("123456789", min_size=10, max_size=10)),
                    "entry_description": "SUPPLIERS",
                },
            )
        )
    return made


@given(entries())
@settings(max_examples=100, deadline=None)
def test_a_written_file_is_valid_and_loses_no_cent(payments: list[Payment]) -> None:
    data = write_file(
        origin="061100211",
        destination="122000331",
        origin_name="HARBOR FIRST BANK",
        destination_name="BREZZA BANK",
        created="2607121530",
        modifier="A",
        payments=payments,
    )
    (message,) = read(data)
    assert message.findings == ()
    assert message.write() == data
    assert len(data.splitlines()) % 10 == 0
    written = {payment.transaction_id: payment for payment in message.payments}
    for payment in payments:
        again = written[payment.transaction_id]
        assert (again.amount, again.value_date, again.end_to_end_id) == (
            payment.amount,
            payment.value_date,
            payment.end_to_end_id,
        )
        assert again.instructed_agent == payment.instructed_agent
        assert again.remittance == payment.remittance
