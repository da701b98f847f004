"""The vocabulary that every package speaks: money, identifiers, parties, payments, findings.

Rule: no I/O and no import of another of our packages. A built value is a valid value: what a constructor returns
needs no second check. Names follow ISO 20022 (debtor, creditor, agent), ISO 4217, ISO 9362, ISO 13616 and Nacha.
"""

from payments.finding import Finding, Level, Severity, error, warning
from payments.identifiers import BIC, IBAN, UETR, InvalidIdentifierError, RoutingNumber
from payments.money import CURRENCIES, InvalidAmountError, Money, exponent_of
from payments.payment import Address, Agent, Original, Party, Payment, PaymentKind

__all__ = [
    "BIC",
    "CURRENCIES",
    "IBAN",
    "UETR",
    "Address",
    "Agent",
    "Finding",
    "InvalidAmountError",
    "InvalidIdentifierError",
    "Level",
    "Money",
    "Original",
    "Party",
    "Payment",
    "PaymentKind",
    "RoutingNumber",
    "Severity",
    "error",
    "exponent_of",
    "warning",
]
