"""Write the XML schemas of schemas/iso20022 from the published ISO 20022 message definitions.

Rule: same package, same bytes. The definitions (element order, types, cardinality, facets) are read from the source
text of the dataclasses in the MIT-licensed package ``pyiso20022``, as data: nothing of it is imported or run. What
dataclasses cannot say (choices, ``xs:any``, partial dates) is restored by ISO's naming rule and the tables below.
Names of simple types and annotations are not in the package; simple types get names in ISO's manner (``Max35Text``).

Usage: ``python -m tools.generate_schemas`` rewrites schemas/iso20022 and its manifest.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from lxml import etree

PACKAGE = "pyiso20022"
TARGET = Path(__file__).resolve().parent.parent / "schemas" / "iso20022"

#: Message type -> versions that get a schema: the 2009 edition, and those from the 2019 edition on; what lies between
#: only where it is met in practice. All versions together would be 10 MB.
VERSIONS = {
    "head.001": "01-04",
    "admi.002": "01",
    "admi.004": "02",
    "admi.007": "01",
    "pacs.002": "03 08-15",
    "pacs.003": "02 07-11",
    "pacs.004": "02 09-14",
    "pacs.007": "02 09-13",
    "pacs.008": "02-13",
    "pacs.009": "02 07-12",
    "pacs.010": "02-06",
    "pacs.028": "01-06",
    "pacs.029": "01-02",
    "pain.001": "03 08-12",
    "pain.002": "03 10-14",
    "pain.007": "02 08-11",
    "pain.008": "02 07-10",
    "pain.013": "07-11",
    "pain.014": "07-11",
    "camt.025": "08",
    "camt.026": "07-10",
    "camt.028": "09-12",
    "camt.029": "03 09-13",
    "camt.050": "07",
    "camt.052": "02 04 06 08 11-12",
    "camt.053": "02-04 08 10-12",
    "camt.054": "02 04 08 11-12",
    "camt.055": "08-12",
    "camt.056": "01 08-11",
    "camt.060": "03-07",
    "camt.110": "01",
    "camt.111": "01",
    "remt.001": "04-06",
}

_BASES = {
    "str": "xs:string",
    "bool": "xs:boolean",
    "Decimal": "xs:decimal",
    "XmlDate": "xs:date",
    "XmlDateTime": "xs:dateTime",
    "XmlTime": "xs:time",
    "bytes": "xs:base64Binary",
}
#: Partial dates: the package says XmlPeriod for all of them, the element's name says which.
_PERIODS = {"Yr": "xs:gYear", "FctvDt": "xs:gYearMonth", "XpryDt": "xs:gYearMonth"}
#: Choices of the 2009 edition that are not named ...Choice.
_UNNAMED_CHOICES = frozenset({"CashAccountType2", "CashBalanceAvailabilityDate1"})
#: Branches of a choice that may be empty: type name's beginning -> element names (None: all of them).
_OPTIONAL_BRANCHES: dict[str, frozenset[str] | None] = {
    "MandateRelatedData": None,
    "References74Choice": frozenset({"CtrPtyMktInfrstrctrTxId"}),
}
#: Names for the patterns that carry meaning; another pattern is numbered within its schema.
_PATTERN_NAMES = {
    r"[A-Z]{2,2}": "CountryCode",
    r"[A-Z]{3,3}": "CurrencyCode",
    r"[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}": "IBAN2007Identifier",
    r"[A-Z0-9]{18,18}[0-9]{2,2}": "LEIIdentifier",
    r"[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}": "BICIdentifier",
    r"[A-Z]{6,6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3,3}){0,1}": "BIC2009Identifier",
    r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}": "UUIDv4Identifier",
    r"\+[0-9]{1,3}-[0-9()+\-]{1,30}": "PhoneNumber",
}
_FACETS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "min_inclusive": "minInclusive",
    "total_digits": "totalDigits",
    "fraction_digits": "fractionDigits",
}


@dataclass(frozen=True)
class Field:
    """One field of a definition: its element or attribute, the Python type's name, facets and cardinality."""

    type: str
    many: bool
    facts: dict[str, object]


@dataclass
class Definitions:
    """The definitions of one module: complex types (fields in order), code lists, the root and its namespace."""

    namespace: str = ""
    complex_types: dict[str, list[Field]] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def read_definitions(source: str) -> Definitions:
    """Read a module's dataclasses and enumerations from its text."""
    found = Definitions()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__NAMESPACE__":
            found.namespace = ast.literal_eval(node.value)
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [ast.unparse(base) for base in node.bases]
        if bases == ["Enum"]:
            found.codes[node.name] = [str(_value(item.value)) for item in node.body if isinstance(item, ast.Assign)]
            continue
        if bases:
            found.parents[node.name] = bases[0]
        found.complex_types[node.name] = [_read_field(item) for item in node.body if isinstance(item, ast.AnnAssign)]
    return found


def _read_field(node: ast.AnnAssign) -> Field:
    call = node.value
    assert isinstance(call, ast.Call), ast.unparse(node)
    metadata = next(keyword.value for keyword in call.keywords if keyword.arg == "metadata")
    assert isinstance(metadata, ast.Dict), ast.unparse(node)
    facts = {
        ast.literal_eval(key): _value(value)
        for key, value in zip(metadata.keys, metadata.values, strict=True)
        if key is not None
    }
    names = [part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)]
    return Field(next(name for name in names if name != "list"), "list" in names, facts)


def _value(node: ast.expr) -> object:
    """A literal, or the text of a ``Decimal("...")``."""
    return ast.literal_eval(node.args[0] if isinstance(node, ast.Call) else node)


class SchemaWriter:
    """Writes one schema. Types come out sorted by name, and only those that the root reaches."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._simple_types: dict[str, str] = {}
        self._patterns: dict[str, int] = {}

    def write(self) -> str:
        """The schema's text."""
        root = "AppHdr" if "AppHdr" in self._definitions.complex_types else "Document"
        lines: dict[str, str] = {}
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name not in lines:
                lines[name] = self._complex_type(name)
                waiting += [item.type for item in self._fields(name) if item.type in self._definitions.complex_types]
        body = [lines[name] for name in sorted(lines)]
        simple = [self._simple_types[name] for name in sorted(self._simple_types)]
        namespace = self._definitions.namespace
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{namespace}"'
                f' targetNamespace="{namespace}" elementFormDefault="qualified">',
                f'<xs:element name="{root}" type="{root}"/>',
                *body,
                *simple,
                "</xs:schema>\n",
            ]
        )

    def _fields(self, name: str) -> list[Field]:
        parent = self._definitions.parents.get(name)
        return (self._fields(parent) if parent else []) + self._definitions.complex_types[name]

    def _complex_type(self, name: str) -> str:
        fields = self._fields(name)
        attributes = "".join(self._attribute(item) for item in fields if item.facts.get("type") == "Attribute")
        value = next((item for item in fields if "type" not in item.facts), None)
        if value is not None:
            inside = (
                f'<xs:simpleContent><xs:extension base="{self._type_of(value)}">{attributes}'
                "</xs:extension></xs:simpleContent>"
            )
            return f'<xs:complexType name="{name}">{inside}</xs:complexType>'
        choice = "Choice" in name or name in _UNNAMED_CHOICES
        group = "choice" if choice else "sequence"
        particles = "\n".join(self._particle(name, choice, item) for item in fields)
        return f'<xs:complexType name="{name}"><xs:{group}>\n{particles}\n</xs:{group}>{attributes}</xs:complexType>'

    def _attribute(self, item: Field) -> str:
        use = ' use="required"' if item.facts.get("required") else ""
        return f'<xs:attribute name="{item.facts["name"]}" type="{self._type_of(item)}"{use}/>'

    def _particle(self, owner: str, choice: bool, item: Field) -> str:
        if item.facts["type"] == "Wildcard":
            # One element exactly, in every definition that has a wildcard; the package says "object or None".
            return f'<xs:any namespace="{item.facts.get("namespace", "##any")}" processContents="lax"/>'
        least, most = _occurrence(item)
        if choice:
            optional = any(
                owner.startswith(start) and (names is None or item.facts["name"] in names)
                for start, names in _OPTIONAL_BRANCHES.items()
            )
            least = 0 if optional else max(least, 1)
        occurs = ("" if least == 1 else f' minOccurs="{least}"') + ("" if most == "1" else f' maxOccurs="{most}"')
        return f'<xs:element name="{item.facts["name"]}" type="{self._type_of(item)}"{occurs}/>'

    def _type_of(self, item: Field) -> str:
        if item.type in self._definitions.complex_types:
            return item.type
        if item.type in self._definitions.codes:
            codes = "".join(f"<xs:enumeration value={quoteattr(code)}/>" for code in self._definitions.codes[item.type])
            self._simple_types[item.type] = _restriction(item.type, "xs:string", codes)
            return item.type
        if item.type == "XmlPeriod":
            return _PERIODS[str(item.facts["name"])]
        base = _BASES[item.type]
        facets = {name: item.facts[name] for name in _FACETS if name in item.facts}
        if not facets:
            return base
        name = self._facet_name(facets)
        body = "".join(f"<xs:{_FACETS[key]} value={quoteattr(str(value))}/>" for key, value in facets.items())
        self._simple_types[name] = _restriction(name, base, body)
        return name

    def _facet_name(self, facets: dict[str, object]) -> str:
        if "total_digits" in facets:
            floor = f"Min{facets['min_inclusive']}" if "min_inclusive" in facets else ""
            return f"Decimal{facets['total_digits']}Fraction{facets['fraction_digits']}{floor}"
        if "pattern" in facets:
            pattern = str(facets["pattern"])
            name = (
                _PATTERN_NAMES.get(pattern) or f"Pattern{self._patterns.setdefault(pattern, len(self._patterns) + 1)}"
            )
            return name + "".join(f"_{value}" for key, value in facets.items() if key != "pattern")
        least, most = facets.get("min_length", 0), facets.get("max_length")
        if least == most:
            return f"Exact{least}Text"
        return ("" if least == 1 else f"Min{least}") + (f"Max{most}Text" if most is not None else "Text")


def _occurrence(item: Field) -> tuple[int, str]:
    if item.many:
        return int(str(item.facts.get("min_occurs", 0))), str(item.facts.get("max_occurs", "unbounded"))
    return (1 if item.facts.get("required") else 0), "1"


def _restriction(name: str, base: str, body: str) -> str:
    return f'<xs:simpleType name="{name}"><xs:restriction base="{base}">{body}</xs:restriction></xs:simpleType>'


def package_root() -> Path:
    """The folder of the installed package; PackageNotFoundError when it is not there."""
    return Path(str(importlib.metadata.distribution(PACKAGE).locate_file(PACKAGE)))


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Message identifier and module file of every version of VERSIONS that the package holds, sorted."""
    for path in sorted(root.glob("*/*/*.py")):
        match = re.fullmatch(r"([a-z]{4})_(\d{3})_001_(\d{2})", path.stem)
        if match and _wanted(match[3], VERSIONS.get(f"{match[1]}.{match[2]}", "")):
            yield path.stem.replace("_", "."), path


def _wanted(version: str, ranges: str) -> bool:
    return any(first <= version <= (last or first) for first, _, last in (r.partition("-") for r in ranges.split()))


def generate(path: Path) -> bytes:
    """The schema of one module, as UTF-8 bytes."""
    return SchemaWriter(read_definitions(path.read_text("utf-8"))).write().encode()


def main() -> int:
    """Rewrite schemas/iso20022; definitions that give no usable schema are named and left out."""
    root = package_root()
    version = importlib.metadata.version(PACKAGE)
    for stale in TARGET.glob("*.xsd"):
        stale.unlink()
    schemas = {}
    for identifier, path in modules(root):
        text = generate(path)
        try:
            etree.XMLSchema(etree.fromstring(text))
        except etree.XMLSchemaParseError as problem:
            print(f"left out: {identifier}: {problem}", file=sys.stderr)
            continue
        (TARGET / f"{identifier}.xsd").write_bytes(text)
        module = ".".join((PACKAGE, *path.relative_to(root).with_suffix("").parts))
        schemas[identifier] = {"module": module, "sha256": hashlib.sha256(text).hexdigest()}
    manifest = {"generator": "tools/generate_schemas.py", "package": PACKAGE, "version": version, "licence": "MIT"}
    text_out = json.dumps({**manifest, "schemas": schemas}, indent=1) + "\n"
    (TARGET / "manifest.json").write_text(text_out, "utf-8")
    print(f"{len(schemas)} schemas, {sum(p.stat().st_size for p in TARGET.glob('*.xsd')):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
