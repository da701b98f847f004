"""Field 86 taken apart: the numbered subfields of German banks, code words between slashes, or plain lines.

Rule: what has a structure is given by name, nothing is guessed from plain text; the text as it stood is kept by the
caller. Keys are words: ``booking_text``, ``remittance``, ``name``, ``account``, ``bank``, ``end_to_end_id``. Sources:
Deutsche Kreditwirtschaft, DFÜ-Abkommen appendix 3 (MT 940, field 86); practice of Dutch and French banks (/EREF/).
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Subfields after a business transaction code, by their number.
_SUBFIELDS = {"00": "booking_text", "10": "journal_number", "30": "bank", "31": "account", "34": "text_key_extension"}
_REMITTANCE = frozenset([f"{number}" for number in (*range(20, 30), *range(60, 64))])
_NAMES = frozenset({"32", "33"})
#: Words that begin a part of the remittance information of SEPA payments.
_SEPA = {
    "EREF": "end_to_end_id",
    "KREF": "customer_reference",
    "MREF": "mandate_id",
    "CRED": "creditor_id",
    "DEBT": "debtor_id",
    "COAM": "compensation",
    "OAMT": "original_amount",
    "SVWZ": "remittance",
    "ABWA": "ultimate_debtor",
    "ABWE": "ultimate_creditor",
    "IBAN": "account",
    "BIC": "bank",
    "PURP": "purpose",
}
#: Words between slashes, as banks of other countries have them.
_SLASHED = {
    "EREF": "end_to_end_id",
    "PREF": "payment_reference",
    "KREF": "customer_reference",
    "CREF": "customer_reference",
    "MARF": "mandate_id",
    "MREF": "mandate_id",
    "CSID": "creditor_id",
    "REMI": "remittance",
    "NAME": "name",
    "IBAN": "account",
    "ACCT": "account",
    "BIC": "bank",
    "TRTP": "booking_text",
    "PURP": "purpose",
    "RTRN": "return_reason",
    "ULTD": "ultimate_debtor",
    "ULTC": "ultimate_creditor",
    "ULTB": "ultimate_creditor",
    "ISDT": "interchange_date",
    "ADDR": "address",
    "CNTP": "counterparty",
    "ORDP": "ordering_party",
    "BENM": "beneficiary",
    "ID": "identification",
    "OCMT": "original_amount",
    "CHGS": "charges",
    "EXCH": "exchange_rate",
    "SVCL": "service_level",
}
_STRUCTURED = re.compile(r"([0-9]{3})([^0-9A-Za-z\s])(?=[0-9]{2})")
_SEPA_WORD = re.compile(r"(?:\A|(?<=[\s?.]))(" + "|".join(_SEPA) + r")\+")
_SLASH_WORD = re.compile("/(" + "|".join(sorted(_SLASHED, key=len, reverse=True)) + ")/")


def details_of(text: str) -> dict[str, str]:
    """The named parts of an 86; empty for a plain text."""
    structured = _STRUCTURED.match(text)
    if structured is not None:
        return _numbered(structured[1], structured[2], text[structured.end(1) :].replace("\n", ""))
    if text[:1] == "/" and _SLASH_WORD.match(text):
        return _slashed(text)
    return {}


@lru_cache(maxsize=32)
def _splitter(separator: str) -> re.Pattern[str]:
    return re.compile(re.escape(separator) + "([0-9]{2})")


def _numbered(code: str, separator: str, rest: str) -> dict[str, str]:
    """Subfields: remittance information in several, the name in two, the others in one."""
    parts = _splitter(separator).split(rest)
    details = {"transaction_code": code}
    remittance: list[str] = []
    name = ""
    for number, value in zip(parts[1::2], parts[2::2], strict=True):
        if number in _REMITTANCE:
            remittance.append(value)
        elif number in _NAMES:
            name += value
        elif (key := _SUBFIELDS.get(number)) is not None and value.strip():
            details.setdefault(key, value.strip())
    if name.strip():
        details["name"] = name.strip()
    if remittance:
        _add_remittance(details, remittance)
    return details


def _add_remittance(details: dict[str, str], parts: list[str]) -> None:
    """Joined as they stand, a blank before a SEPA word; then taken apart at these."""
    joined = ""
    for part in parts:
        if joined and not joined[-1].isspace() and _SEPA_WORD.match(part) is not None:
            joined += " "
        joined += part
    words = _SEPA_WORD.split(joined)
    if words[0].strip():
        details["remittance"] = words[0].strip()
    for word, value in zip(words[1::2], words[2::2], strict=True):
        key = _SEPA[word]
        if value.strip() and (key not in details or key == "remittance"):
            details[key] = value.strip()


def _slashed(text: str) -> dict[str, str]:
    """Words between slashes; a word that comes again adds a line."""
    parts = _SLASH_WORD.split(text.replace("\n", ""))
    details: dict[str, str] = {}
    for word, value in zip(parts[1::2], parts[2::2], strict=True):
        shown = value.strip().rstrip("/") if word != "REMI" else value.strip()
        if shown:
            key = _SLASHED[word]
            details[key] = details[key] + "\n" + shown if key in details else shown
    return details
