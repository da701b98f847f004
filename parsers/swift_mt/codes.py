"""The error codes: what each means, how to mend it, and where the meaning comes from.

Rule: a code is SWIFT's own wherever SWIFT has one; the house's own begin with N, a letter that SWIFT's list does not
use, and say so in ``source``. Sources: "UHB" SWIFT User Handbook (Standards MT category 1, 2, 9 and FIN Error Codes),
"vendor" published error tables and validator output of other vendors, "memory" the handbook as remembered, to be
verified before anyone relies on the number, "house" ours.
"""

from __future__ import annotations

from typing import NamedTuple

from payments import Finding, Level
from payments.finding import Severity, error, warning


class Code(NamedTuple):
    """One row: the rule in a sentence, the remedy, the source."""

    rule: str
    remedy: str
    source: str


CODES: dict[str, Code] = {
    # the envelope
    "N01": Code("A FIN message begins with a basic header block {1:...}", "Send FIN messages, RJE or DOS-PCC", "house"),
    "N02": Code("A text block {4: ends with a line -}", "Send the whole message; nothing may be cut off", "house"),
    "N03": Code("A trailer is {TAG:value} with a tag of three letters", "Correct block 5", "house"),
    "N04": Code("Blocks follow one another without anything between them", "Remove the stray text", "house"),
    "N05": Code("The rules of this message type are not in the tables", "Nothing to do: its fields were read", "house"),
    "N06": Code("A message refused by the network is not executed", "Correct it and send it again", "house"),
    "N07": Code("A message stands in FIN blocks with its header", "Nothing to do if a statement was meant", "house"),
    "N08": Code("A block occurs once and blocks come in order", "Send each block once, in order", "house"),
    "N09": Code("A rule was set aside for this sender by a setting", "Nothing to do: the use is recorded", "house"),
    "N10": Code(
        "Opening balance and entries give the closing balance", "Ask the bank for the whole statement", "house"
    ),
    "N11": Code("90C and 90D count and sum the entries", "Ask the bank for the whole report", "house"),
    "N12": Code("A copied field has the format of the type it is copied from", "Correct the copy", "house"),
    "H01": Code("Block 1 is F01, terminal (12), session (4), sequence (6)", "Correct the basic header", "UHB"),
    "H02": Code("The application identifier is F, A or L", "Use F for FIN", "UHB"),
    "H03": Code("The service identifier of a FIN message is 01 or 21", "Use 01", "UHB"),
    "H10": Code("The terminal in block 1 is a BIC with a terminal code", "Correct the sender's address", "UHB"),
    "H25": Code("Block 2 has the form of an input or output header", "Correct the application header", "UHB"),
    "H30": Code("The message type is three digits of a type that exists", "Correct the type in block 2", "UHB"),
    "H40": Code("The priority is S for system messages, else U or N", "Use N or U", "UHB"),
    "H50": Code("The terminal in block 2 is a BIC with a terminal code", "Correct the address in block 2", "UHB"),
    "U00": Code("Block 3 holds known tags in their order", "Order: 103 113 108 119 423 106 424 111 121 115 165", "UHB"),
    "U01": Code("The banking priority (113) is 4 characters", "Correct tag 113", "UHB"),
    "U02": Code("The message user reference (108) is up to 16 of set x", "Correct tag 108", "UHB"),
    "U03": Code("Block 3 is a row of {tag:value}", "Correct the brackets of block 3", "UHB"),
    "U08": Code("The validation flag (119) is up to 8 characters", "Correct tag 119", "UHB"),
    "U09": Code("The validation flag belongs to this message type", "STP and REMIT with 103, COV with 202, 205", "UHB"),
    "U13": Code("Tag 121 holds the UETR, a version 4 UUID in lower case", "Give each payment a UETR", "vendor"),
    "M50": Code("The text is not longer than its message type allows", "Shorten the message", "vendor"),
    "M60": Code("Only characters of SWIFT's sets x, y, z are used", "Replace the character", "vendor"),
    # structure and content of fields
    "T08": Code("Field 71A is OUR, SHA or BEN", "Use one of the three", "vendor"),
    "T10": Code("A field or sequence repeats no oftener than allowed", "Remove the repetition", "UHB"),
    "T12": Code("The content of the field is allowed in this type", "Correct the field", "UHB"),
    "T13": Code("Fields come as the type defines: known, in order, none missing", "Correct the row of fields", "UHB"),
    "T15": Code("The sign of a time offset is + or -", "Use + or -", "memory"),
    "T16": Code("A time offset is at most 13 hours and 59 minutes", "Correct the offset", "memory"),
    "T26": Code("A reference neither begins nor ends with / nor holds //", "Choose another reference", "UHB"),
    "T27": Code("A BIC is 4 characters, country, 2 and optionally 3 more", "Correct the BIC", "UHB"),
    "T30": Code("A field has no more lines than its format", "Shorten the text", "memory"),
    "T33": Code("No part is too long or holds a character outside its set", "Follow the field's format", "UHB"),
    "T34": Code("No part is missing or too short", "Follow the field's format", "UHB"),
    "T36": Code("Field 23B is CRED, CRTS, SPAY, SPRI or SSTD", "Use one of the five", "UHB"),
    "T38": Code("A time is HHMM, 0000 to 2359", "Correct the time", "memory"),
    "T40": Code("An amount has one comma, without thousands separators", "Write 1234,56", "UHB"),
    "T43": Code("An amount has a digit before its comma and 15 characters at most", "Write 0,50", "UHB"),
    "T47": Code("The code in field 23E is one of those defined", "Use a defined code", "UHB"),
    "T50": Code("A date is a real day, YYMMDD", "Correct the date", "UHB"),
    "T52": Code("A currency is an ISO 4217 code", "Correct the currency", "UHB"),
    "T54": Code("Lines of option F begin with a number from 1 to 8 and /", "Number the lines", "memory"),
    "T55": Code("The party identifier of 50F is /account or CODE/CC/id", "Correct the first line", "memory"),
    "T56": Code("Numbers of option F ascend: 1 first, 3 with 2, 4 with 5", "Correct the numbers", "memory"),
    "T73": Code("A country is an ISO 3166 code", "Correct the country", "UHB"),
    "T76": Code("50H is /account and one to four lines of name and address", "Correct the lines", "UHB"),
    "C03": Code("An amount has no more decimals than its currency", "Round the amount", "UHB"),
    "C08": Code("Field 32A is money, not a commodity (XAU, XAG, XPD, XPT)", "Use a currency", "memory"),
    "D57": Code("Field 71G is not zero", "Leave 71G out", "vendor"),
    "D67": Code("Codes in 23E exclude each other", "Keep one of the two", "UHB"),
    "D97": Code("Only some codes of 23E take additional text", "Remove the text after the code", "UHB"),
    "D98": Code("Codes of 23E keep their order", "Order them as the handbook lists them", "UHB"),
    "E46": Code("A code of 23E occurs once", "Remove the repetition", "UHB"),
    "T14": Code("A sign does not go with zero", "Remove the sign", "UHB"),
}


def finding(
    code: str, place: str, value: object, *, severity: Severity = "error", level: Level = "message", detail: str = ""
) -> Finding:
    """A finding of the table, its rule made exact by ``detail``."""
    row = CODES[code]
    make = error if severity == "error" else warning
    return make(code, level, place, value, f"{row.rule}: {detail}" if detail else row.rule, row.remedy)
