"""Logs: lines for a person on a terminal, JSON elsewhere; the libraries' logs take the same form.

On servers our own lines go to standard error through `ihas_service.observability.log_lines`. Through the standard library each
would take four times as long, half as much as the rest of a request.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import orjson
import structlog

from ihas.harmless import harmless
from ihas_service.observability.log_lines import Lines


def configure_logs(level: int = logging.INFO) -> None:
    """Send every log line to standard error, with time, level and the request's id."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    by_library = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    direct: list[structlog.types.Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_bytes)]
    watched = sys.stderr.isatty()
    lines = None if watched else Lines(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, by_library] if lines is None else [*shared, *direct],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory() if lines is None else lambda *_: lines,
    )
    handler = logging.StreamHandler(sys.stderr) if lines is None else LinesHandler(lines)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last_steps(watched)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class LinesHandler(logging.Handler):
    """The libraries' lines, in their place among ours."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        tell = self._lines.error if record.levelno >= logging.WARNING else self._lines.info
        try:
            tell(self.format(record).encode())
        except Exception:  # as every handler: a library's log line that is wrong is no fault of the request
            self.handleError(record)


def _last_steps(watched: bool) -> list[structlog.types.Processor]:
    without_record = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if watched:
        return [without_record, _harmless, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [without_record, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_text)]


def _harmless(_logger: Any, _name: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """Texts of strangers, such as paths of requests, that command no terminal."""
    return {name: harmless(value) if isinstance(value, str) else value for name, value in line.items()}


def _bytes(line: dict[str, Any], **_: Any) -> bytes:
    """One line of JSON; where it has other letters than those of ASCII, what commands a terminal is written with `\\u`."""
    try:
        said = orjson.dumps(line, default=str)
    except TypeError:  # a text with half a character, or a number beyond all bounds
        return json.dumps(line, default=str).encode()
    return said if said.isascii() and b"\x7f" not in said else harmless(said.decode()).encode()


def _text(line: dict[str, Any], **_: Any) -> str:
    return _bytes(line).decode()
