"""Fields of SWIFT MT: the form of each, the codes of what is wrong inside, the named components."""

import pytest

from parsers.swift_mt import read
from parsers.swift_mt.codes import CODES
from parsers.swift_mt.fields import FIELDS
from parsers.swift_mt.layouts import LAYOUTS, layout_of

TEXT = {
    "20": "PAY-000017",
    "13C": "/SNDTIME/0915+0100",
    "23B": "CRED",
    "32A": "261123EUR250,00",
    "33B": "EUR250,00",
    "50K": "/0034211\nDELTA LTD\nLEEDS",
    "52A": "NORDDEHH",
    "59": "/DE02120300000000202051\nGAMMA KG\nBREMEN",
    "70": "INVOICE 17",
    "71A": "SHA",
    "71G": None,
}
UETR = "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"


def codes(changes: dict[str, str | None], block3: str = "") -> list[str]:
    """Codes of the errors of an MT103 with these fields."""
    fields = TEXT | {tag: value for tag, value in changes.items() if tag in TEXT}
    replaced = {tag[:2]: (tag, value) for tag, value in changes.items() if tag not in TEXT}
    lines = []
    for tag, value in fields.items():
        shown_tag, shown = replaced.get(tag[:2], (tag, value))
        if shown is not None:
            lines.append(f":{shown_tag}:{shown}")
    block3 = block3 or f"{{121:{UETR}}}"
    head = f"{{1:F01NORDDEHHAXXX0042000017}}{{2:I103OSTAJPJTXXXXN}}{{3:{block3}}}{{4:\n"
    message = read((head + "\n".join(lines) + "\n-}").encode())[0]
    return [finding.code for finding in message.errors()]


def test_the_message_that_the_others_are_made_from_is_accepted():
    assert codes({}) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"20": "/PAY"}, "T26"),
        ({"20": "PAY/"}, "T26"),
        ({"20": "PAY//1"}, "T26"),
        ({"20": ""}, "T34"),
        ({"20": "A-REFERENCE-OF-20-CH"}, "T33"),
        ({"20": "PAY[1]"}, "M60"),
        ({"13C": "/SNDTIME/2415+0100"}, "T38"),
        ({"13C": "/SNDTIME/0915+1400"}, "T16"),
        ({"13C": "/SNDTIME/0915*0100"}, "T15"),
        ({"23B": "NOPE"}, "T36"),
        ({"32A": "260230EUR250,00"}, "T50"),
        ({"32A": "261123EUX250,00"}, "T52"),
        ({"32A": "261123EUR250,001"}, "C03"),
        ({"32A": "261123EUR250"}, "T40"),
        ({"32A": "261123EUR1.250,00"}, "T40"),
        ({"32A": "261123EUR,50"}, "T43"),
        ({"32A": "261123EUR1234567890123,00"}, "T43"),
        ({"32A": "261123XAU250,"}, "C08"),
        ({"33B": "EUR250,001"}, "C03"),
        ({"33B": "QQQ250,"}, "T52"),
        ({"52A": "NORDZZHH"}, "T27"),
        ({"52A": "NORD"}, "T27"),
        ({"71A": "ALL"}, "T08"),
        ({"50K": "/0034211\nA\nB\nC\nD\nE"}, "T30"),
        ({"50K": "/0034211\n" + "A" * 36}, "T33"),
        ({"70": "ONE\n-TWO"}, "T33"),
        ({"50F": "NIDN/DE/121231234\n1/DELTA LTD\n3/ZZ/LEEDS"}, "T73"),
        ({"50F": "NOPE/DE/121231234\n1/DELTA LTD\n3/GB/LEEDS"}, "T55"),
        ({"50F": "/0034211\n1/DELTA LTD\n9/GB/LEEDS"}, "T54"),
        ({"50F": "/0034211\n3/GB/LEEDS\n1/DELTA LTD"}, "T56"),
        ({"50F": "/0034211\n1/DELTA LTD\n2/MAIN ST 1"}, "T56"),
        ({"50F": "/0034211\n1/D E LTA\n4/19800230\n5/GB/LEEDS"}, "T50"),
        ({"59F": "/0099\n1/GAMMA KG\n4/19800203"}, "T54"),
        ({"20": None}, "T13"),
        ({"71A": None}, "T13"),
    ],
)
def test_one_wrong_value_gives_one_code(changes, code):
    assert codes(changes) == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"50F": "NIDN/DE/121231234\n1/DELTA LTD\n3/GB/LEEDS"},
        {"50F": "/0034211\n1/D ELTA\n2/MAIN ST 1\n3/GB/LEEDS\n6/GB/NORD/77"},
        {"59F": "/0099\n1/GAMMA KG\n3/DE/BREMEN"},
        {"50A": "/0034211\nNORDDEHH"},
        {"59": "GAMMA KG"},
        {"70": "/ROC/X//INV 1\nSECOND LINE"},
    ],
)
def test_right_values_of_options_are_accepted(changes):
    assert codes(changes) == []


@pytest.mark.parametrize("value", ["DELTA LTD\nLEEDS", "/77", "/77\nA\nB\nC\nD\nE"])
def test_an_ordering_customer_with_account_has_both(value):
    lines = f":20:R\n:28D:1/1\n:50H:{value}\n:30:261123\n:21:T\n:32B:EUR1,\n:59:/88\nGAMMA\n:71A:SHA"
    head = "{1:F01NORDDEHHAXXX0042000017}{2:I101OSTAJPJTXXXXN}{4:\n"
    assert [finding.code for finding in read((head + lines + "\n-}").encode())[0].errors()] == ["T76"]


def test_zero_receivers_charges_are_refused():
    assert codes({"71A": "OUR", "71G": "EUR0,"}) == ["D57"]


@pytest.mark.parametrize(
    ("block3", "code"),
    [
        ("{121:3F1C9E52-7A40-4D1B-9C86-0E5D2B7A1C94}", "U13"),
        (f"{{121:{UETR}}}{{108:LATE}}", "U00"),
        (f"{{108:12345678901234567}}{{121:{UETR}}}", "U02"),
        (f"{{119:COV}}{{121:{UETR}}}", "U09"),
        (f"{{108:A}}x{{121:{UETR}}}", "U03"),
    ],
)
def test_block_3_is_checked(block3, code):
    assert code in codes({}, block3)


def test_a_missing_uetr_is_only_a_warning():
    head = "{1:F01NORDDEHHAXXX0042000017}{2:I103OSTAJPJTXXXXN}{4:\n"
    text = "\n".join(f":{tag}:{value}" for tag, value in TEXT.items() if value is not None)
    message = read((head + text + "\n-}").encode())[0]
    assert message.verdict == "accepted"
    assert [(f.code, f.severity) for f in message.findings] == [("U13", "warning")]


@pytest.mark.parametrize(
    ("tag", "value", "components"),
    [
        ("32A", "261123EUR250,00", {"Date": "261123", "Currency": "EUR", "Amount": "250,00"}),
        ("53B", "/C/77\nLEEDS", {"DCMark": "C", "Account": "77", "Location": "LEEDS"}),
        ("53B", "LEEDS", {"Location": "LEEDS"}),
        ("52A", "//FW021000021\nWESTUS33", {"Account": "/FW021000021", "IdentifierCode": "WESTUS33"}),
        ("52A", "/1/123456-9\nWESTUS33", {"Account": "1/123456-9", "IdentifierCode": "WESTUS33"}),
        ("59", "/77\nGAMMA\nBREMEN", {"Account": "77", "NameAndAddress": "GAMMA", "NameAndAddress2": "BREMEN"}),
        (
            "61",
            "2611231124RCR7,NTRFREF1//BANK1\nMORE",
            {
                "ValueDate": "261123",
                "EntryDate": "1124",
                "DebitCreditMark": "RC",
                "FundsCode": "R",
                "Amount": "7,",
                "TransactionType": "N",
                "IdentificationCode": "TRF",
                "ReferenceForTheAccountOwner": "REF1",
                "ReferenceOfTheAccountServicingInstitution": "BANK1",
                "SupplementaryDetails": "MORE",
            },
        ),
        (
            "50F",
            "/77\n1/DELTA\n3/GB/LEEDS",
            {"PartyIdentifier": "/77", "Number1": "1", "NameAndAddress1": "DELTA", "Number2": "3"}
            | {"NameAndAddress2": "GB/LEEDS"},
        ),
        ("72", "/ACC/A\n//B", {"Narrative": "/ACC/A\r\n//B"}),
        ("13C", "/SNDTIME/0915+0100", {"Code": "SNDTIME", "TimeIndication": "0915", "Sign": "+", "TimeOffset": "0100"}),
    ],
)
def test_components_are_named_as_swift_names_them(tag, value, components):
    assert FIELDS[tag].match(value) is not None
    assert FIELDS[tag].components(value) == components


def test_an_amount_without_a_digit_before_its_comma_does_not_have_the_form():
    assert FIELDS["61"].match("2611231124RC,32NTRFREF1//BANK1") is None


def test_every_field_of_every_layout_is_in_the_field_table():
    assert {tag for key in LAYOUTS for tag in layout_of(key).tags} <= FIELDS.keys()


def test_every_code_says_rule_remedy_and_source():
    assert all(row.rule and row.remedy and row.source in {"UHB", "vendor", "memory", "house"} for row in CODES.values())
    assert all((row.source == "house") == code.startswith("N") for code, row in CODES.items())
