"""Cells of dates and times, and the parts of them that are fields; the same in training tables and in requests, without Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ihas.config.data import TimePart
from ihas.data.cells import Cell, cell_number, cell_text
from ihas.data.schema import Timestamp, part_name
from ihas.errors import RequestError

FROM, TO = 631_152_000.0, 4_102_444_800.0
"""Seconds since 1970 of the years 1990 and 2100."""
UNITS = (1.0, 1e3, 1e6, 1e9)
"""Parts of a second that numbers since 1970 count."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PART_TEXTS: dict[TimePart, tuple[str, ...]] = {
    "hour": tuple(map(str, range(24))),
    "weekday": DAYS,
    "month": tuple(map(str, range(1, 13))),
}
"""Texts of each part, in order."""
LAW = "must be an ISO 8601 date or time, or seconds, milliseconds, microseconds or nanoseconds since 1970, of the years 1990 to 2100"
DAY_S, DAY_DIGITS = 86_400.0, 4
"""Seconds of a day, and places of days between moments that count."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR, _END_YEAR = 1900, 2200


def local_time(text: str, zone: str) -> datetime | None:
    """The moment that a canonical text names, in a time zone; None where that cannot be told.

    A number is seconds, milliseconds, microseconds or nanoseconds since 1970 where it lies between 1990 and 2100 as such. Any other text is
    an ISO 8601 date or time of the years 1900 to 2199, in the given zone where it names none.
    """
    number, local = cell_number(text), _zone(zone)
    for unit in UNITS if number is not None else ():
        if number is not None and FROM <= number / unit < TO:
            return datetime.fromtimestamp(number / unit, local)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _FIRST_YEAR <= moment.year < _END_YEAR:
        return None
    return moment.astimezone(local) if moment.tzinfo else moment.replace(tzinfo=local)


def part_number(moment: datetime, part: TimePart) -> int:
    """Position of a moment's part in `PART_TEXTS`."""
    return moment.hour if part == "hour" else moment.weekday() if part == "weekday" else moment.month - 1


def with_parts(row: Mapping[str, Any], timestamps: tuple[Timestamp, ...], pointer: str) -> Mapping[str, Any]:
    """A row with parts in the place of each timestamp that it states; a part that it states itself stays.

    Raises:
        RequestError: a value that is no date or time.
    """
    stated = [one for one in timestamps if one.name in row]
    if not stated:
        return row
    names = {one.name for one in stated}
    moments = {one.name: _moment(one, row[one.name], pointer) for one in stated}
    parts: dict[str, Any] = {}
    for one in stated:
        moment = moments[one.name]
        parts |= {part_name(one.name, part): None if moment is None else part_text(moment, part) for part in one.parts}
        parts |= {name: days_between(moments.get(other), moment) for other, name in one.differences.items()}
    return parts | {name: cell for name, cell in row.items() if name not in names}


def part_text(moment: datetime, part: TimePart) -> str:
    """Text of a moment's part."""
    return PART_TEXTS[part][part_number(moment, part)]


def days_between(earlier: datetime | None, later: datetime | None) -> float | None:
    """Days from one moment to another, negative where it comes first, to four places; None where either is not known."""
    if earlier is None or later is None:
        return None
    return round((microseconds(later) - microseconds(earlier)) / 1e6 / DAY_S, DAY_DIGITS)  # datetimes of one zone ignore its summer time


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a moment with a time zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(stamp: Timestamp, cell: Cell, pointer: str) -> datetime | None:
    text = cell_text(cell) if cell is None or isinstance(cell, str | int | float) else ""
    if text is None or text in stamp.missing:
        return None
    moment = local_time(text, stamp.zone)
    if moment is None:
        place = f"{pointer}/{stamp.name.replace('~', '~0').replace('/', '~1')}"
        raise RequestError(f"`{stamp.name}` {LAW}, but got {repr(cell)[:80]}. Leave it out where it is missing.", place)
    return moment


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
