"""A rule that is demoted for one sender warns, is on record, and stays an error for all others."""

from collections import defaultdict

import pytest
from pydantic import ValidationError

from engine.bus.record import Record
from engine.processors.parsing import ParsingFacts, parse_record
from engine.routing.directory import Directory, Reference
from engine.wire import Envelope

LIND, OAK = "LINDSESSXXX", "OAKBGB2LXXX"
#: A transfer between two countries of the list of rule C7 without field 33B.
TRANSFER = (
    "{{1:F01{}A{}0001000007}}{{2:I103NORDDEFFXXXXN}}{{4:\r\n:20:REF1\r\n:23B:CRED\r\n:32A:261124EUR100,\r\n"
    ":50K:ANNA LIND\r\n:59:/222\r\nOAK TRADING\r\n:71A:SHA\r\n-}}"
)


def directory(*codes: str) -> Directory:
    """Two participants; the codes are demoted for the first."""
    return Directory(
        1,
        Reference.model_validate(
            {
                "participants": [
                    {"bic": LIND, "name": "Lind Bank", "demoted_rules": list(codes)},
                    {"bic": OAK, "name": "Oak Bank"},
                ]
            }
        ),
    )


def arrived(sender: str, known: Directory) -> Envelope:
    value = TRANSFER.format(sender[:8], sender[8:]).encode()
    record = Record("ingest.swift-mt", 0, 7, 1_795_000_000_000, sender.encode(), value, {})
    (envelope,) = parse_record(record, ParsingFacts(known, {}, False, defaultdict(int)))
    return envelope


def test_an_error_of_a_demoted_rule_is_a_warning_and_its_use_is_on_record():
    envelope = arrived(LIND, directory("D49"))
    assert envelope.state == "RECEIVED"
    found = [(one.code, one.severity) for one in envelope.findings if one.code in {"D49", "N09"}]
    assert found == [("D49", "warning"), ("N09", "warning")]


def test_others_are_held_to_the_rule():
    refused = arrived(OAK.replace("GB", "SE"), directory("D49"))
    assert (refused.state, refused.rejection and refused.rejection.code) == ("REJECTED", "D49")
    assert arrived(LIND, directory()).state == "REJECTED"


@pytest.mark.parametrize("code", ["C03", "T52", "H03", "T50", "N06", "NONE"])
def test_what_protects_money_cannot_be_demoted(code):
    with pytest.raises(ValidationError, match=r"cannot be set aside|is not the code of a rule"):
        directory(code)


def test_a_sender_without_a_bic_has_no_rules_to_demote():
    with pytest.raises(ValidationError, match="demoted for the BIC"):
        Reference.model_validate(
            {"participants": [{"routing_number": "011000015", "name": "First Bank", "demoted_rules": ["D49"]}]}
        )
