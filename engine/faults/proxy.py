"""A TCP proxy that misbehaves when told: delay, a direction that stalls, reset, cut after some bytes, a lost COMMIT.

Rule: until told otherwise it passes bytes on unchanged. Faults strike the connections whose first bytes contain
``only`` (Postgres' startup packet has the application's name; empty: all). A direction that "drops" holds its bytes
until it is healed or cut: that is what TCP makes of lost packets. One thread with an event loop of its own a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

_CHUNK = 65_536
#: How much of what a client says first is kept to know it by.
_HEAD = 2_048
_HELD_SECONDS = 0.01
#: CommandComplete "COMMIT", as Postgres sends it.
_COMMITTED = b"C" + struct.pack(">I", 11) + b"COMMIT\0"
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False, slots=True)
class _Link:
    """One client's connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    head: bytes = b""

    def cut(self, *, reset: bool = True) -> None:
        """End both sides, by RST where asked for."""
        for side in (self.client, self.server):
            if reset:
                with contextlib.suppress(OSError):
                    raw: socket.socket = side.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            side.transport.abort()


@dataclass(slots=True)
class _Rules:
    """What is done to bytes now."""

    only: bytes = b""
    delay: float = 0.0
    stalled: frozenset[str] = frozenset()
    cut_after: int | None = None
    lose_commits: int = 0
    done: Counter[str] = field(default_factory=Counter)


class Proxy:
    """Listens on 127.0.0.1 and passes on to another port; a context manager. ``counts``: faults done, by kind."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._rules = _Rules()
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name=f"proxy-{port}", daemon=True)
        self._up = threading.Event()
        self._over: asyncio.Event | None = None
        self._problem: BaseException | None = None

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._up.wait(10)
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut everything and stop."""
        if self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of fault has struck."""
        return Counter(self._rules.done)

    # -- what can be done ----------------------------------------------------------------------------------------------

    def delay(self, seconds: float, only: bytes = b"") -> None:
        """Every chunk waits, in both directions."""
        self._change(lambda rules: self._set(rules, only, "delay", delay=seconds))

    def stall(self, direction: str, only: bytes = b"") -> None:
        """Pass nothing on in one direction: ``up`` (to the server) or ``down``."""
        self._change(lambda rules: self._set(rules, only, f"stall-{direction}", stalled=frozenset((direction,))))

    def cut_after(self, count: int, only: bytes = b"") -> None:
        """Reset the connection that has brought ``count`` more bytes up; once."""
        self._change(lambda rules: self._set(rules, only, "", cut_after=count))

    def lose_commits(self, count: int, only: bytes = b"") -> None:
        """Reset the connection instead of passing on that a COMMIT was done; so many times."""
        self._change(lambda rules: self._set(rules, only, "", lose_commits=count))

    def reset(self, only: bytes = b"") -> int:
        """Reset every connection now; how many."""

        def work() -> int:
            found = [link for link in self._links if only in link.head]
            for link in found:
                link.cut()
            self._rules.done["reset"] += len(found)
            return len(found)

        return int(self._ask(work))

    def heal(self) -> None:
        """Pass everything on again."""
        self._change(lambda rules: self._set(rules, b"", ""))

    def _set(self, rules: _Rules, only: bytes, counted: str, **changes: Any) -> None:
        blank = _Rules()
        for name in ("delay", "stalled", "cut_after", "lose_commits"):
            setattr(rules, name, changes.get(name, getattr(blank, name)))
        rules.only = only
        if counted:
            rules.done[counted] += 1

    def _change(self, work: Callable[[_Rules], None]) -> None:
        self._ask(lambda: work(self._rules))

    def _ask(self, work: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as problem:
            self._problem = problem
        finally:
            self._up.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._link(reader, writer)
            except asyncio.CancelledError:  # the proxy ends
                pass
            finally:
                tasks.discard(task)

        server = await asyncio.start_server(handle, "127.0.0.1", self.port, reuse_address=True)
        self._up.set()
        await self._over.wait()
        server.close()
        for link in list(self._links):
            link.cut()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        pumps: list[Coroutine[Any, Any, None]] = [
            self._pump(link, reader, server_writer, "up"),
            self._pump(link, server_reader, writer, "down"),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            self._links.discard(link)
            link.cut(reset=False)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str
    ) -> None:
        try:
            while data := await reader.read(_CHUNK):
                if direction == "up" and len(link.head) < _HEAD:
                    link.head += data[:_HEAD]
                if not await self._suffers(link, data, direction):
                    return
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):
            link.cut(reset=False)

    async def _suffers(self, link: _Link, data: bytes, direction: str) -> bool:
        """Do to a chunk what the rules say; whether it is to be passed on."""
        rules = self._rules
        if rules.only not in link.head:
            return True
        if rules.delay:
            await asyncio.sleep(rules.delay)
        while direction in rules.stalled and rules.only in link.head:
            await asyncio.sleep(_HELD_SECONDS)
        if rules.lose_commits and direction == "down" and _COMMITTED in data:
            rules.lose_commits -= 1
            rules.done["lost-commit"] += 1
            link.cut()
            return False
        if rules.cut_after is not None and direction == "up":
            rules.cut_after -= len(data)
            if rules.cut_after <= 0:
                rules.cut_after = None
                rules.done["cut"] += 1
                link.cut()
                return False
        return True
