"""The code sets of Nacha: transaction codes, service classes, Standard Entry Classes, return and change codes.

Rule: what a code means is said here once, as data; the second digit of a transaction code decides whether an entry
counts as credit or debit, returns included. Source: Nacha Operating Rules, Appendix Three (codes) and Four (returns).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Use = Literal["live", "return", "prenote", "zero", "advice"]


class TransactionCode(NamedTuple):
    """``debit``: counts in the debit totals, the receiver's bank pays; ``account``: what the receiver holds."""

    code: str
    debit: bool
    account: str
    use: Use


_ACCOUNTS = {"2": "checking", "3": "savings", "4": "general-ledger", "5": "loan"}
_USES: dict[str, tuple[bool, Use]] = {
    "1": (False, "return"),
    "2": (False, "live"),
    "3": (False, "prenote"),
    "4": (False, "zero"),
    "6": (True, "return"),
    "7": (True, "live"),
    "8": (True, "prenote"),
    "9": (True, "zero"),
}
#: A loan account takes debits only to undo a credit: 55, and 56 for its return.
_LOAN = {"51": "1", "52": "2", "53": "3", "54": "4", "55": "7", "56": "6"}


def _transaction_codes() -> dict[str, TransactionCode]:
    table = {}
    for first, account in _ACCOUNTS.items():
        for second in "12346789":
            if first != "5":
                table[first + second] = TransactionCode(first + second, *_reordered(account, second))
    for code, meaning in _LOAN.items():
        table[code] = TransactionCode(code, *_reordered("loan", meaning))
    for number in range(81, 89):
        table[str(number)] = TransactionCode(str(number), number % 2 == 0, "advice", "advice")
    return table


def _reordered(account: str, second: str) -> tuple[bool, str, Use]:
    debit, use = _USES[second]
    return debit, account, use


TRANSACTION_CODES: dict[str, TransactionCode] = _transaction_codes()

#: Service class -> which directions the batch may hold.
SERVICE_CLASSES: dict[str, str] = {"200": "mixed", "220": "credits", "225": "debits", "280": "advices"}


class EntryClass(NamedTuple):
    """What a Standard Entry Class allows. ``directions`` holds C, D or both; ``addenda`` the type it may carry."""

    code: str
    title: str
    directions: str
    addenda: str
    most_addenda: int
    counted: bool = False
    zero_only: bool = False
    zero_codes: bool = False
    most_cents: int | None = None
    #: Fields that may not be blank (rule R26).
    mandatory: tuple[str, ...] = ()


_CHECK_LIMIT = 25_000_00
_MANY = 9_999
SEC_CODES: dict[str, EntryClass] = {
    row.code: row
    for row in (
        EntryClass("ACK", "acknowledgement of a CCD", "C", "05", 1, zero_only=True, zero_codes=True),
        EntryClass("ADV", "operator's accounting advice", "CD", "", 0),
        EntryClass("ARC", "check sent to a lockbox", "D", "", 0, most_cents=_CHECK_LIMIT, mandatory=("check_serial",)),
        EntryClass("ATX", "acknowledgement of a CTX", "C", "05", 1, counted=True, zero_only=True, zero_codes=True),
        EntryClass("BOC", "check at the back office", "D", "", 0, most_cents=_CHECK_LIMIT, mandatory=("check_serial",)),
        EntryClass("CCD", "corporate credit or debit", "CD", "05", 1, zero_codes=True),
        EntryClass("CIE", "consumer's own credit", "C", "05", 1, mandatory=("name", "individual_id")),
        EntryClass("COR", "notification of change", "CD", "98", 1, zero_only=True),
        EntryClass("CTX", "corporate trade exchange", "CD", "05", _MANY, counted=True, zero_codes=True),
        EntryClass("DNE", "death notification", "C", "05", 1, zero_only=True),
        EntryClass("ENR", "automated enrolment", "CD", "05", _MANY, counted=True, zero_only=True),
        EntryClass("IAT", "international transaction", "CD", "10", 12, counted=True, zero_codes=True),
        EntryClass("MTE", "machine transfer", "CD", "02", 1, mandatory=("name", "individual_id")),
        EntryClass(
            "POP",
            "check at the point of purchase",
            "D",
            "",
            0,
            most_cents=_CHECK_LIMIT,
            mandatory=("check_serial", "terminal_city", "terminal_state"),
        ),
        EntryClass("POS", "point of sale", "CD", "02", 1, mandatory=("card_transaction_type",)),
        EntryClass("PPD", "prearranged payment or deposit", "CD", "05", 1),
        EntryClass("RCK", "re-presented check", "D", "", 0, mandatory=("check_serial",)),
        EntryClass(
            "SHR",
            "shared network",
            "CD",
            "02",
            1,
            mandatory=("card_expiry", "document_reference", "card_account", "card_transaction_type"),
        ),
        EntryClass("TEL", "debit authorised by telephone", "D", "", 0, mandatory=("name",)),
        EntryClass("TRC", "truncated check", "D", "", 0),
        EntryClass("TRX", "truncated checks exchange", "D", "05", _MANY, counted=True),
        EntryClass(
            "WEB", "debit authorised on the internet, person-to-person credit", "CD", "05", 1, mandatory=("name",)
        ),
        EntryClass("XCK", "destroyed check", "D", "", 0, mandatory=("check_serial",)),
    )
}
#: Card transaction types of POS and SHR (columns 77-78).
CARD_TRANSACTION_TYPES = frozenset({"01", "02", "03", "11", "12", "13", "21", "22", "23", "99"})


def _numbered(prefix: str, *ranges: tuple[int, int]) -> frozenset[str]:
    return frozenset(f"{prefix}{number:02}" for first, last in ranges for number in range(first, last + 1))


DISHONORED_REASONS = _numbered("R", (61, 62), (67, 70))
CONTESTED_REASONS = _numbered("R", (71, 77))
#: R90 (obligations of the receiving bank under sanctions law) is valid from 2028-03-17; the caller knows the date.
RETURN_REASONS = (
    _numbered("R", (1, 47), (50, 53), (80, 85), (90, 90)) - {"R48", "R49"} | DISHONORED_REASONS | CONTESTED_REASONS
)
CHANGE_CODES = _numbered("C", (1, 14))
REFUSED_CHANGE_CODES = _numbered("C", (61, 69))
#: Addenda that every international entry carries, once each and in this order.
IAT_MANDATORY_ADDENDA = ("10", "11", "12", "13", "14", "15", "16")
