"""A Docker engine: the one that answers, else one started here for as long as it is needed, else the reason why not.

Rule: an engine that was found is left alone; one that was started keeps everything in a folder of its own, and is
stopped by its process id.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS, _STOP_SECONDS = 40.0, 60.0
#: Debian's packages: the engine, what it filters packets with, compose, and what makes a root file system.
PACKAGES = ("docker.io", "iptables", "docker-compose", "debootstrap")
HINT = "as root on Debian, install one with: .venv/bin/python -m tools.local_images --install"


class NoEngineError(Exception):
    """There is no Docker engine here, and why none could be started."""


@contextmanager
def docker_engine(*, start: bool = True) -> Iterator[str]:
    """The address (DOCKER_HOST) of an engine that answers, started here if need be; NoEngineError with the reason."""
    given = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if shutil.which("docker") is None:
        raise NoEngineError(f"the program docker is not installed; {HINT}")
    if answers(given):
        yield given
        return
    if not start:
        raise NoEngineError(f"no engine answers at {given}; as root, make containers starts one")
    daemon = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if daemon is None:
        raise NoEngineError(f"no engine answers at {given}, and dockerd is not installed; {HINT}")
    if os.geteuid() != 0:
        raise NoEngineError(f"no engine answers at {given}, and only root can start one")
    with _started(daemon) as address:
        yield address


def answers(address: str) -> bool:
    """Whether an engine answers there."""
    command = ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _started(daemon: str) -> Iterator[str]:
    root = Path(tempfile.mkdtemp(prefix="qenex-docker-"))
    address = f"unix://{root}/docker.sock"
    log = root / "dockerd.log"
    command = [daemon, "--host", address, "--log-level", "warn"]
    for name in ("data-root", "exec-root", "pidfile"):
        command += [f"--{name}", str(root / name)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip().splitlines()
                raise NoEngineError(f"dockerd does not start: {said[-1] if said else 'it says nothing'}")
            time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(root, ignore_errors=True)


def install() -> str | None:
    """Install the engine and what builds images, by apt as root; the reason when that cannot be."""
    missing = [name for name in ("dockerd", "docker-compose", "debootstrap", "iptables") if not _there(name)]
    if not missing:
        return None
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"{', '.join(missing)} missing, and only root on Debian can install them"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *PACKAGES]):
        try:
            done = subprocess.run(
                ["apt-get", *command], env=environment, capture_output=True, text=True, timeout=400, check=False
            )
        except subprocess.TimeoutExpired:
            return f"apt-get {command[0]} did not finish in time"
        if done.returncode != 0:
            return f"apt-get {command[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
    return None


def _there(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
