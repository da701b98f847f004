"""Publishers' files become entries; what is unknown is kept and said; what is broken or shrinks is refused."""

from __future__ import annotations

import pytest

from engine.compliance.countries import country_code
from engine.compliance.importing import birth_date
from engine.compliance.list_xml import import_eu_xml, import_ofac_xml
from engine.compliance.ofac import import_ofac_csv
from engine.compliance.watchlist import Entry, Identifier, ListedName, build

NULL = "-0- "
SDN = (
    f'101,"TESZKOVARY, Orlan","individual","QXA] [QXB",{",".join([NULL] * 7)},'
    '"DOB 28 Jul 1963; alt. DOB circa 1964; POB Nowhere; nationality Hungary; Passport HX123 (Hungary); '
    "a.k.a. 'BIG ORLAN'; Gender Male; Digital Currency Address - XBT 1QXabc; Shoe size 44; Linked To: ALBA.\"\n"
    f'102,"ALBA NORDA, S.A.",{NULL},"QXA",{",".join([NULL] * 7)},"SWIFT/BIC ALBADEFF; Tax ID No. 77-1 (Utop'
    '"\n'
    f'103,"PHANTOM HERON","vessel","QXA",{NULL},"QX7",{NULL},{NULL},{NULL},"Panama",{NULL},'
    '"Vessel Registration Identification IMO 9990055; MMSI 100000001."\n\x1a'
).encode()
ALT = b'101,1,"aka","TESCOVARI, Orlan",-0- \n102,2,"xka","NORDALBA",-0- \n999,3,"aka","STRAY NAME",-0- \n'
ADD = b'102,1,"1 Rue X","Paris 75001","France",-0- \n101,2,-0- ,-0- ,"Atlantis",-0- \n'
COMMENTS = b'102,"ia); Company Number 4455."\n'


def ofac(**changes: object):
    values = {"sdn": SDN, "alt": ALT, "add": ADD, "comments": COMMENTS, "date": "2026-11-01"} | changes
    return import_ofac_csv(**values)


def by_id(made):
    return {entry.id.rpartition(":")[2]: entry for entry in made.watchlist.entries}


def test_ofac_csv_person():
    person = by_id(ofac())["101"]
    assert person.type == "person"
    assert person.programme == "QXA, QXB"
    assert person.names == (
        ListedName("TESZKOVARY, Orlan"),
        ListedName("TESCOVARI, Orlan", "strong"),
        ListedName("BIG ORLAN", "weak"),
    )
    assert person.birth_dates == ("1963-07-28", "1964")
    assert person.countries == ("HU",)
    assert Identifier("Passport", "HX123", "HU") in person.identifiers
    assert Identifier("Digital Currency Address XBT", "1QXabc") in person.identifiers


def test_ofac_csv_remarks_go_on_in_the_comments_file_within_a_word():
    organisation = by_id(ofac())["102"]
    assert organisation.bics == ("ALBADEFF",)
    assert Identifier("Tax ID No.", "77-1", "Utopia") in organisation.identifiers
    assert Identifier("Company Number", "4455") in organisation.identifiers
    assert organisation.countries == ("FR",)


def test_ofac_csv_vessel():
    vessel = by_id(ofac())["103"]
    assert vessel.countries == ("PA",)
    assert {identifier.value for identifier in vessel.identifiers} == {"9990055", "100000001", "QX7"}


def test_ofac_csv_says_and_keeps_what_it_does_not_know():
    made = ofac()
    assert {(finding.code, finding.value) for finding in made.findings} == {
        ("LIST-UNKNOWN", "Shoe size 44"),
        ("LIST-UNKNOWN", "xka"),
        ("LIST-UNKNOWN", "Atlantis"),
        ("LIST-ORPHAN", "STRAY NAME"),
    }
    kept = {identifier.value for identifier in by_id(made)["101"].identifiers}
    assert {"Shoe size 44", "Atlantis"} <= kept
    assert ListedName("NORDALBA", "strong") in by_id(made)["102"].names


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"sdn": b""}, "entries"),
        ({"sdn": SDN + b"104,too,short\n"}, "sdn.csv line 4"),
        ({"sdn": SDN + b'104,"open'}, "sdn.csv line 4"),
        ({"sdn": SDN + SDN}, "entries"),
        ({"alt": b"101,1\n"}, "alt.csv line 1"),
    ],
    ids=["empty", "too few columns", "cut", "twice", "alias too short"],
)
def test_broken_ofac_csv_is_refused(changes, place):
    made = ofac(**changes)
    assert made.watchlist is None
    assert [finding.place for finding in made.findings if finding.severity == "error"][:1] == [place]


def previous(count: int, date: str = "2026-10-01"):
    return build("old", date, [Entry(id=f"O:{n}", list="O", names=(ListedName("A"),)) for n in range(count)])


@pytest.mark.parametrize(
    ("old", "taken"),
    [(previous(3), True), (previous(4), False), (previous(2), True), (previous(3, "2026-12-01"), False)],
    ids=["same size", "a quarter lost", "grown", "older"],
)
def test_a_list_that_shrinks_or_is_older_is_refused_unless_forced(old, taken):
    assert (ofac(previous=old).watchlist is not None) is taken
    assert ofac(previous=old, force=True).watchlist is not None


def test_the_list_knows_its_inputs_and_measure():
    made = ofac(list_name="QX", measure="refer").watchlist
    assert sorted(made.inputs) == ["add.csv", "alt.csv", "sdn.csv", "sdn_comments.csv"]
    assert {entry.measure for entry in made.entries} == {"refer"}
    assert made.entries[0].id == "QX:101"


EU = """<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="urn:qx" generationDate="2026-11-02T10:00:00">
 <sanctionEntity logicalId="7" euReferenceNumber="EU.7.1">
  <regulation programme="QXA"/><regulation programme="QXA"/>
  <subjectType code="person" classificationCode="P"/>
  <nameAlias wholeName="Orli" strong="false"/>
  <nameAlias firstName="Orlan" lastName="Teszkovary" wholeName="" strong="true"/>
  <nameAlias wholeName="Tesz" strong="true"><remark>Low quality alias</remark></nameAlias>
  <birthdate birthdate="1963-07-28"/><birthdate year="1964"/><birthdate yearRangeFrom="1960" yearRangeTo="1962"/>
  <birthdate year="1342" calendarType="ISLAMIC"/>
  <citizenship countryIso2Code="HU" countryDescription="HUNGARY"/>
  <address countryIso2Code="00" countryDescription="UNKNOWN"/>
  <identification identificationTypeCode="passport" number="HX123" countryIso2Code="HU"/>
  <identification identificationTypeCode="passport" number="HX999" knownFalse="true"/>
  <identification identificationTypeCode="horoscope" number="LEO"/>
 </sanctionEntity>
 <sanctionEntity logicalId="8" euReferenceNumber="EU.8.1">
  <subjectType code="enterprise" classificationCode="E"/>
  <nameAlias wholeName="Alba Norda" strong="true"/>
  <identification identificationTypeCode="swiftbic" number="ALBA DEFF"/>
 </sanctionEntity>
 <sanctionEntity logicalId="9" euReferenceNumber="EU.9.1"><subjectType classificationCode="E"/></sanctionEntity>
</export>"""


def test_eu_xml():
    made = import_eu_xml(EU.encode())
    person, organisation = made.watchlist.entries
    assert made.watchlist.date == "2026-11-02"
    assert person.names == (ListedName("Orlan Teszkovary"), ListedName("Orli", "weak"), ListedName("Tesz", "weak"))
    assert person.birth_dates == ("1963-07-28", "1964", "1960..1962")
    assert (person.programme, person.countries) == ("QXA", ("HU",))
    assert [identifier.value for identifier in person.identifiers] == ["1342 ISLAMIC", "HX123", "LEO"]
    assert (organisation.type, organisation.bics) == ("organisation", ("ALBADEFF",))
    assert sorted(finding.code for finding in made.findings) == ["LIST-NAMELESS", "LIST-UNKNOWN", "LIST-UNKNOWN"]


OFAC = """<sdnList xmlns="urn:qx"><publshInformation><Publish_Date>11/03/2026</Publish_Date>
<Record_Count>2</Record_Count></publshInformation>
<sdnEntry><uid>11</uid><firstName>Orlan</firstName><lastName>TESZKOVARY</lastName><sdnType>Individual</sdnType>
<programList><program>QXA</program></programList>
<akaList><aka><type>a.k.a.</type><category>weak</category><lastName>ORLI</lastName></aka></akaList>
<idList><id><idType>Passport</idType><idNumber>HX123</idNumber><idCountry>Hungary</idCountry></id>
<id><idType>Gender</idType><idNumber>Male</idNumber></id></idList>
<nationalityList><nationality><country>Hungary</country></nationality></nationalityList>
<dateOfBirthList><dateOfBirthItem><dateOfBirth>28 Jul 1963</dateOfBirth></dateOfBirthItem></dateOfBirthList></sdnEntry>
<sdnEntry><lastName>ALBA NORDA</lastName><sdnType>Entity</sdnType></sdnEntry></sdnList>"""


def test_ofac_xml():
    made = import_ofac_xml(OFAC.encode())
    person, organisation = made.watchlist.entries
    assert made.watchlist.date == "2026-11-03"
    assert person.names == (ListedName("Orlan TESZKOVARY"), ListedName("ORLI", "weak"))
    assert person.identifiers == (Identifier("Passport", "HX123", "HU"),)
    assert (person.birth_dates, person.countries) == (("1963-07-28",), ("HU",))
    assert organisation.id.startswith("OFAC-SDN:unnumbered-")


def test_ofac_xml_checks_the_announced_number_of_records():
    made = import_ofac_xml(OFAC.replace("<Record_Count>2<", "<Record_Count>3<").encode())
    assert made.watchlist is None
    assert "announces 3" in made.findings[-1].rule


@pytest.mark.parametrize("importer", [import_eu_xml, import_ofac_xml])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<other/>",
        b'<!DOCTYPE export [<!ENTITY x "y">]><export generationDate="2026-01-01">&x;</export>',
        b"<export" * 50_000,
    ],
    ids=["empty", "text", "another root", "document type", "deep"],
)
def test_unusable_xml_is_refused_with_a_finding(importer, data):
    made = importer(data)
    assert made.watchlist is None
    assert made.findings[0].code == "LIST-BROKEN"


@pytest.mark.parametrize(
    ("text", "date"),
    [("1951", "1951"), ("3 Mar 1951", "1951-03-03"), ("Mar 1951", "1951-03"), ("1951 to 1953", "1951..1953")],
)
def test_birth_dates_as_published(text, date):
    assert birth_date(text) == birth_date(f"circa {text}") == date


@pytest.mark.parametrize("text", ["", "unknown", "31 Foo 1951", "12 1951", "51"])
def test_other_birth_dates_are_unknown(text):
    assert birth_date(text) is None


def test_countries_by_name_code_and_former_name():
    assert [country_code(text) for text in ("Hungary", "hu", "Burma", "Korea, North", "Côte d'Ivoire", "Lemuria")] == [
        "HU",
        "HU",
        "MM",
        "KP",
        "CI",
        None,
    ]
