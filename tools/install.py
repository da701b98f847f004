"""Make the virtual environment: what `make install` runs, with nothing but the machine's Python.

Rule: only files whose hashes are in ``requirements/lock.txt`` are installed; when nothing changed since the last time,
nothing is done. The project itself is installed editable. Written for any Python >= 3.6, so that an old one gets a
sentence instead of a syntax error.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements", "lock.txt")
STAMP = os.path.join(VENV, ".installed")
OLDEST = (3, 11)


def main() -> None:
    """Install, or say that nothing is to be done."""
    if sys.version_info < OLDEST:
        fail(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Name another one: make install PYTHON=python3.11"
        )
    wanted = fingerprint()
    if read(STAMP) == wanted:
        print("Installed already in .venv; nothing changed.")
        return
    make_environment()
    print("Installing the locked packages into .venv (the first time takes a minute or two)", flush=True)
    pip("install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", LOCK)
    print("Installing qenex itself", flush=True)
    pip("install", "--no-deps", "--no-build-isolation", "--editable", ROOT)
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    print("Ready: .venv/bin/qenex --help")


def make_environment() -> None:
    """Create .venv if there is no working one for this Python."""
    if os.path.exists(PYTHON) and works([PYTHON, "-m", "pip", "--version"]):
        return
    print(f"Creating .venv with {sys.executable} (Python {sys.version.split()[0]})", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    if works([sys.executable, "-m", "venv", VENV]):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    fail(
        f"{sys.executable} cannot make a virtual environment: its modules venv and ensurepip are not installed "
        f"(on Debian and Ubuntu: apt install python3-venv), or {ROOT} cannot be written."
    )


def pip(*arguments: str) -> None:
    """Run pip of the environment; its cache is kept only where PIP_CACHE_DIR says so."""
    command = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    if "PIP_CACHE_DIR" not in os.environ:
        command.append("--no-cache-dir")  # nothing is written outside the environment
    if subprocess.call(command + list(arguments), cwd=ROOT) != 0:
        fail("The installation did not finish; pip says why above. Run make install again when that is mended.")


def works(command: "list[str]") -> bool:
    """Whether a command runs and ends well."""
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def fingerprint() -> str:
    """What the environment is made from: lock, project file, this script, this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (LOCK, os.path.join(ROOT, "pyproject.toml"), os.path.abspath(__file__)):
        with open(path, "rb") as handle:
            digest.update(handle.read())
    return digest.hexdigest()


def read(path: str) -> str:
    """A small file's text; empty when there is none."""
    try:
        with open(path) as handle:
            return handle.read()
    except OSError:
        return ""


def fail(sentence: str) -> None:
    """End with a sentence."""
    sys.exit("make install: " + sentence)


if __name__ == "__main__":
    main()
