"""Every network validated rule of SWIFT MT has a message that passes it and one that fails it and nothing else."""

import pytest

from parsers.swift_mt import read
from parsers.swift_mt.rule_tables import RULES
from parsers.swift_mt.rule_tables_batch import BATCH_RULES

UETR = "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"
EUROPE = ("NORDDEHHAXXX", "SUEDFRPPXXXX")
ABROAD = ("WESTUS33AXXX", "OSTAJPJTXXXX")
ORDER = (
    "20 21 11S 75 76 25 28C 34F 60F 61 13C 23B 23E 26T 32A 62F 64 90D 90C 33B 36 50A 50F 50K 51A 52A 52D 53A 53B 53D"
    " 54A 54B 54D 55A 55B 55D 56A 56C 56D 57A 57B 57C 57D 58A 58D 59 59A 59F 70 71A 71F 71G 72 77B 77T 79"
).split()
IBAN = "/DE02120300000000202051\nGAMMA KG\nBREMEN"
CUSTOMER = {
    "20": "PAY-000017",
    "23B": "CRED",
    "32A": "261123EUR250,00",
    "50K": "/0034211\nDELTA LTD\nLEEDS",
    "59": IBAN,
    "71A": "SHA",
}
BANK = {"20": "COV-000017", "21": "PAY-000017", "32A": "261123USD9000,", "58A": "ENDEGB2L"}
BALANCES = {"20": "ST1", "25": "0034211", "28C": "7/1", "60F": "C261122EUR10,", "62F": "C261123EUR10,"}
SERVICE = {"23B": "SSTD"}

#: key of the message table, code, what the passing message has, what the failing one has (None: left out).
ROWS = [
    ("103", "T47", {"23E": "CORT"}, {"23E": "ABCD"}),
    ("103", "D97", {"23E": "PHOB/0123"}, {"23E": "CORT/0123"}),
    ("103", "D98", {"23E": ["SDVA", "CORT"]}, {"23E": ["CORT", "SDVA"]}),
    ("103", "D67", {"23E": ["SDVA", "CORT"]}, {"23E": ["CORT", "HOLD"]}),
    ("103", "E46", {"23E": "CORT"}, {"23E": ["CORT", "CORT"]}),
    ("103", "D75", {"33B": "USD270,", "36": "1,08"}, {"33B": "USD270,"}),
    ("103", "D75", {"33B": "EUR250,"}, {"33B": "EUR250,", "36": "1,"}),
    ("103", "D49", {"33B": "EUR250,"}, {}),
    ("103", "E01", {"23B": "SPRI", "23E": "SDVA"}, {"23B": "SPRI", "23E": "CORT"}),
    ("103", "E02", {"23B": "CRED", "23E": "CORT"}, {"23B": "SSTD", "23E": "CORT"}),
    ("103", "E03", SERVICE | {"53A": "MITTCHZZ"}, SERVICE | {"53D": "MITTE BANK"}),
    ("103", "E04", SERVICE | {"53B": "/0034211"}, SERVICE | {"53B": "LEEDS"}),
    ("103", "E05", SERVICE | {"54A": "MITTCHZZ"}, SERVICE | {"54D": "MITTE BANK"}),
    ("103", "E06", {"53A": "MITTCHZZ", "54A": "MITTCHZZ", "55A": "MITTCHZZ"}, {"55A": "MITTCHZZ"}),
    (
        "103",
        "E07",
        SERVICE | {"53A": "MITTCHZZ", "54A": "MITTCHZZ", "55A": "MITTCHZZ"},
        SERVICE | {"53A": "MITTCHZZ", "54A": "MITTCHZZ", "55D": "MITTE"},
    ),
    ("103", "C81", {"56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"56A": "MITTCHZZ"}),
    ("103", "E16", {"56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"23B": "SPRI", "56A": "MITTCHZZ", "57A": "ENDEGB2L"}),
    ("103", "E17", SERVICE | {"56C": "//SC112233", "57A": "ENDEGB2L"}, SERVICE | {"56C": "/112233", "57A": "ENDEGB2L"}),
    ("103", "E09", SERVICE | {"57D": "/0034211\nENDE"}, SERVICE | {"57D": "ENDE BANK"}),
    ("103", "E10", SERVICE, SERVICE | {"59": "GAMMA KG"}),
    ("103", "E18", {"23E": "CHQB", "59": "GAMMA KG"}, {"23E": "CHQB"}),
    ("103", "E13", {"71A": "OUR"}, {"71A": "OUR", "33B": "EUR250,", "71F": "EUR1,"}),
    ("103", "D50", {"33B": "EUR250,", "71A": "OUR", "71G": "EUR1,"}, {"33B": "EUR250,", "71G": "EUR1,"}),
    ("103", "E15", {"33B": "EUR250,", "71A": "BEN", "71F": "EUR1,"}, {"33B": "EUR250,", "71A": "BEN"}),
    (
        "103",
        "E15",
        {"33B": "EUR250,", "71A": "BEN", "71F": ["EUR1,", "EUR2,"]},
        {"33B": "EUR250,", "71A": "BEN", "71F": "EUR1,", "71G": "EUR1,"},
    ),
    ("103", "D51", {"33B": "EUR250,", "71F": "EUR1,"}, {"71F": "EUR1,"}),
    ("103", "E44", {"23E": "PHOI", "56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"23E": "PHOI", "57A": "ENDEGB2L"}),
    ("103", "E45", {"23E": "PHON", "57A": "ENDEGB2L"}, {"23E": "PHON"}),
    (
        "103",
        "C02",
        {"33B": "EUR250,", "71A": "OUR", "71G": "EUR1,"},
        {"33B": "EUR250,", "71A": "OUR", "71G": "USD1,"},
    ),
    *(
        (key, code, base | {"72": keeps}, base | {"72": breaks})
        for key, base in (
            ("103", {}),
            ("200", {}),
            ("202", {}),
            ("205", {"52A": "WESTUS33"}),
        )
        for code, keeps, breaks in (
            ("T27", "/INS/WESTUS33\n/ACC/SOON", "/INS/WESTUS33 AND MORE"),
            ("T80", "/RETN/57\n/AC01/\n/MREF/PAY-1", "/RETN/57\n/MREF/PAY-1"),
        )
    ),
    ("103STP", "T27", {"72": "/INS/WESTUS33"}, {"72": "/INS/THE BANK"}),
    ("103STP", "T47", {"72": "/INS/WESTUS33\n//X /INS/"}, {"72": "/INS/WESTUS33\n/INS/WESTUS33"}),
    ("103STP", "T81", {"72": "/ACC/REJT"}, {"72": "/REJT/57\n/AC01/\n/MREF/PAY-1"}),
    ("103STP", "T82", {"72": "/ACC/CHGS"}, {"72": "/OCMT/EUR1,/"}),
    ("103STP", "D75", {"33B": "USD270,", "36": "1,08"}, {"33B": "USD270,"}),
    ("103STP", "D49", {"33B": "EUR250,"}, {}),
    ("103STP", "T47", {"23E": "REPA/X"}, {"23E": "PHOB"}),
    ("103STP", "E01", {"23B": "SPRI", "23E": "INTC"}, {"23B": "SPRI", "23E": "CORT"}),
    ("103STP", "E02", {"23E": "INTC"}, {"23B": "SPAY", "23E": "INTC"}),
    ("103STP", "E06", {"53A": "MITTCHZZ", "54A": "MITTCHZZ", "55A": "MITTCHZZ"}, {"55A": "MITTCHZZ"}),
    ("103STP", "C81", {"56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"56A": "MITTCHZZ"}),
    ("103STP", "E16", {"56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"23B": "SPRI", "56A": "MITTCHZZ", "57A": "ENDEGB2L"}),
    ("103STP", "E13", {"71A": "OUR"}, {"71A": "OUR", "33B": "EUR250,", "71F": "EUR1,"}),
    ("103STP", "D50", {"33B": "EUR250,", "71A": "OUR", "71G": "EUR1,"}, {"33B": "EUR250,", "71G": "EUR1,"}),
    ("103STP", "E15", {"33B": "EUR250,", "71A": "BEN", "71F": "EUR1,"}, {"33B": "EUR250,", "71A": "BEN"}),
    ("103STP", "D51", {"33B": "EUR250,", "71F": "EUR1,"}, {"71F": "EUR1,"}),
    (
        "103STP",
        "C02",
        {"33B": "EUR250,", "71A": "OUR", "71G": "EUR1,"},
        {"33B": "EUR250,", "71A": "OUR", "71G": "USD1,"},
    ),
    ("103STP", "D19", {"33B": "EUR250,"}, {"33B": "EUR250,", "59": "/0099\nGAMMA KG"}),
    ("103STP", "E04", {"53B": "/0034211"}, {"53B": "LEEDS"}),
    ("103STP", "E10", {}, {"59": "GAMMA KG"}),
    ("103REMIT", "E12", {"77T": "/NARR/2 INVOICES"}, {"70": "2 INVOICES", "77T": "/NARR/2 INVOICES"}),
    ("103REMIT", "E13", {"71A": "OUR"}, {"71A": "OUR", "33B": "EUR250,", "71F": "EUR1,"}),
    ("200", "C81", {"57A": "ENDEGB2L"}, None),
    ("202", "C81", {"56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"56A": "MITTCHZZ"}),
    ("205", "C81", {"52A": "WESTUS33", "56A": "MITTCHZZ", "57A": "ENDEGB2L"}, {"52A": "WESTUS33", "56A": "MITTCHZZ"}),
    ("910", "C06", {"52A": "WESTUS33"}, {}),
    ("940", "C27", {"64": "C261123EUR10,"}, {"64": "C261123USD10,"}),
    ("950", "C27", {"64": "C261123EUR10,"}, {"64": "C261123USD10,"}),
    ("942", "C27", {"34F": "EUR0,", "90D": "1EUR1,"}, {"34F": "EUR0,", "90D": "1USD1,"}),
    ("942", "C23", {"34F": ["EURD1,", "EURC2,"]}, {"34F": ["EURC1,", "EURD2,"]}),
    ("942", "C23", {"34F": "EUR1,"}, {"34F": "EURD1,"}),
    ("192", "C25", {"79": "/DUPL/SENT TWICE"}, {}),
]
BASES = {
    "103": CUSTOMER,
    "200": {"20": "OWN-000017", "32A": "261123USD9000,", "57A": "ENDEGB2L"},
    "202": BANK,
    "205": BANK,
    "910": {"20": "ADV-000017", "21": "PAY-000017", "25": "0034211", "32A": "261123EUR250,"},
    "940": BALANCES,
    "950": BALANCES,
    "942": {"20": "ST1", "25": "0034211", "28C": "7/1", "13D": "2611231200+0100"},
    "192": {"20": "CAN-1", "21": "PAY-000017", "11S": "103\n261123"},
}


def message(key: str, fields: dict[str, object], banks: tuple[str, str]) -> bytes:
    """A message of that key of the table with these fields, in the order of its layout."""
    number, flag = key[:3], key[3:]
    order = [*ORDER[: ORDER.index("60F")], "13D", *ORDER[ORDER.index("60F") :]] if number == "942" else ORDER
    lines = [
        f":{tag}:{value}"
        for tag in order
        for value in (fields.get(tag) if isinstance(fields.get(tag), list) else [fields.get(tag)])
        if value is not None
    ]
    block3 = (f"{{119:{flag}}}" if flag else "") + f"{{121:{UETR}}}"
    head = f"{{1:F01{banks[0]}0042000017}}{{2:I{number}{banks[1]}N}}{{3:{block3}}}{{4:\n"
    return (head + "\n".join(lines) + "\n-}").replace("\n", "\r\n").encode()


def errors(data: bytes) -> list[str]:
    return [finding.code for finding in read(data, mode="strict")[0].errors()]


@pytest.mark.parametrize(("key", "code", "passing", "failing"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_rule_is_kept_or_broken_alone(key, code, passing, failing):
    banks = EUROPE if code in {"D49", "D19"} else ABROAD
    base = BASES[key[:3]]
    assert errors(message(key, base | passing, banks)) == []
    if failing is not None:
        assert errors(message(key, base | failing, banks)) == [code]


@pytest.mark.parametrize("flag", ["202COV", "205COV"])
def test_cover_needs_the_bank_of_the_creditor_with_an_intermediary(flag):
    ordering = ":52A:WESTUS33\n" if flag == "205COV" else ""
    text = f":20:COV-1\n:21:PAY-1\n:32A:261123USD9000,\n{ordering}:58A:ENDEGB2L\n:50K:DELTA LTD\n%s:59:GAMMA KG"
    head = f"{{1:F01{ABROAD[0]}0042000017}}{{2:I{flag[:3]}{ABROAD[1]}N}}{{3:{{119:COV}}{{121:{UETR}}}}}{{4:\n"
    for fields, codes in ((":56A:MITTCHZZ\n:57A:ENDEGB2L\n", []), (":56A:MITTCHZZ\n", ["C68"])):
        assert errors((head + text % fields + "\n-}").encode()) == codes


ENTRY = ":61:2611231123C5,NTRFREF"


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("940", ":20:S\n:25:1\n:28C:1\n:60F:C261122EUR1,", ":62F:C261123EUR6,\n:86:ALL"),
        ("942", ":20:S\n:25:1\n:28C:1\n:34F:EUR0,\n:13D:2611231200+0100", ":90D:1EUR1,\n:86:ALL"),
    ],
)
def test_a_narrative_follows_its_entry(key, before, after):
    head = f"{{1:F01{ABROAD[0]}0042000017}}{{2:I{key}{ABROAD[1]}N}}{{4:\n"
    for entries, codes in (
        (f"{ENTRY}\n:86:A\n{ENTRY}\n{ENTRY}\n:86:B", []),
        (f":86:A\n{ENTRY}", ["C24"]),
        (f"{ENTRY}\n:86:A\n:86:B", ["C24"]),
    ):
        assert errors(f"{head}{before}\n{entries}\n{after}\n-}}".encode()) == codes


def test_intermediary_without_bank_fails_in_an_mt200_by_its_layout():
    data = message("200", {"20": "OWN-1", "32A": "261123USD9000,", "56A": "MITTCHZZ"}, ABROAD)
    assert errors(data) == ["T13"]


def test_every_rule_of_the_tables_is_tried_here():
    tried = {(key, code) for key, code, _, _ in ROWS}
    shared = {rule.code for rule in RULES["103"]}  # the REMIT form has the rules of the 103 under higher numbers
    missing = [
        (key, rule.code)
        for key, rules in RULES.items()
        for rule in rules
        if key not in BATCH_RULES | dict.fromkeys(("941", "970", "972", "n95", "n96"))  # see test_swift_mt_batch_rules
        and (key.replace("n92", "192"), rule.code) not in tried
        and not (key == "103REMIT" and rule.code in shared)
        and not (key == "103STP" and rule.number == "23E")
        and key not in {"202COV", "205COV"}
        and rule.code != "C24"
    ]
    assert missing == []


def test_rules_of_the_remit_form_stand_one_number_higher():
    assert {rule.code: rule.number for rule in RULES["103REMIT"]}["D51"] == "C16"
    assert {rule.code: rule.number for rule in RULES["103"]}["D51"] == "C15"


@pytest.mark.parametrize("number", ["202", "205"])
def test_a_cover_without_its_flag_is_known_as_a_cover_and_refused(number: str) -> None:
    ordering = ":52A:WESTUS33\n" if number == "205" else ""
    text = f":20:COV-1\n:21:PAY-1\n:32A:261123USD9000,\n{ordering}:58A:ENDEGB2L\n:50K:DELTA LTD\n:59:GAMMA KG"
    head = f"{{1:F01{ABROAD[0]}0042000017}}{{2:I{number}{ABROAD[1]}N}}{{3:{{121:{UETR}}}}}{{4:\n"
    (message,) = read(f"{head}{text}\n-}}".encode())
    assert (message.type, message.verdict) == (f"MT{number}COV", "rejected")
    assert [(each.code, each.place[-5:]) for each in message.errors()] == [("T13", ":50K:")]
    assert "{119:COV}" in message.findings[0].rule
