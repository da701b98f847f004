"""One entry as a Payment: who pays whom, and what a writer needs to make the entry again.

Rule: money always flows from ``debtor_agent`` to ``creditor_agent``. Whoever sends an entry pays if its code is a
credit and collects if it is a debit; that holds for forward entries and for returns, because the sender of a return is
the original receiving bank. The account in an entry is the receiver's: it is held with the receiving bank in forward
and dishonored entries, and with the sending bank in returns and contested returns. Prenotifications, zero-dollar
entries, notifications of change and accounting advices move nothing.

``details`` holds the entry's own fields by name, as text without the blanks around it; a field that is blank is left
out. ``columns_13_78`` and ``batch_header`` are there, unchanged, when the class has a layout of its own, so that a
writer loses nothing; ``reject`` is the return code with which a refused entry goes back to its
sender and ``reject_text`` the rule that it breaks.
Source: Nacha Operating Rules, Appendix Three; account ownership as in Appendix Four for returns.
"""

from __future__ import annotations

from functools import lru_cache

from parsers.ach.codes import DISHONORED_REASONS, SEC_CODES
from parsers.ach.entries import Entry
from parsers.ach.layouts import ENTRY, addenda_layout, entry_layout
from payments import Address, Agent, Money, Original, Party, Payment, PaymentKind, RoutingNumber

CLEARING_SYSTEM = "USABA"
CURRENCY = "USD"
#: The return code with which an entry is refused, and the rule that it breaks.
Reject = tuple[str, str]
_FORWARD_KINDS = {False: PaymentKind.CREDIT_TRANSFER, True: PaymentKind.DIRECT_DEBIT}


@lru_cache(maxsize=4096)
def agent_of(routing: str) -> Agent:
    """The bank with these eight or nine digits; the check digit is added to eight."""
    if len(routing) == 8 and routing.isdecimal():
        routing += str(RoutingNumber.check_digit(routing))
    return Agent(clearing_system=CLEARING_SYSTEM, clearing_id=routing)


def _given(**fields: str) -> dict[str, str]:
    return {name: text.strip() for name, text in fields.items() if text.strip()}


class BatchPayments:
    """Builds the payments of one batch; what they share is made once."""

    __slots__ = ("_company", "_own_layout", "_sec", "_sender", "_shared", "_value_date")

    def __init__(self, header: str, sec: str, value_date: str | None) -> None:
        self._sec = sec
        self._value_date = value_date
        self._sender = agent_of(header[79:87])
        international = sec == "IAT"
        name = "" if international else header[4:20]
        self._company = Party(name=name.strip() or None, identification=header[40:50].strip() or None)
        self._own_layout = entry_layout(sec) is not ENTRY
        self._shared = _given(
            sec=sec,
            service_class=header[1:4],
            company_name=name,
            company_id=header[40:50],
            entry_description=header[53:63],
            batch=header[87:94],
            effective_date=header[69:75] if value_date is None else "",
        )
        if international or header[4:10] == "IATCOR":
            self._shared["batch_header"] = header
        else:
            status = header[78] if header[78] != "1" else ""
            self._shared.update(
                _given(
                    company_discretionary=header[20:40],
                    descriptive_date=header[63:69],
                    settlement_date=header[75:78],
                    originator_status=status,
                )
            )

    def build(self, entry: Entry, index: int, reject: Reject | None) -> Payment:
        """The payment of one entry, with its place in the file and the code with which it is refused, if any."""
        record, code, sender = entry.record, entry.code, self._sender
        trace = record[79:94]
        receiver = agent_of(record[3:12])
        details = self._details(entry, trace)
        if reject is not None:
            details["reject"], details["reject_text"] = reject
        returning = entry.answer is not None and _sent_by_receiving_bank(entry.answer)
        holder, individual_id = self._holder(entry)
        # The holder banks with the receiving bank, or with the sender of a return: who pays follows from the code.
        sender_pays = not code.debit
        if sender_pays:
            debtor_agent, creditor_agent = sender, receiver
        else:
            debtor_agent, creditor_agent = receiver, sender
        holder_pays = sender_pays is returning
        company = self._originator(entry)
        return Payment(
            index=index,
            kind=_kind(entry, self._sec),
            amount=Money(entry.amount, CURRENCY),
            value_date=self._value_date,
            end_to_end_id=individual_id,
            transaction_id=trace,
            debtor=holder if holder_pays else company,
            debtor_agent=debtor_agent,
            creditor=company if holder_pays else holder,
            creditor_agent=creditor_agent,
            instructing_agent=sender,
            instructed_agent=receiver,
            remittance=_remittance(entry) if entry.addenda else None,
            local_instrument=self._sec,
            original=_original(entry.answer, self._sec) if entry.answer is not None else None,
            details=details,
        )

    def _details(self, entry: Entry, trace: str) -> dict[str, str]:
        record = entry.record
        details = {
            **self._shared,
            "transaction_code": entry.code.code,
            "account_type": entry.code.account,
            "trace": trace,
        }
        if self._own_layout:
            details["columns_13_78"] = record[12:78]
        else:
            individual_id = record[39:54].rstrip()
            if individual_id:
                details["individual_id"] = individual_id
            discretionary = record[76:78]
            if discretionary != "  ":
                details["discretionary"] = discretionary
            if record[12] == " ":  # an account number with leading blanks is another one than without
                details["account"] = record[12:29]
        if entry.addenda:
            details["addenda"] = "\n".join(entry.addenda)
        return details

    def _holder(self, entry: Entry) -> tuple[Party, str | None]:
        """The receiver of the entry, and the originator's reference to him."""
        record = entry.record
        if not self._own_layout:
            reference = record[39:54].strip() or None
            return Party(name=record[54:76].strip() or None, account=record[12:29].strip() or None), reference
        if self._sec == "IAT":
            return _international_holder(entry), None
        values = entry_layout(self._sec).values(record)
        reference = values.get("individual_id") or values.get("check_serial") or values.get("original_trace")
        return Party(name=values.get("name") or None, account=values["account"] or None), reference or None

    def _originator(self, entry: Entry) -> Party:
        if self._sec != "IAT":
            return self._company
        parts = _international(entry)
        address = _address(
            parts.get("originator_street", ""),
            parts.get("originator_city_state", ""),
            parts.get("originator_country_postal", ""),
        )
        name = parts.get("originator_name") or None
        return Party(name=name, address=address, identification=self._company.identification)


def _kind(entry: Entry, sec: str) -> PaymentKind:
    if sec == "ADV":
        return PaymentKind.NOTIFICATION
    if entry.answer is not None:
        return PaymentKind.NOTIFICATION if entry.answer[1:3] == "98" else PaymentKind.RETURN
    if sec == "COR":
        return PaymentKind.NOTIFICATION
    allowed = SEC_CODES.get(sec)
    if entry.amount == 0 or entry.code.use in ("prenote", "zero") or (allowed is not None and allowed.zero_only):
        return PaymentKind.PRENOTE
    return _FORWARD_KINDS[entry.code.debit]


def _sent_by_receiving_bank(answer: str) -> bool:
    """Returns, contested returns and notifications come from the original receiving bank; dishonored returns and
    refused notifications come from the original sender.
    """
    reason = answer[3:6]
    return reason not in DISHONORED_REASONS and not "C61" <= reason <= "C69"


def _remittance(entry: Entry) -> str | None:
    text = "".join(record[3:83] for record in entry.addenda if record[1:3] in ("05", "17")).strip()
    return text or None


def _original(answer: str, sec: str) -> Original:
    values = addenda_layout(answer, sec).values(answer)
    text = values.get("information") or values.get("corrected_data")
    return Original(
        transaction_id=values["original_trace"] or None,
        reason_code=values["reason"] or None,
        reason_text=text or None,
    )


def _international(entry: Entry) -> dict[str, str]:
    """The named fields of addenda 10 to 16 in one table."""
    parts: dict[str, str] = {}
    for record in entry.addenda:
        if "10" <= record[1:3] <= "16":
            parts.update(addenda_layout(record, "IAT").values(record))
    return parts


def _international_holder(entry: Entry) -> Party:
    parts = _international(entry)
    address = _address(
        parts.get("receiver_street", ""),
        parts.get("receiver_city_state", ""),
        parts.get("receiver_country_postal", ""),
    )
    return Party(
        name=parts.get("name") or None,
        account=entry.record[39:74].strip() or None,
        address=address,
        identification=parts.get("receiver_id") or None,
    )


def _address(street: str, city_state: str, country_postal: str) -> Address | None:
    """An address whose parts are separated by ``*`` and ended by a backslash (Appendix Three, addenda 12 and 16)."""
    city, _, state = city_state.rstrip("\\").partition("*")
    country, _, postal = country_postal.rstrip("\\").partition("*")
    if not (street or city or country):
        return None
    return Address(
        street=street or None,
        postal_code=postal.strip() or None,
        town=city.strip() or None,
        country_subdivision=state.strip() or None,
        country=country.strip() or None,
    )
