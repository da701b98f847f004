"""Kafka's jars: exactly those of ``kafka.lock``, fetched once into the virtual environment, checked at every start.

Rule: the lock file names each jar by its Maven coordinates and SHA-256 and holds no address; a jar comes into the
folder only after its hash agreed; a start is refused when one differs. ``tools/lock.py kafka`` writes the lock file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import ssl
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from engine.errors import BrokenPiece

#: Where Debian and its kin, and Red Hat and its kin, keep the authorities that the machine trusts.
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_PARALLEL = 8  # downloads at once: enough to hide the latency, few enough to be polite


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: ``coordinates`` are group:artifact:version."""

    coordinates: str
    sha256: str

    @property
    def name(self) -> str:
        """File name, as Maven gives it."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def locked() -> tuple[Jar, ...]:
    """The jars of the lock file."""
    text = files("engine.stack").joinpath("kafka.lock").read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Jar(coordinates, digest.removeprefix("sha256:")) for coordinates, digest in rows)


def jar_folder(data: Path) -> Path:
    """Where the jars are: in the virtual environment, for every data folder; else in this data folder."""
    version = next(jar.coordinates.rpartition(":")[2] for jar in locked() if ":kafka_2.13:" in jar.coordinates)
    inside = Path(sys.prefix)
    if sys.prefix != sys.base_prefix and os.access(inside, os.W_OK):
        return inside / "share" / "qenex" / f"kafka-{version}"
    shared = inside / "share" / "qenex" / f"kafka-{version}"
    if sys.prefix != sys.base_prefix and all((shared / jar.name).is_file() for jar in locked()):
        return shared  # an environment that someone else owns, with the jars already in it
    return data / "kafka" / f"jars-{version}"


def ensure(data: Path, say: Callable[[str], None], mirror: str | None = None) -> list[Path]:
    """The jars on disk, fetched if need be and verified; BrokenPiece when one cannot be had or differs."""
    folder = jar_folder(data)
    jars = locked()
    if any(not (folder / jar.name).is_file() for jar in jars):
        _fetch(folder, say, mirror)
    for jar in jars:
        path = folder / jar.name
        if _sha256(path) != jar.sha256:
            raise BrokenPiece(
                f"{path} is not the jar that kafka.lock names (its SHA-256 differs): delete it and run qenex up again."
            )
    return [folder / jar.name for jar in jars]


def _fetch(folder: Path, say: Callable[[str], None], mirror: str | None) -> None:
    """Fetch what is missing; one process at a time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            missing = [jar for jar in locked() if not (folder / jar.name).is_file()]
            if missing:
                say(f"Kafka: fetching {len(missing)} jars into {folder}")
                with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
                    _fetch_all(missing, folder, Path(part), mirror)
    except OSError as fault:
        raise BrokenPiece(f"Kafka's jars cannot be kept in {folder}: {fault.strerror or fault}.") from None


def _fetch_all(missing: list[Jar], folder: Path, part: Path, mirror: str | None) -> None:
    from jgo.maven import MavenContext

    if (authorities := machine_authorities()) is not None:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)
    remote = None if mirror is None else {"mirror": mirror.rstrip("/")}
    context = MavenContext(repo_cache=part, remote_repos=remote, timeout=60)

    def fetch(jar: Jar) -> None:
        path = Path(context.create_dependency(jar.coordinates).artifact.resolve())
        found = _sha256(path)
        if found != jar.sha256:
            raise BrokenPiece(
                f"The repository's {jar.coordinates} is not the one that kafka.lock names: SHA-256 {found}, "
                f"expected {jar.sha256}."
            )
        path.replace(folder / jar.name)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        futures = [pool.submit(fetch, jar) for jar in missing]
        for jar, future in zip(missing, futures, strict=True):
            try:
                future.result()
            except BrokenPiece:
                pool.shutdown(cancel_futures=True)
                raise
            except Exception as fault:
                pool.shutdown(cancel_futures=True)
                raise BrokenPiece(
                    f"Kafka's jar {jar.coordinates} could not be fetched ({type(fault).__name__}): the Maven "
                    "repository must be reachable once. Set QENEX_MAVEN_MIRROR to use another one, or QENEX_KAFKA to "
                    "use a running cluster."
                ) from None


def machine_authorities() -> str | None:
    """The machine's own list of certificate authorities, which knows a company's proxy; None where there is none."""
    known = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
    return next((path for path in known if path and os.path.isfile(path)), None)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as fault:
        raise BrokenPiece(f"{path} cannot be read: {fault.strerror}.") from None
