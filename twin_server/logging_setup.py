"""Logs: one JSON object a line, from this product and from the libraries below it, without secrets."""

import logging
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import structlog

from twin_server.principal import current_call

_MOST_BYTES: Final = 10 * 1024 * 1024
_OLD_FILES: Final = 5
_SECRET_WORDS: Final = ("password", "token", "secret", "authorization")


def configure_logging(path: Path | None = None, level: int = logging.INFO) -> None:
    """Sends every log line of the process to a file, or to standard error.

    The file is renamed at 10 MiB, and five old ones are kept.

    Args:
        path: file to append to; None = standard error.
        level: least level that is written.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = _LogFile(path, maxBytes=_MOST_BYTES, backupCount=_OLD_FILES, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    about_a_line: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_call,
        mask_secrets,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=about_a_line,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *about_a_line,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)


def turn_if_full(path: Path) -> None:
    """Renames a log of 10 MiB, written by whoever does not turn it, so that a new one begins; one old one is kept."""
    if path.exists() and path.stat().st_size >= _MOST_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))


def add_call(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds which call a line belongs to, and who makes it."""
    call = current_call.get()
    if call is not None:
        event.setdefault("request_id", call.request_id)
        event.setdefault("method", call.method)
        event.setdefault("caller", call.principal.name or call.principal.kind.value)
        event.setdefault("peer", call.peer)
        if call.drill_id:
            event.setdefault("drill", call.drill_id[:64])
    return event


def mask_secrets(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hides the value of every field whose name speaks of a secret."""
    for name in event:
        if _is_secret(name):
            event[name] = "***"
    return event


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


class _LogFile(RotatingFileHandler):
    """Turns to a new file once one is full; the library would write every line twice to see whether it still fits."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, N802 # as the library calls it
        return self.stream is not None and self.stream.tell() >= self.maxBytes
