"""Where each field of each Nacha record stands: layouts as rows of data.

Rule: every layout covers columns 1 to 94 without gap or overlap, so that reading and writing a record by its rows loses
nothing. Columns are 1-based and inclusive, as the Nacha Operating Rules print them (Appendix Three); ``kind`` is N
(numeric, right-justified, zero-filled), A (alphameric, left-justified, blank-filled) or B (reserved, blank).
"""

from __future__ import annotations

from typing import NamedTuple

RECORD_LENGTH = 94
RECORDS_PER_BLOCK = 10
FILLER = "9" * RECORD_LENGTH


class Field(NamedTuple):
    """One field: columns ``first`` to ``last``, both included."""

    name: str
    first: int
    last: int
    kind: str

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.last - self.first + 1


class Layout:
    """The fields of one kind of record, in the order of their columns."""

    __slots__ = ("_columns", "fields", "name")

    def __init__(self, name: str, fields: tuple[Field, ...]) -> None:
        self.name = name
        self.fields = fields
        self._columns = {field.name: slice(field.first - 1, field.last) for field in fields}

    def columns(self, field: str) -> slice:
        """Where to cut ``field`` out of a record."""
        return self._columns[field]

    def values(self, record: str) -> dict[str, str]:
        """Every field that means something, without the blanks around it."""
        return {field.name: record[field.first - 1 : field.last].strip() for field in self.fields if field.kind != "B"}

    def build(self, values: dict[str, object]) -> str:
        """A record of 94 columns. A numeric field that is missing is zeros, any other is blank; a value too wide for
        its field is cut if alphameric and is a ValueError if numeric (an amount must never lose a digit).
        """
        parts = []
        for field in self.fields:
            text = str(values.get(field.name, ""))
            if field.kind != "N":
                parts.append(text[: field.width].ljust(field.width))
            elif len(text) > field.width:
                raise ValueError(f"{self.name}: {text} does not fit the {field.width} columns of {field.name}")
            else:
                parts.append(text.rjust(field.width, "0"))
        return "".join(parts)


def _layout(name: str, rows: str) -> Layout:
    fields = []
    for row in rows.split():
        field, columns, kind = row.split(":")
        first, _, last = columns.partition("-")
        fields.append(Field(field, int(first), int(last or first), kind))
    return Layout(name, tuple(fields))


FILE_HEADER = _layout(
    "file header",
    """record_type:1:N priority_code:2-3:N immediate_destination:4-13:A immediate_origin:14-23:A
    creation_date:24-29:A creation_time:30-33:A file_id_modifier:34:A record_size:35-37:N blocking_factor:38-39:N
    format_code:40:N destination_name:41-63:A origin_name:64-86:A reference_code:87-94:A""",
)
FILE_CONTROL = _layout(
    "file control",
    """record_type:1:N batch_count:2-7:N block_count:8-13:N entry_addenda_count:14-21:N entry_hash:22-31:N
    total_debit:32-43:N total_credit:44-55:N reserved:56-94:B""",
)
FILE_CONTROL_ADV = _layout(
    "file control (ADV)",
    """record_type:1:N batch_count:2-7:N block_count:8-13:N entry_addenda_count:14-21:N entry_hash:22-31:N
    total_debit:32-51:N total_credit:52-71:N reserved:72-94:B""",
)
BATCH_HEADER = _layout(
    "batch header",
    """record_type:1:N service_class:2-4:N company_name:5-20:A company_discretionary:21-40:A company_id:41-50:A
    sec:51-53:A entry_description:54-63:A descriptive_date:64-69:A effective_date:70-75:A settlement_date:76-78:A
    originator_status:79:A odfi:80-87:N batch_number:88-94:N""",
)
BATCH_HEADER_IAT = _layout(
    "batch header (IAT)",
    """record_type:1:N service_class:2-4:N iat_indicator:5-20:A foreign_exchange_indicator:21-22:A
    foreign_exchange_reference_indicator:23:A foreign_exchange_reference:24-38:A destination_country:39-40:A
    company_id:41-50:A sec:51-53:A entry_description:54-63:A originating_currency:64-66:A destination_currency:67-69:A
    effective_date:70-75:A settlement_date:76-78:A originator_status:79:A odfi:80-87:N batch_number:88-94:N""",
)
BATCH_CONTROL = _layout(
    "batch control",
    """record_type:1:N service_class:2-4:N entry_addenda_count:5-10:N entry_hash:11-20:N total_debit:21-32:N
    total_credit:33-44:N company_id:45-54:A authentication_code:55-73:A reserved:74-79:B odfi:80-87:N
    batch_number:88-94:N""",
)
BATCH_CONTROL_ADV = _layout(
    "batch control (ADV)",
    """record_type:1:N service_class:2-4:N entry_addenda_count:5-10:N entry_hash:11-20:N total_debit:21-40:N
    total_credit:41-60:N operator_data:61-79:A odfi:80-87:N batch_number:88-94:N""",
)

_ENTRY_HEAD = "record_type:1:N transaction_code:2-3:N rdfi:4-11:N check_digit:12:N account:13-29:A amount:30-39:N "
_ENTRY_TAIL = " addenda_indicator:79:N trace:80-94:N"
_COUNTED = "addenda_count:55-58:N name:59-74:A reserved:75-76:B discretionary:77-78:A"

#: Entry layouts by Standard Entry Class; a class that is not named here uses ``ENTRY``.
ENTRY = _layout("entry", _ENTRY_HEAD + "individual_id:40-54:A name:55-76:A discretionary:77-78:A" + _ENTRY_TAIL)
_ENTRY_SWAPPED = _layout(
    "entry (CIE, MTE)", _ENTRY_HEAD + "name:40-54:A individual_id:55-76:A discretionary:77-78:A" + _ENTRY_TAIL
)
_ENTRY_COUNTED = _layout("entry (CTX, ENR)", _ENTRY_HEAD + "individual_id:40-54:A " + _COUNTED + _ENTRY_TAIL)
_ENTRY_TRX = _layout(
    "entry (TRX)",
    _ENTRY_HEAD
    + "individual_id:40-54:A addenda_count:55-58:N name:59-74:A reserved:75-76:B item_type:77-78:A"
    + _ENTRY_TAIL,
)
_ENTRY_ATX = _layout("entry (ATX)", _ENTRY_HEAD + "original_trace:40-54:A " + _COUNTED + _ENTRY_TAIL)
_ENTRY_ACK = _layout(
    "entry (ACK)", _ENTRY_HEAD + "original_trace:40-54:A name:55-76:A discretionary:77-78:A" + _ENTRY_TAIL
)
_ENTRY_CHECK = _layout(
    "entry (ARC, BOC, RCK)", _ENTRY_HEAD + "check_serial:40-54:A name:55-76:A discretionary:77-78:A" + _ENTRY_TAIL
)
_ENTRY_POP = _layout(
    "entry (POP)",
    _ENTRY_HEAD
    + "check_serial:40-48:A terminal_city:49-52:A terminal_state:53-54:A name:55-76:A discretionary:77-78:A"
    + _ENTRY_TAIL,
)
_ENTRY_TRUNCATED = _layout(
    "entry (TRC, XCK)",
    _ENTRY_HEAD
    + "check_serial:40-54:A process_control:55-60:A item_research:61-76:A discretionary:77-78:A"
    + _ENTRY_TAIL,
)
_ENTRY_SHR = _layout(
    "entry (SHR)",
    _ENTRY_HEAD
    + "card_expiry:40-43:A document_reference:44-54:A card_account:55-76:A card_transaction_type:77-78:A"
    + _ENTRY_TAIL,
)
_ENTRY_POS = _layout(
    "entry (POS)", _ENTRY_HEAD + "individual_id:40-54:A name:55-76:A card_transaction_type:77-78:A" + _ENTRY_TAIL
)
_ENTRY_WEB = _layout(
    "entry (WEB, TEL)", _ENTRY_HEAD + "individual_id:40-54:A name:55-76:A payment_type:77-78:A" + _ENTRY_TAIL
)
ENTRY_IAT = _layout(
    "entry (IAT)",
    """record_type:1:N transaction_code:2-3:N rdfi:4-11:N check_digit:12:N addenda_count:13-16:N reserved:17-29:B
    amount:30-39:N account:40-74:A reserved_2:75-76:B gateway_screening:77:A secondary_screening:78:A
    addenda_indicator:79:N trace:80-94:N""",
)
ENTRY_ADV = _layout(
    "entry (ADV)",
    """record_type:1:N transaction_code:2-3:N rdfi:4-11:N check_digit:12:N account:13-27:A amount:28-39:N
    advice_routing:40-48:A file_identification:49-53:A operator_data:54:A name:55-76:A discretionary:77-78:A
    addenda_indicator:79:N operator_routing:80-87:N julian_day:88-90:N sequence:91-94:N""",
)
ENTRY_LAYOUTS: dict[str, Layout] = {
    **dict.fromkeys(("CIE", "MTE"), _ENTRY_SWAPPED),
    **dict.fromkeys(("CTX", "ENR"), _ENTRY_COUNTED),
    **dict.fromkeys(("ARC", "BOC", "RCK"), _ENTRY_CHECK),
    **dict.fromkeys(("TRC", "XCK"), _ENTRY_TRUNCATED),
    **dict.fromkeys(("WEB", "TEL"), _ENTRY_WEB),
    "TRX": _ENTRY_TRX,
    "ATX": _ENTRY_ATX,
    "ACK": _ENTRY_ACK,
    "POP": _ENTRY_POP,
    "SHR": _ENTRY_SHR,
    "POS": _ENTRY_POS,
    "IAT": ENTRY_IAT,
    "ADV": ENTRY_ADV,
}

_ADDENDA_HEAD = "record_type:1:N type:2-3:N "
ADDENDA_05 = _layout("addenda 05", _ADDENDA_HEAD + "text:4-83:A sequence:84-87:N entry_sequence:88-94:N")
RETURN = _layout(
    "return 99",
    _ADDENDA_HEAD + "reason:4-6:A original_trace:7-21:A date_of_death:22-27:A original_rdfi:28-35:A information:36-79:A"
    " trace:80-94:N",
)
RETURN_IAT = _layout(
    "return 99 (IAT)",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A date_of_death:22-27:A original_rdfi:28-35:A forward_amount:36-45:A
    information:46-79:A trace:80-94:N""",
)
DISHONORED = _layout(
    "dishonored return 99",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A reserved:22-27:B original_rdfi:28-35:A reserved_2:36-38:B
    return_trace:39-53:A return_settlement_date:54-56:A return_reason:57-58:A information:59-79:A trace:80-94:N""",
)
CONTESTED = _layout(
    "contested return 99",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A date_original_returned:22-27:A original_rdfi:28-35:A
    original_settlement_date:36-38:A return_trace:39-53:A return_settlement_date:54-56:A return_reason:57-58:A
    dishonored_trace:59-73:A dishonored_settlement_date:74-76:A dishonored_reason:77-78:A reserved:79:B
    trace:80-94:N""",
)
NOTIFICATION = _layout(
    "notification of change 98",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A reserved:22-27:B original_rdfi:28-35:A corrected_data:36-64:A
    reserved_2:65-79:B trace:80-94:N""",
)
NOTIFICATION_IAT = _layout(
    "notification of change 98 (IAT)",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A reserved:22-27:B original_rdfi:28-35:A corrected_data:36-70:A
    reserved_2:71-79:B trace:80-94:N""",
)
NOTIFICATION_REFUSED = _layout(
    "refused notification of change 98",
    _ADDENDA_HEAD
    + """reason:4-6:A original_trace:7-21:A reserved:22-27:B original_rdfi:28-35:A corrected_data:36-64:A
    change_code:65-67:A notification_sequence:68-74:A reserved_2:75-79:B trace:80-94:N""",
)

_IAT_END = " entry_sequence:88-94:N"
#: Addenda layouts by type; 98 and 99 depend on their reason as well (``addenda_layout``).
ADDENDA_LAYOUTS: dict[str, Layout] = {
    "02": _layout(
        "addenda 02",
        _ADDENDA_HEAD
        + """reference_1:4-10:A reference_2:11-13:A terminal_id:14-19:A serial_number:20-25:A transaction_date:26-29:A
        authorization_code:30-35:A location:36-62:A city:63-77:A state:78-79:A trace:80-94:N""",
    ),
    "05": ADDENDA_05,
    "10": _layout(
        "addenda 10",
        _ADDENDA_HEAD
        + "transaction_type:4-6:A foreign_amount:7-24:N foreign_trace:25-46:A name:47-81:A reserved:82-87:B"
        + _IAT_END,
    ),
    "11": _layout(
        "addenda 11", _ADDENDA_HEAD + "originator_name:4-38:A originator_street:39-73:A reserved:74-87:B" + _IAT_END
    ),
    "12": _layout(
        "addenda 12",
        _ADDENDA_HEAD + "originator_city_state:4-38:A originator_country_postal:39-73:A birth_date:74-83:A"
        " reserved:84-87:B" + _IAT_END,
    ),
    "13": _layout(
        "addenda 13",
        _ADDENDA_HEAD + "odfi_name:4-38:A odfi_qualifier:39-40:A odfi_id:41-74:A odfi_country:75-77:A"
        " reserved:78-87:B" + _IAT_END,
    ),
    "14": _layout(
        "addenda 14",
        _ADDENDA_HEAD + "rdfi_name:4-38:A rdfi_qualifier:39-40:A rdfi_id:41-74:A rdfi_country:75-77:A"
        " reserved:78-87:B" + _IAT_END,
    ),
    "15": _layout(
        "addenda 15", _ADDENDA_HEAD + "receiver_id:4-18:A receiver_street:19-53:A reserved:54-87:B" + _IAT_END
    ),
    "16": _layout(
        "addenda 16",
        _ADDENDA_HEAD + "receiver_city_state:4-38:A receiver_country_postal:39-73:A birth_date:74-83:A"
        " reserved:84-87:B" + _IAT_END,
    ),
    "17": _layout("addenda 17", _ADDENDA_HEAD + "text:4-83:A sequence:84-87:N" + _IAT_END),
    "18": _layout(
        "addenda 18",
        _ADDENDA_HEAD + "bank_name:4-38:A bank_qualifier:39-40:A bank_id:41-74:A bank_country:75-77:A"
        " reserved:78-83:B sequence:84-87:N" + _IAT_END,
    ),
}
_UNKNOWN_ADDENDA = _layout("addenda", _ADDENDA_HEAD + "data:4-94:A")


def batch_header_layout(sec: str) -> Layout:
    """The layout of a batch header, by the text in columns 51-53 and, for a notification, what stands in 5-20."""
    return BATCH_HEADER_IAT if sec == "IAT" else BATCH_HEADER


def entry_layout(sec: str) -> Layout:
    """The layout of an entry of this Standard Entry Class."""
    return ENTRY_LAYOUTS.get(sec, ENTRY)


def addenda_layout(record: str, sec: str) -> Layout:
    """The layout of an addenda record, by its type and, for 98 and 99, its reason code and the entry class."""
    kind, reason = record[1:3], record[3:6]
    if kind == "99":
        if "R61" <= reason <= "R70":
            return DISHONORED
        if "R71" <= reason <= "R77":
            return CONTESTED
        return RETURN_IAT if sec == "IAT" else RETURN
    if kind == "98":
        if "C61" <= reason <= "C69":
            return NOTIFICATION_REFUSED
        return NOTIFICATION_IAT if sec == "IAT" else NOTIFICATION
    return ADDENDA_LAYOUTS.get(kind, _UNKNOWN_ADDENDA)


ALL_LAYOUTS: tuple[Layout, ...] = (
    FILE_HEADER,
    FILE_CONTROL,
    FILE_CONTROL_ADV,
    BATCH_HEADER,
    BATCH_HEADER_IAT,
    BATCH_CONTROL,
    BATCH_CONTROL_ADV,
    ENTRY,
    *dict.fromkeys(ENTRY_LAYOUTS.values()),
    *ADDENDA_LAYOUTS.values(),
    RETURN,
    RETURN_IAT,
    DISHONORED,
    CONTESTED,
    NOTIFICATION,
    NOTIFICATION_IAT,
    NOTIFICATION_REFUSED,
    _UNKNOWN_ADDENDA,
)
