"""Metrics and health of a worker over HTTP, both on one port.

Rule: ``/metrics`` is Prometheus text; ``/health`` is what the worker's own function says, as JSON, with status 200 when
its ``ok`` is true and 503 otherwise (also when the function fails). Reading only: nothing here changes anything. The
port is written to a file (``DIR/run/<worker>.json``: pid, port), which is how the supervisor finds it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from engine.errors import BrokenPiece

Health = Callable[[], Mapping[str, Any]]
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Served:
    """A running server; ``port`` is where, `close` ends it and removes its file."""

    def __init__(self, server: ThreadingHTTPServer, record: Path | None) -> None:
        self._server = server
        self._record = record
        self.port: int = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="observability", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)
        if self._record is not None:
            self._record.unlink(missing_ok=True)


def serve(
    port: int,
    health: Health,
    *,
    registry: CollectorRegistry | None = None,
    host: str = "127.0.0.1",
    record: Path | None = None,
) -> Served:
    """Serve ``/health`` and ``/metrics`` on ``port`` (0 = any free one), in a thread. BrokenPiece if it is taken."""
    handler = type(
        "Handler", (_Handler,), {"health": staticmethod(health), "registry": registry or CollectorRegistry()}
    )
    try:
        server = _Server((host, port), handler)
    except OSError as fault:
        raise BrokenPiece(
            f"Metrics and health cannot be served on {host}:{port}: {fault.strerror}. "
            "Set QENEX_METRICS_PORT to a free port, or to 0 for any."
        ) from None
    served = Served(server, record)
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        part = record.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(_encode({"pid": os.getpid(), "port": served.port}))
        part.replace(record)
    return served


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    """Answers GET of the two paths; its class attributes are set by `serve`."""

    health: Health
    registry: CollectorRegistry
    timeout = 10  # seconds: a client that says nothing does not keep a thread

    def do_GET(self) -> None:
        """One request."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encoder, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, kind, encoder(self.registry))
        elif path == "/health":
            try:
                said = dict(self.health())
            except Exception as fault:
                said = {"ok": False, "error": type(fault).__name__}
            self._answer(200 if said.get("ok") else 503, "application/json", _encode(said))
        else:
            self._answer(404, "text/plain; charset=utf-8", b"/metrics and /health are served here\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: a scrape every few seconds is no event."""
