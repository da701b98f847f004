"""The rules of the house that a machine can check: sizes, opening docstrings, banned calls, the names we own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("payments", "parsers", "schemas", "ledger", "settlement", "engine")
PURE = ("payments", "parsers", "schemas", "settlement")
FUNCTION_LINES_MAX, FILE_LINES_MAX = 70, 700

#: What a pure package may not call, and what takes its place. Names as they are written, dotted.
BANNED_IN_PURE = {
    "datetime.now": "a `now` that is passed in",
    "datetime.utcnow": "a `now` that is passed in",
    "datetime.datetime.now": "a `now` that is passed in",
    "date.today": "the business date, passed in",
    "datetime.date.today": "the business date, passed in",
    "time.time": "a `now` that is passed in",
    "time.time_ns": "a `now` that is passed in",
    "time.monotonic": "a duration measured by the caller",
    "time.sleep": "nothing: the cores do not wait",
    "os.getenv": "an argument, from engine.settings",
    "os.environ.get": "an argument, from engine.settings",
    "uuid.uuid4": "an id that is passed in",
    "uuid4": "an id that is passed in",
    "uuid.uuid1": "an id that is passed in",
    "random.random": "a random.Random that is passed in",
    "random.randint": "a random.Random that is passed in",
    "random.choice": "a random.Random that is passed in",
    "secrets.token_bytes": "an argument",
    "float": "an integer of minor units",
    "open": "bytes that are passed in",
    "subprocess.run": "nothing: the cores do no I/O",
}
#: What nobody may call, but for the modules named.
BANNED = {
    "print": ("engine.commands.output", ()),
    "os.getenv": ("engine.settings", ("engine/settings.py",)),
    "os.environ.get": ("engine.settings", ("engine/settings.py",)),
    "pickle.loads": ("engine.wire", ()),
    "pickle.load": ("engine.wire", ()),
    "pickle.dumps": ("engine.wire", ()),
    "eval": ("a table", ()),
    "exec": ("a table", ()),
}


def modules(packages: tuple[str, ...] = PACKAGES) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def trees(packages: tuple[str, ...] = PACKAGES) -> Iterator[tuple[str, ast.Module]]:
    for path in modules(packages):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each call by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name:
                yield node.lineno, name


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its ``def``, its docstring not counted."""
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    documentation = first.end_lineno - first.lineno + 1 if is_docstring else 0
    return node.end_lineno - node.lineno + 1 - documentation


def test_there_is_something_to_check() -> None:
    assert len(modules()) > 20
    assert all((ROOT / package / "__init__.py").is_file() for package in PACKAGES)


def test_functions_fit_a_screen() -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {code_lines(node)} lines"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and code_lines(node) > FUNCTION_LINES_MAX
    ]
    assert not long


def test_files_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)} has {lines} lines"
        for path in modules()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > FILE_LINES_MAX
    ]
    assert not long


def test_each_module_opens_with_a_docstring() -> None:
    silent = [path for path, tree in trees() if not ast.get_docstring(tree)]
    tests = [
        str(path)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent + tests


def test_the_cores_take_time_chance_and_environment_as_arguments() -> None:
    found = [
        f"{path}:{line} {name}(): use {BANNED_IN_PURE[name]}"
        for path, tree in trees(PURE)
        for line, name in calls(tree)
        if name in BANNED_IN_PURE
    ]
    assert not found


def test_banned_calls() -> None:
    found = [
        f"{path}:{line} {name}(): use {BANNED[name][0]}"
        for path, tree in trees()
        for line, name in calls(tree)
        if name in BANNED and path not in BANNED[name][1]
    ]
    assert not found


def test_only_the_settings_read_the_environment() -> None:
    """A write for a library that reads it itself is told apart by its method, ``setdefault``."""
    reads = {"os.environ.get", "os.environ.copy", "os.getenv"}
    found = []
    for path, tree in trees():
        if path != "engine/settings.py":
            found += [f"{path}:{line}" for line, name in calls(tree) if name in reads]
            subscripts = (node for node in ast.walk(tree) if isinstance(node, ast.Subscript))
            found += [f"{path}:{node.lineno}" for node in subscripts if dotted(node.value) == "os.environ"]
    assert not found


def test_no_work_is_left_in_comments() -> None:
    mark = re.compile(r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*modules(), *sorted((ROOT / "tests").rglob("*.py")))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if mark.search(line)
    ]
    assert not found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_brings_a_package_of_ours(package: str) -> None:
    assert set(packages_distributions().get(package, ["qenex"])) <= {"qenex"}
    import importlib

    assert Path(importlib.import_module(package).__file__).is_relative_to(ROOT)


@pytest.mark.parametrize("lock", ["requirements/lock.txt", "engine/stack/kafka.lock"])
def test_lock_files_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "sha256:" in text
    assert "://" not in text
    assert not re.search(r"\b[a-z0-9-]+\.(?:org|com|io|net)/", text)


def test_tests_are_no_package() -> None:
    """An ``__init__.py`` under tests could shadow a package of ours."""
    assert not list((ROOT / "tests").rglob("__init__.py"))
