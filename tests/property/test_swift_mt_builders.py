"""What is built from any payment or statement passes the reader in strict mode and says what it was built from."""

import itertools
import string
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.swift_mt import builder, read
from parsers.swift_mt.builder import Letterhead
from parsers.swift_mt.statement_builder import statement_pages
from payments import Address, Agent, Money, Original, Party, Payment, PaymentKind
from payments.statement import Balance, Entry, Statement, Totals

HEAD = Letterhead("LINDSESSXXX", "OAKBGB2LXXX", "2026-11-24T08:00:00Z", 7, "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94")
X = string.ascii_letters + string.digits + "/-?:().,'+ "
text = st.text(max_size=80) | st.text(X + "\n", max_size=80)
reference = st.text(X, max_size=20)
account = st.text(string.ascii_letters + string.digits + "/-.", min_size=1, max_size=34).filter(
    lambda number: number.strip("/")
)
bic = st.sampled_from(["NORDSESSXXX", "BARCGB22XXX", "ELMBGB2L123"])
day = st.dates(min_value=date(2000, 1, 1), max_value=date(2079, 12, 31))
currency = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
clearing = st.tuples(st.sampled_from(["USABA", "GBDSC"]), st.text(string.digits, min_size=6, max_size=9))


@st.composite
def money(draw, code=currency):
    return Money(draw(st.integers(1, 99_999_999_999)), draw(code))


addresses = st.builds(
    Address,
    lines=st.lists(text, max_size=3).map(tuple),
    street=st.none() | text,
    postal_code=st.none() | text,
    town=st.none() | text,
    country=st.sampled_from([None, "SE", "GB", "ZZ"]),
)
customers = st.builds(Party, name=text, account=st.none() | account, address=st.none() | addresses) | st.builds(
    Party, account=st.none() | account, bic=bic
)
agents = (
    st.builds(Agent, bic=bic, account=st.none() | account)
    | st.builds(Agent, name=text, address=st.none() | addresses)
    | clearing.map(lambda each: Agent(clearing_system=each[0], clearing_id=each[1]))
)
banks = st.builds(Party, bic=bic, account=st.none() | account) | st.builds(Party, name=text, address=addresses)
payments = st.builds(
    Payment,
    index=st.just(0),
    kind=st.just(PaymentKind.CREDIT_TRANSFER),
    amount=money(),
    value_date=day.map(str),
    instruction_id=reference,
    end_to_end_id=st.none() | reference,
    charge_bearer=st.sampled_from([None, "DEBT", "SHAR", "CRED"]),
    instructed_amount=st.none() | money(),
    debtor=customers,
    debtor_agent=st.none() | agents,
    creditor=customers,
    creditor_agent=agents,
    intermediaries=st.lists(agents, max_size=1).map(tuple),
    remittance=st.none() | text,
)


def strict(data: bytes):
    (message,) = read(data, mode="strict")
    assert [finding.code for finding in message.findings if finding.severity == "error"] == []
    assert message.write() == data
    return message


def built(make, *arguments, **options):
    """None for what the message cannot say: a rate that has no room."""
    try:
        return make(*arguments, **options)
    except ValueError as refusal:
        if "the rate from" not in str(refusal):
            raise
        return None


@given(payments)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_customer_transfers(payment):
    data = built(builder.customer_transfer, payment, HEAD)
    if data is None:
        return
    message = strict(data)
    (found,) = message.payments
    assert (message.type, found.amount, found.value_date) == ("MT103", payment.amount, payment.value_date)
    assert found.instructed_amount == (payment.instructed_amount or payment.amount)
    assert found.charge_bearer == (payment.charge_bearer or "SHAR")
    for mine, theirs in ((payment.debtor, found.debtor), (payment.creditor, found.creditor)):
        assert theirs.account == mine.account
        assert theirs.bic == mine.bic
    if payment.creditor_agent.bic is not None:
        assert found.creditor_agent.bic == payment.creditor_agent.bic


@given(payments, st.sampled_from(["RJCT", None]), st.none() | reference, st.none() | text)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_returns(payment, status, of, why):
    fields = {each: getattr(payment, each) for each in payment.__struct_fields__}
    original = Original(instruction_id=of, reason_code="AC01", reason_text=why, status=status)
    data = built(
        builder.customer_transfer, Payment(**{**fields, "kind": PaymentKind.RETURN, "original": original}), HEAD
    )
    if data is not None:
        (found,) = strict(data).payments
        assert found.kind is PaymentKind.RETURN
        assert (found.original.status, found.original.reason_code) == (status, "AC01")
        assert (found.debtor.account, found.creditor.account) == (payment.debtor.account, payment.creditor.account)


@given(payments, banks, banks, st.sampled_from(["202", "205"]))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_bank_transfers(payment, debtor, creditor, kind):
    fields = {each: getattr(payment, each) for each in payment.__struct_fields__}
    between = Payment(**{**fields, "debtor": debtor, "creditor": creditor})
    message = strict(builder.bank_transfer(between, HEAD, message_type=kind))
    (found,) = message.payments
    assert (message.type, found.amount) == (f"MT{kind}", payment.amount)
    if creditor.bic is not None:
        assert found.creditor.bic == creditor.bic


@given(payments, st.sampled_from(["202", "205"]))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_cover_payments(payment, kind):
    message = strict(builder.bank_transfer(payment, HEAD, message_type=kind, cover=True))
    (found,) = message.payments
    assert (message.type, found.amount) == (f"MT{kind}COV", payment.amount)
    assert (found.debtor.account, found.creditor.account) == (payment.debtor.account, payment.creditor.account)


@st.composite
def statements(draw):
    code = draw(currency)
    entries = draw(
        st.lists(
            st.builds(
                Entry,
                amount=st.integers(-99_999_999, 99_999_999).map(lambda minor: Money(minor, code)),
                value_date=day.map(str),
                booking_date=st.none() | day.map(str),
                reversal=st.booleans(),
                status=st.sampled_from(["BOOK", "PDNG"]),
                transaction_code=st.sampled_from([None, "NTRF", "S103", "bad"]),
                reference=st.none() | reference,
                servicer_reference=st.none() | reference,
                supplement=st.none() | text,
                information=st.none() | text,
            ),
            max_size=40,
        )
    )
    opening = draw(st.integers(-(10**10), 10**10))
    closing = opening + sum(entry.amount.minor for entry in entries)
    today = draw(day.map(str))
    balances = [
        Balance("OPBD", Money(opening, code), today),
        Balance("CLBD", Money(closing, code), today),
        Balance("CLAV", Money(closing, code), today),
    ]
    return Statement(
        message_id=draw(reference),
        related_reference=draw(st.none() | reference),
        account=draw(account),
        account_owner=draw(st.none() | bic),
        currency=code,
        number=draw(st.none() | st.integers(0, 99_999)),
        created="2026-11-24T15:30:00+01:00",
        balances=tuple(balances),
        entries=tuple(entries),
        debits=Totals(*_sums(entries, code, debit=True)),
        credits=Totals(*_sums(entries, code, debit=False)),
        information=draw(st.none() | text),
    )


def _sums(entries, code, *, debit):
    chosen = [entry.amount.minor for entry in entries if (entry.amount.minor < 0) == debit]
    return len(chosen), Money(sum(chosen), code)


@pytest.mark.parametrize("kind", ["940", "942", "950"])
@given(statement=statements())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_statements_page_by_page(kind, statement):
    pages = [strict(page) for page in statement_pages(statement, HEAD, message_type=kind)]
    found = [message.statements()[0] for message in pages]
    assert [message.type for message in pages] == [f"MT{kind}"] * len(pages)
    assert [each.page for each in found] == list(range(1, len(pages) + 1))
    amounts = [entry.amount for each in found for entry in each.entries]
    assert amounts == [entry.amount for entry in statement.entries]
    assert [message.findings for message in pages] == [()] * len(pages)
    if kind != "942":
        assert found[0].balance("OPBD").amount == statement.balance("OPBD").amount
        assert found[-1].balance("CLBD").amount == statement.balance("CLBD").amount
        assert [each.last_page for each in found] == [False] * (len(found) - 1) + [True]
        for before, after in itertools.pairwise(found):
            assert before.balance("CLBD").amount == after.balance("OPBD").amount


def test_what_cannot_be_said_is_refused_with_the_rule():
    with pytest.raises(ValueError, match="closing balance is"):
        statement_pages(
            Statement(
                account="1",
                balances=(
                    Balance("OPBD", Money(1, "EUR"), "2026-11-24"),
                    Balance("CLBD", Money(2, "EUR"), "2026-11-24"),
                ),
            ),
            HEAD,
        )
    with pytest.raises(ValueError, match="needs amount"):
        builder.customer_transfer(Payment(index=0, kind=PaymentKind.CREDIT_TRANSFER), HEAD)
    with pytest.raises(ValueError, match="T13"):
        builder.compose("199", [("20", "A")], HEAD)
