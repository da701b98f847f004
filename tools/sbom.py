"""What is inside: a CycloneDX 1.6 document of the packages and jars that the lock files name, with their SHA-256.

    .venv/bin/python -m tools.sbom               on stdout
    .venv/bin/python -m tools.sbom FILE          into a file

Rule: the lock files are the truth, so the same locks give the same bytes: no time, no random serial number. Licences
are those that the installed packages declare; nothing is asked of any registry.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
PYTHON_LOCK, KAFKA_LOCK = ROOT / "requirements" / "lock.txt", ROOT / "engine" / "stack" / "kafka.lock"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_JAR = re.compile(r"^([^:#\s]+):([^:\s]+):(\S+) sha256:([0-9a-f]{64})$")


def python_components(lock: str) -> list[dict[str, Any]]:
    """One component a pinned package; a package of several wheels has several hashes, kept as properties."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        pinned = _PINNED.match(line)
        if pinned:
            found.append(_python(pinned[1], pinned[2], pinned[3]))
        elif found and (digest := _HASH.search(line)):
            found[-1]["properties"].append({"name": "qenex:wheel:sha256", "value": digest[1]})
    return found


def _python(name: str, number: str, marker: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{number}"
    component: dict[str, Any] = {
        "type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl, "properties": [],
    }  # fmt: skip
    if licence := _licence(name):
        component["licenses"] = [{"license": {"name": licence}}]
    if marker:
        component["properties"].append({"name": "qenex:marker", "value": marker.strip()})
    return component


def _licence(name: str) -> str | None:
    """What the installed package declares: its expression, else its classifiers, else the first line of its text."""
    try:
        found = cast(Message, metadata(name))  # which it is: the declared protocol lacks `get` before 3.12
    except PackageNotFoundError:  # for another platform
        return None
    if expression := found.get("License-Expression"):
        return str(expression)
    named = [each.rpartition(" :: ")[2] for each in found.get_all("Classifier", []) if each.startswith("License ::")]
    if named:
        return " OR ".join(named)
    text = str(found.get("License") or "").strip()
    return text.splitlines()[0][:120] if text else None


def jar_components(lock: str) -> list[dict[str, Any]]:
    """One component a jar of Kafka."""
    found = []
    for line in lock.splitlines():
        if jar := _JAR.match(line):
            group, artifact, number, digest = jar.groups()
            purl = f"pkg:maven/{group}/{artifact}@{number}"
            found.append(
                {
                    "type": "library", "bom-ref": purl, "group": group, "name": artifact, "version": number,
                    "purl": purl, "hashes": [{"alg": "SHA-256", "content": digest}],
                }
            )  # fmt: skip
    return found


def document() -> dict[str, Any]:
    """The whole document."""
    python, kafka = PYTHON_LOCK.read_text(encoding="utf-8"), KAFKA_LOCK.read_text(encoding="utf-8")
    own = f"pkg:generic/qenex@{version('qenex')}"
    identity = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256((own + python + kafka).encode()).hexdigest())
    components = [*python_components(python), *jar_components(kafka)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": own, "name": "qenex", "version": version("qenex")}
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": sorted(each["bom-ref"] for each in components)}],
    }


def main() -> None:
    """Write it."""
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
