"""Logs: one JSON object a line on stderr, with the payment's id and without what a bank's client would call his own.

Rule: every line has ``ts`` (UTC, ISO 8601), ``level``, ``worker`` and ``event``; what concerns a payment has
``payment_id``. At info level and above no account, name, address, message text or secret is written: such keys are
replaced, and of an exception only its type and where it happened are kept, because its text may quote the input. At
debug level nothing is held back, so debug belongs on machines without real data.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, TextIO, cast

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from engine.settings import Settings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

#: Keys that hold data of a party, the text of a message, or a secret: their values never leave the process in a log.
PRIVATE_KEYS = frozenset(
    """
    account accounts address amount_text body bytes content creditor creditor_account creditor_name debtor
    debtor_account debtor_name iban key keys lau message name names password raw remittance secret text token value
    """.split()
)

_encode = msgspec.json.Encoder(enc_hook=str).encode


class _Stderr:
    """Standard error as it is at the moment of writing: a logger outlives a redirection of it."""

    def write(self, text: str) -> int:
        """Write to what is standard error now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def configure_logging(settings: Settings, worker: str) -> None:
    """Set up this process's logs: level from the settings, ``worker`` on every line."""
    level = _LEVELS[settings.log_level]
    private: tuple[Any, ...] = () if level == logging.DEBUG else (hide_private,)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            _Named(worker),
            _exception,
            *private,
            _json_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """A logger; keyword arguments of its calls become keys of the line. Bind what repeats: ``log.bind(...)``."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


class _Named:
    """Puts the worker's name on every line."""

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["worker"] = self._worker
        return event


def _exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """``exc_info`` becomes ``error`` (type), ``error_text`` and ``where`` (innermost frames last)."""
    given = event.pop("exc_info", None)
    fault = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(fault, BaseException):
        frames = traceback.extract_tb(fault.__traceback__)[-6:]
        event["error"] = type(fault).__name__
        event["error_text"] = str(fault)
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def hide_private(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of `PRIVATE_KEYS`, and drop an exception's text."""
    event.pop("error_text", None)
    for key in PRIVATE_KEYS & event.keys():
        event[key] = "(private)"
    return event


def _json_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    head = {key: event.pop(key, None) for key in ("ts", "level", "worker", "event")}
    return _encode({**head, **event}).decode()
