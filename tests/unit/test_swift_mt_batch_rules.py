"""Every rule of the MT types with sequences has a message that keeps it and one that breaks it and nothing else."""

import pytest

from parsers.swift_mt import read
from parsers.swift_mt.layouts import layout_of
from parsers.swift_mt.rule_tables import RULES
from parsers.swift_mt.rule_tables_batch import BATCH_RULES

EUROPE = ("NORDDEHHAXXX", "SUEDFRPPXXXX")
ABROAD = ("WESTUS33AXXX", "OSTAJPJTXXXX")
UETR = "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"

#: key -> fields of sequence A, of a sequence B, of sequence C (None: there is none).
BASES = {
    "101": (
        {"20": "REQ-1", "28D": "1/1", "50H": "/0034211\nDELTA LTD", "30": "261123"},
        {"21": "TX-1", "32B": "EUR250,", "59": "/77\nGAMMA KG", "71A": "SHA"},
        None,
    ),
    "102": (
        {"20": "BAT-1", "23": "CREDIT", "50K": "DELTA LTD", "71A": "OUR"},
        {"21": "TX-1", "32B": "EUR250,", "59": "/77\nGAMMA KG"},
        {"32A": "261123EUR250,"},
    ),
    "104": (
        {"20": "DEB-1", "30": "261123", "50K": "/0034211\nDELTA LTD"},
        {"21": "TX-1", "23E": "AUTH", "32B": "EUR250,", "59": "/77\nGAMMA KG"},
        {"32B": "EUR250,"},
    ),
    "107": (
        {"20": "DEB-1", "23E": "AUTH", "30": "261123", "50K": "/0034211\nDELTA LTD"},
        {"21": "TX-1", "32B": "EUR250,", "59": "/77\nGAMMA KG"},
        {"32B": "EUR250,"},
    ),
    "110": ({"20": "CHQ-1"}, {"21": "1001", "30": "261123", "32B": "EUR250,", "59": "GAMMA KG"}, None),
    "201": ({"19": "250,", "30": "261123"}, {"20": "TX-1", "32B": "EUR250,", "57A": "ENDEGB2L"}, None),
    "203": ({"19": "250,", "30": "261123"}, {"20": "TX-1", "21": "R-1", "32B": "EUR250,", "58A": "ENDEGB2L"}, None),
    "204": ({"20": "DEB-1", "19": "250,", "30": "261123"}, {"20": "TX-1", "32B": "EUR250,", "53A": "ENDEGB2L"}, None),
    "210": ({"20": "NTR-1", "30": "261123"}, {"21": "R-1", "32B": "EUR250,", "52A": "ENDEGB2L"}, None),
    "920": ({"20": "ASK-1"}, {"12": "940", "25": "0034211"}, None),
    "935": ({"20": "RAT-1"}, {"25": "0034211", "30": "261123", "37H": "C2,5"}, None),
    "941": ({"20": "S-1", "25": "0034211", "28": "7/1", "62F": "C261123EUR10,"}, None, None),
    "970": ({"20": "S-1", "25": "0034211", "28C": "7/1", "60F": "C261122EUR10,", "62F": "C261123EUR10,"}, None, None),
    "973": ({"20": "ASK-1"}, {"12": "971", "25": "0034211"}, None),
    "195": ({"20": "ASK-1", "21": "PAY-1", "75": "/9/"}, None, None),
}
BASES |= {"102STP": BASES["102"], "972": BASES["970"], "196": ({"20": "ANS-1", "21": "ASK-1", "76": "/1/"}, None, None)}
TEN = {"b": [{}] * 10}
ELEVEN = {"b": [{}] * 11}
NOTE = "/RETN/57\n/AC01/\n/MREF/DEB-9"
RETURNED = {"a": {"23E": "RTND", "72": NOTE}}
#: With 23E RTND in sequence A, sequence B of a 104 has none.
NO_CODE = {"104": {"b": [{"23E": None}]}, "107": {}}
FIRST = {"a": {"23E": None}, "b": [{"23E": "AUTH"}]}


def both(key, *rows):
    return [(key, *row) for row in rows]


#: key, code, what the message that keeps the rule has, what the one that breaks it has.
ROWS = [
    *both(
        "101",
        ("T47", {"b": [{"23E": "URGP"}]}, {"b": [{"23E": "ABCD"}]}),
        ("D97", {"b": [{"23E": "PHON/0123"}]}, {"b": [{"23E": "URGP/0123"}]}),
        ("D66", {"b": [{"23E": ["URGP", "CORT"]}]}, {"b": [{"23E": ["CORT", "REPA"]}]}),
        ("E46", {"b": [{"23E": ["OTHR/A", "OTHR/B"]}]}, {"b": [{"23E": ["URGP", "URGP"]}]}),
        (
            "D54",
            {"b": [{"33B": "USD270,", "36": "1,08", "21F": "FX-1"}]},
            {"b": [{"33B": "USD270,", "36": "1,08"}]},
        ),
        ("D60", {"b": [{"33B": "USD270,", "36": "1,08", "21F": "FX-1"}]}, {"b": [{"33B": "USD270,"}]}),
        ("D61", {"a": {"50H": None}, "b": [{"50H": "/0034211\nDELTA LTD"}]}, {"b": [{"50H": "/0034211\nDELTA LTD"}]}),
        ("D62", {"a": {"50L": "DELTA"}}, {"a": {"50L": "DELTA"}, "b": [{"50L": "DELTA"}]}),
        (
            "D68",
            {"b": [{"33B": "USD270,", "36": "1,08", "21F": "FX-1"}]},
            {"b": [{"33B": "EUR270,", "36": "1,08", "21F": "FX-1"}]},
        ),
        ("D64", {"a": {"52A": "MITTCHZZ"}}, {"a": {"52A": "MITTCHZZ"}, "b": [{"52A": "MITTCHZZ"}]}),
        ("D65", {"b": [{"56A": "MITTCHZZ", "57A": "ENDEGB2L"}]}, {"b": [{"56A": "MITTCHZZ"}]}),
        ("D98", {"a": {"21R": "CU-1"}, "b": [{}, {}]}, {"a": {"21R": "CU-1"}, "b": [{}, {"32B": "USD1,"}]}),
        (
            "E54",
            {"b": [{"32B": "EUR0,", "23E": "EQUI", "33B": "USD270,"}]},
            {"b": [{"32B": "EUR0,", "33B": "USD270,"}]},
        ),
    ),
    *(
        row
        for key in ("102", "102STP")
        for row in both(
            key,
            ("C01", {"c": {"19": "250,"}}, {"c": {"19": "251,"}}),
            ("C03", {"c": {"19": "250,00"}}, {"c": {"19": "250,000"}}),
            ("C02", {"b": [{}, {}], "c": {"32A": "261123EUR500,"}}, {"c": {"32A": "261123USD250,"}}),
            ("D17", {"a": {"50K": None}, "b": [{"50K": "DELTA LTD"}]}, {"b": [{"50K": "DELTA LTD"}]}),
            ("D20", {"a": {"71A": None}, "b": [{"71A": "OUR"}]}, {"b": [{"71A": "OUR"}]}),
            ("D18", {"b": [{"52A": "MITTCHZZ"}]}, {"a": {"52A": "MITTCHZZ"}, "b": [{"52A": "MITTCHZZ"}]}),
            ("D22", {"a": {"36": "1,08"}, "b": [{"33B": "USD270,"}]}, {"b": [{"33B": "USD270,"}]}),
            ("D49", {"b": [{"33B": "EUR250,"}]}, {}),
            ("E13", {}, {"b": [{"33B": "EUR250,", "71F": "EUR1,"}]}),
            (
                "D50",
                {"b": [{"33B": "EUR250,", "71G": "EUR1,"}], "c": {"71G": "EUR1,"}},
                {"a": {"71A": "SHA"}, "b": [{"33B": "EUR250,", "71G": "EUR1,"}], "c": {"71G": "EUR1,"}},
            ),
            (
                "E15",
                {"a": {"71A": "BEN"}, "b": [{"33B": "EUR250,", "71F": "EUR1,"}]},
                {"a": {"71A": "BEN"}},
            ),
            (
                "D51",
                {"a": {"71A": "SHA"}, "b": [{"33B": "EUR250,", "71F": "EUR1,"}]},
                {"a": {"71A": "SHA"}, "b": [{"71F": "EUR1,"}]},
            ),
            (
                "D51",
                {"b": [{"33B": "EUR250,", "71G": "EUR1,"}], "c": {"71G": "EUR1,"}},
                {"b": [{"71G": "EUR1,"}], "c": {"71G": "EUR1,"}},
            ),
            (
                "D79",
                {"b": [{"33B": "EUR250,", "71G": "EUR1,"}], "c": {"71G": "EUR1,"}},
                {"b": [{"33B": "EUR250,", "71G": "EUR1,"}]},
            ),
            ("D93", {"a": {"23": "CHQB"}, "b": [{"59": "GAMMA KG"}]}, {"a": {"23": "CHQB"}}),
        )
    ),
    *both(
        "104",
        ("T47", {}, {"b": [{"23E": "ABCD"}]}),
        ("D81", {"b": [{"23E": "OTHR/X"}]}, {"b": [{"23E": "AUTH/X"}]}),
        ("C75", {"a": {"23E": "OTHR"}, "b": [{"23E": None}]}, {"a": {"23E": "OTHR"}}),
        ("C76", {"a": {"50K": None}, "b": [{"50K": "DELTA LTD"}]}, {"b": [{"50K": "DELTA LTD"}]}),
        ("D73", {"a": {"26T": "K90"}}, {"a": {"26T": "K90"}, "b": [{"26T": "K90"}]}),
        (
            "D77",
            {"a": {"21E": "REG-1"}},
            {"a": {"50K": None, "21E": "REG-1"}, "b": [{"50K": "DELTA LTD"}]},
        ),
        ("C82", RETURNED | {"b": [{"23E": None}]}, {"a": {"72": NOTE}}),
        (
            "C96",
            {"a": {"23E": "RFDD"}, "c": "none"},
            {"a": {"23E": "RFDD"}},
        ),
    ),
    *both(
        "107",
        ("T47", {}, {"a": {"23E": "ABCD"}}),
        ("D81", {"a": {"23E": "OTHR/X"}}, {"a": {"23E": "AUTH/X"}}),
        ("D86", FIRST, {"b": [{"23E": "AUTH"}]}),
        ("D86", {"a": {"50K": None}, "b": [{"50K": "DELTA LTD"}]}, {"b": [{"50K": "DELTA LTD"}]}),
        ("D73", {"a": {"26T": "K90"}}, {"a": {"26T": "K90"}, "b": [{"26T": "K90"}]}),
        (
            "D77",
            {"a": {"21E": "REG-1"}},
            {"a": {"50K": None, "21E": "REG-1"}, "b": [{"50K": "DELTA LTD"}]},
        ),
        ("C82", RETURNED, {"a": {"72": NOTE}}),
    ),
    *(
        row
        for key in ("104", "107")
        for row in both(
            key,
            ("C03", {"c": {"32B": "EUR251,", "19": "250,00"}}, {"c": {"32B": "EUR251,", "19": "250,000"}}),
            ("D82", RETURNED | NO_CODE[key], {"a": {"23E": "RTND", "72": "/ACC/X"}} | NO_CODE[key]),
            ("T80", RETURNED | NO_CODE[key], {"a": {"23E": "RTND", "72": "/RETN/57"}} | NO_CODE[key]),
            ("D79", {"b": [{"71F": "EUR1,"}], "c": {"71F": "EUR1,"}}, {"b": [{"71F": "EUR1,"}]}),
            ("D79", {"b": [{"71G": "EUR1,"}], "c": {"71G": "EUR1,"}}, {"b": [{"71G": "EUR1,"}]}),
            ("D21", {"b": [{"33B": "EUR251,"}]}, {"b": [{"33B": "EUR250,"}]}),
            ("D75", {"b": [{"33B": "USD270,", "36": "1,08"}]}, {"b": [{"33B": "USD270,"}]}),
            ("D80", {"c": {"32B": "EUR251,", "19": "250,"}}, {"c": {"19": "250,"}}),
            ("C01", {"c": {"32B": "EUR251,", "19": "250,"}}, {"c": {"32B": "EUR251,", "19": "249,"}}),
            ("C02", {"b": [{"32B": "USD250,"}], "c": {"32B": "USD250,"}}, {"c": {"32B": "USD250,"}}),
            (
                "C02",
                {"b": [{"71F": "EUR1,"}], "c": {"71F": "EUR1,"}},
                {"b": [{"71F": "EUR1,"}], "c": {"71F": "USD1,"}},
            ),
        )
    ),
    *both("110", ("T10", TEN, ELEVEN), ("C02", {"b": [{}, {}]}, {"b": [{}, {"32B": "USD1,"}]})),
    *both(
        "201",
        ("T10", TEN | {"a": {"19": "2500,"}}, ELEVEN | {"a": {"19": "2750,"}}),
        ("C03", {"a": {"19": "250,00"}}, {"a": {"19": "250,000"}}),
        ("C01", {}, {"a": {"19": "251,"}}),
        ("C02", {"b": [{}, {}], "a": {"19": "500,"}}, {"a": {"19": "251,"}, "b": [{}, {"32B": "USD1,"}]}),
    ),
    *both(
        "203",
        ("C03", {"a": {"19": "250,00"}}, {"a": {"19": "250,000"}}),
        ("C01", {}, {"a": {"19": "251,"}}),
        ("C81", {"b": [{"56A": "MITTCHZZ", "57A": "ENDEGB2L"}]}, {"b": [{"56A": "MITTCHZZ"}]}),
        ("C02", {"b": [{}, {}], "a": {"19": "500,"}}, {"a": {"19": "251,"}, "b": [{}, {"32B": "USD1,"}]}),
        ("T10", TEN | {"a": {"19": "2500,"}}, ELEVEN | {"a": {"19": "2750,"}}),
    ),
    *both(
        "204",
        ("C03", {"a": {"19": "250,00"}}, {"a": {"19": "250,000"}}),
        ("C01", {}, {"a": {"19": "251,"}}),
        ("C02", {"b": [{}, {}], "a": {"19": "500,"}}, {"a": {"19": "251,"}, "b": [{}, {"32B": "USD1,"}]}),
        ("T10", TEN | {"a": {"19": "2500,"}}, ELEVEN | {"a": {"19": "2750,"}}),
    ),
    *both(
        "210",
        ("T10", TEN, ELEVEN),
        ("C06", {"b": [{"52A": None, "50": "DELTA LTD"}]}, {"b": [{"50": "DELTA LTD"}]}),
        ("C02", {"b": [{}, {}]}, {"b": [{}, {"32B": "USD1,"}]}),
    ),
    *both(
        "920",
        ("T88", {}, {"b": [{"12": "103"}]}),
        ("C22", {"b": [{"12": "942", "34F": "EUR0,"}]}, {"b": [{"12": "942"}]}),
        ("C23", {"b": [{"12": "942", "34F": ["EURD1,", "EURC1,"]}]}, {"b": [{"12": "942", "34F": "EURD1,"}]}),
        (
            "C40",
            {"b": [{"12": "942", "34F": ["EURD1,", "EURC1,"]}]},
            {"b": [{"12": "942", "34F": ["EURD1,", "USDC1,"]}]},
        ),
    ),
    *both(
        "935",
        ("T10", TEN, ELEVEN),
        ("C83", {"b": [{"25": None, "23": "CURRENT"}]}, {"b": [{"23": "CURRENT"}]}),
    ),
    ("941", "C27", {"a": {"90D": "1EUR1,"}}, {"a": {"90D": "1USD1,"}}),
    ("970", "C27", {"a": {"64": "C261123EUR1,"}}, {"a": {"64": "C261123USD1,"}}),
    ("972", "C27", {"a": {"64": "C261123EUR1,"}}, {"a": {"64": "C261123USD1,"}}),
    ("973", "T88", {}, {"b": [{"12": "103"}]}),
    ("195", "C31", {"a": {"79": "WHY"}}, {"a": {"79": "WHY"}, "copy": ":32A:261123EUR250,"}),
    ("196", "C31", {"a": {"79": "SO"}}, {"a": {"79": "SO"}, "copy": ":32A:261123EUR250,"}),
]


def fields(key, letter, values):
    """Lines of a sequence's fields in the order of the layout, those after a later sequence apart."""
    layout = layout_of("n" + key[1:] if key in {"195", "196"} else key)
    before, after, placed, others = [], [], set(), False
    for slot, belongs in zip(layout.slots, layout.letters, strict=True):
        others = others or belongs != letter
        for tag in sorted(slot.tags & values.keys() - placed) if belongs == letter else ():
            placed.add(tag)
            given = values[tag] if isinstance(values[tag], list) else [values[tag]]
            (after if others and letter == "A" else before).extend(
                f":{tag}:{each}" for each in given if each is not None
            )
    return before, after


def message(key, changes, banks):
    head, each, end = BASES[key]
    before, after = fields(key, "A", head | changes.get("a", {}))
    lines = before
    for change in changes.get("b", [{}]) if each is not None else []:
        lines += fields(key, "B", each | change)[0]
    if end is not None and changes.get("c") != "none":
        lines += fields(key, "C", end | changes.get("c", {}))[0]
    lines += after + ([changes["copy"]] if "copy" in changes else [])
    number, flag = key[:3], key[3:]
    block3 = (f"{{119:{flag}}}" if flag else "") + f"{{121:{UETR}}}"
    start = f"{{1:F01{banks[0]}0042000017}}{{2:I{number}{banks[1]}N}}{{3:{block3}}}{{4:\n"
    return (start + "\n".join(lines) + "\n-}").encode()


def errors(data):
    return [(finding.code, finding.rule) for finding in read(data, mode="strict")[0].errors()]


def judged(row):
    key, code, keeps, breaks = row
    banks = EUROPE if code == "D49" else ABROAD
    return errors(message(key, keeps, banks)), errors(message(key, breaks, banks))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{row[1]}-{place}" for place, row in enumerate(ROWS)])
def test_rule_is_kept_or_broken_alone(row):
    kept, broken = judged(row)
    assert kept == []
    assert [code for code, _ in broken] == [row[1]]


def test_every_rule_of_the_tables_is_tried():
    tried = {
        (row[0].replace("195", "n95").replace("196", "n96"), broken[0]) for row in ROWS for broken in judged(row)[1:]
    }
    keys = {*BATCH_RULES, "941", "970", "972", "n95", "n96"}
    missing = [
        (key, rule.number, rule.code, rule.text)
        for key in keys
        for rule in RULES[key]
        if (key, (rule.code, f"{rule.text} (rule {rule.number})")) not in tried
    ]
    assert missing == []
