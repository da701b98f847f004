"""Parts of the fault matrix: points that exist, a proxy that does as it is told, a judge that finds what is wrong."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageFault
from engine.faults import checker, points
from engine.faults.failover import figure
from engine.faults.history import Event, History, read
from engine.faults.proxy import Proxy
from engine.faults.rows import CASES, of_row
from engine.stack.folder import free_port

COMMITTED = b"C" + struct.pack(">I", 11) + b"COMMIT\0"


# -- points ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", points.POINTS, ids=lambda point: point.title)
def test_each_point_names_a_function_of_the_engine(point: points.Point) -> None:
    holder, name = points.find(point.target)
    assert callable(getattr(holder, name))


def test_points_have_names_of_their_own() -> None:
    assert len({point.title for point in points.POINTS}) == len(points.POINTS)
    assert {point.worker for point in points.POINTS} == {"settlement", "recorder", "archiver", "stages"}


def test_a_point_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageFault, match=r"settlement\.committed"):
        points.plant("settlement.nowhere")


@pytest.mark.parametrize(("point", "printed"), [("archiver.packed", ""), ("archiver.archived", "inner\n")])
def test_a_planted_process_dies_before_or_after_the_call(point: str, printed: str) -> None:
    program = (
        "import sys\n"
        "from types import SimpleNamespace\n"
        "from engine.faults import points\n"
        "import engine.processors.archiver as archiver\n"
        "archiver.commit = lambda *_: print('inner', flush=True)\n"
        f"points.plant({point!r})\n"
        "archiver.commit(None, None, SimpleNamespace(statements=[]))\n"
        "archiver.commit(None, None, SimpleNamespace(statements=[1]))\n"
        "print('survived')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "inner\n" + printed


# -- the proxy ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            held.append(connection)
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()
    for connection in held:
        connection.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(free_port(), echo) as found:
        yield found


def client(proxy: Proxy) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", proxy.port), 5))


def got(connection: socket.socket, wanted: bytes) -> bool:
    """Whether this comes; False when the connection was reset or ended before."""
    found = b""
    try:
        while len(found) < len(wanted):
            data = connection.recv(65536)
            if not data:
                return False
            found += data
    except ConnectionError:
        return False
    return found == wanted


def test_it_passes_bytes_on_unchanged(proxy: Proxy) -> None:
    value = os.urandom(300_000)
    with client(proxy) as connection:
        threading.Thread(target=connection.sendall, args=(value,), daemon=True).start()
        assert got(connection, value)


def test_a_lost_commit_ends_the_connection_that_it_is_aimed_at(proxy: Proxy) -> None:
    with client(proxy) as spared, client(proxy) as struck:
        for connection, name in ((spared, b"recorder"), (struck, b"settlement")):
            connection.sendall(name)
            assert got(connection, name)
        proxy.lose_commits(1, b"settlement")
        spared.sendall(COMMITTED)
        assert got(spared, COMMITTED)
        struck.sendall(COMMITTED)
        assert not got(struck, COMMITTED)
    assert proxy.counts["lost-commit"] == 1


def test_a_connection_is_cut_after_some_bytes_and_reset_at_will(proxy: Proxy) -> None:
    with client(proxy) as connection:
        proxy.cut_after(10)
        connection.sendall(b"123456")
        assert got(connection, b"123456")
        connection.sendall(b"123456")
        assert not got(connection, b"123456")
    with client(proxy) as connection:
        connection.sendall(b"hello")
        assert got(connection, b"hello")
        assert proxy.reset() == 1
        assert not got(connection, b"more")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_silent_direction_passes_everything_on_once_it_is_healed(proxy: Proxy, direction: str) -> None:
    with client(proxy) as connection:
        proxy.stall(direction)
        connection.sendall(b"held")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        proxy.heal()
        connection.settimeout(5)
        assert got(connection, b"held")


# -- the judge ---------------------------------------------------------------------------------------------------------


def told(history: History, place: str, states: dict[str, str], group: str = "g", **more: Any) -> None:
    number = history.invoke("send", kind="mt103", group=group, **{"allowed": ["SETTLED"], "must": True, **more})
    history.end("ok", "send", number, place=place)
    seen(history, place, states)


def seen(history: History, place: str, states: dict[str, str]) -> None:
    history.end("ok", "outcome", history.invoke("outcome"), place=place, states=states)


def total(history: History, value: int, below: int = 0) -> None:
    history.end("ok", "totals", history.invoke("totals"), totals={"EUR-RTGS": value}, below=below)


def right(history: History) -> None:
    total(history, 100)
    told(history, "t/0/1", {"0": "SETTLED"})
    told(history, "t/0/2", {"0": "DUPLICATE"})
    seen(history, "t/0/1", {"0": "SETTLED"})
    history.end("info", "send", history.invoke("send", kind="mt103", group="x", allowed=[], must=False), why="unknown")
    total(history, 100)


def undecided(history: History) -> None:
    history.end(
        "ok", "send", history.invoke("send", kind="k", group="u", allowed=["SETTLED"], must=False), place="t/0/9"
    )


def unended(history: History) -> None:
    history.invoke("totals")


WRONG: dict[str, tuple[str, Callable[[History], None]]] = {
    "an operation without an end": ("operations-end", unended),
    "money appears": ("I1-I6-totals-stay", lambda history: total(history, 101)),
    "a balance below its limit": ("I1-I6-totals-stay", lambda history: total(history, 100, 1)),
    "settled twice": ("I3-once-a-group", lambda history: told(history, "t/0/5", {"0": "SETTLED"})),
    "acknowledged and lost": ("I4-acknowledged-are-decided", undecided),
    "a final outcome changes": ("I5-final-outcomes-stay", lambda history: seen(history, "t/0/1", {"0": "REJECTED"})),
    "a payment disappears": ("I5-final-outcomes-stay", lambda history: seen(history, "t/0/2", {})),
    "refused for no reason": (
        "I5-outcomes-are-allowed",
        lambda history: told(history, "t/0/7", {"0": "REJECTED"}, "h"),
    ),
}


def test_a_right_history_is_right() -> None:
    history = History()
    right(history)
    findings = checker.judge(history.events)
    assert [finding.record() for finding in findings if not finding.ok] == []
    assert all(finding.examined for finding in findings)


@pytest.mark.parametrize("name", WRONG)
def test_the_judge_finds(name: str) -> None:
    check, spoil = WRONG[name]
    history = History()
    right(history)
    spoil(history)
    assert check in {finding.check for finding in checker.judge(history.events) if not finding.ok}


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    with History(tmp_path / "h.jsonl") as history:
        right(history)
    events: list[Event] = list(read(tmp_path / "h.jsonl"))
    assert events == history.events


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_row_of_the_matrix_is_there() -> None:
    assert {case.row for case in CASES} == set(range(1, 23))
    assert {case.row for case in CASES if case.play is None} == {7, 8, 19, 20, 22}
    assert all(case.skip() for case in CASES if case.play is None)
    assert [case.name for case in of_row(2)] == ["lost-commit", "postgres-network"]


def test_a_figure_is_judged_by_its_95th_percentile() -> None:
    values = [0.1] * 19 + [9.0]
    assert figure("c", "w", values, 0.2).kept
    assert not figure("c", "w", [*values[:-2], 9.0, 9.0], 0.2).kept
