"""Points in time of requests: RFC 3339, or seconds since 1970."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from ihas.config.base import invalid

LAST = 253_402_300_799.0
"""The end of the year 9999."""


def instant(value: Any) -> float:
    """Seconds since 1970 of a number, or of a text that is a number or an RFC 3339 time with its zone.

    Raises:
        PydanticCustomError: it is none of these.
    """
    found = _seconds(value)
    if found is None or not 0.0 <= found <= LAST:
        said = repr(value)[:80]
        raise invalid(f"A time must be seconds since 1970, or RFC 3339 with its zone such as 2026-11-30T12:00:00Z, but got {said}.")
    return found


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    except ValueError:
        return _moment(str(value))
    return number if math.isfinite(number) else None


def _moment(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return None if found.tzinfo is None else found.timestamp()


if TYPE_CHECKING:
    Instant = float
else:
    Instant = Annotated[
        Any,
        PlainValidator(instant),
        WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0, "maximum": LAST}]}),
    ]
