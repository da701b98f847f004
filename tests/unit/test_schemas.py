"""The schema files are those of the manifest, compile, and come out of the generator byte for byte."""

from __future__ import annotations

import hashlib
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from lxml import etree

import schemas.iso20022 as iso
from schemas.iso20022 import NAMESPACE, definition, identifiers, manifest

FOLDER = Path(iso.__file__).parent


def test_the_manifest_lists_exactly_the_files_with_their_hashes() -> None:
    files = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.xsd")}
    assert {name: source.sha256 for name, source in manifest().schemas.items()} == files
    assert len(files) > 100
    assert (manifest().package, manifest().licence) == ("pyiso20022", "MIT")


@pytest.mark.parametrize("family", sorted({name[:4] for name in identifiers()}))
def test_every_schema_compiles_and_has_the_namespace_of_its_name(family: str) -> None:
    for identifier in identifiers():
        if identifier.startswith(family):
            root = etree.fromstring((FOLDER / f"{identifier}.xsd").read_bytes())
            assert root.get("targetNamespace") == NAMESPACE + identifier
            etree.XMLSchema(root)


def test_a_definition_knows_the_elements_that_carry_a_currency() -> None:
    found = definition(NAMESPACE + "pacs.008.001.08")
    assert found is not None
    assert found.identifier == "pacs.008.001.08"
    assert {"IntrBkSttlmAmt", "InstdAmt", "TtlIntrBkSttlmAmt"} <= found.amounts
    assert "CtrlSum" not in found.amounts


def test_a_namespace_without_schema_has_no_definition() -> None:
    assert definition(NAMESPACE + "pacs.008.001.99") is None
    assert definition(NAMESPACE + "../../pyproject") is None
    assert definition("pacs.008.001.08") is None


def test_threads_do_not_share_a_compiled_schema() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(definition(NAMESPACE + "head.001.001.02")))
    thread.start()
    thread.join()
    mine = definition(NAMESPACE + "head.001.001.02")
    assert mine is not None
    assert found[0].schema is not mine.schema
    assert definition(NAMESPACE + "head.001.001.02") is mine


def test_a_file_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "head.001.001.03"
    (tmp_path / f"{name}.xsd").write_bytes((FOLDER / f"{name}.xsd").read_bytes() + b"\n")
    manifest()  # read before the folder is another one
    monkeypatch.setattr(iso, "_FOLDER", tmp_path)
    with pytest.raises(iso.SchemaTamperedError, match=name):
        definition(NAMESPACE + name)


@pytest.mark.parametrize("identifier", ["pacs.008.001.08", "pacs.002.001.10", "head.001.001.02", "camt.053.001.02"])
def test_generating_again_gives_the_same_bytes(identifier: str) -> None:
    try:
        if version("pyiso20022") != manifest().version:
            pytest.skip("another version of the package is installed")
    except PackageNotFoundError:
        pytest.skip("the package is installed for development only")
    from tools.generate_schemas import generate, modules, package_root

    paths = dict(modules(package_root()))
    assert set(paths) == set(identifiers())
    assert generate(paths[identifier]) == (FOLDER / f"{identifier}.xsd").read_bytes()
