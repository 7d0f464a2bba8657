"""Dates and times, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.moments import PART_TEXTS, local_time, part_number, with_parts
from ihas.data.schema import Timestamp
from ihas.errors import RequestError

STAMP = Timestamp(name="seen", parts=("hour", "weekday", "month"), zone="America/New_York", missing=("NULL",))


def _cells(cell: Any) -> list[str | None]:
    row = with_parts({"seen": cell, "user": "u1"}, (STAMP,), "/rows/0")
    assert row["user"] == "u1"
    return [row[f"seen.{part}"] for part in STAMP.parts]


@pytest.mark.parametrize(
    "cell",
    [
        "2013-07-04T12:30:00Z", "2013-07-04 12:30:00Z", "2013-07-04T14:30:00+02:00", "2013-07-04 08:30", "20130704T083000", 1372941000,
        1372941000.0, "1372941000", 1372941000000, 1372941000000000, 1372941000000000000, "2013-07-04 08:30:00.123456789",
    ],
)  # fmt: skip
def test_one_moment_however_it_is_spelled(cell: Any) -> None:
    """Zones, epochs of every unit and wall clocks of the stated zone say half past eight in New York on a Thursday in July."""
    assert _cells(cell) == ["8", "Thursday", "7"]


def test_a_wall_clock_keeps_its_hour_over_a_change_of_the_clocks() -> None:
    """Times without a zone are read as they stand; those with one move with the zone's clocks."""
    assert _cells("2013-03-10 02:30")[0] == "2"
    assert [_cells(f"2013-03-10T0{hour}:30Z")[0] for hour in (6, 7, 8)] == ["1", "3", "4"]


@pytest.mark.parametrize("cell", [None, "", "  ", "NULL", float("nan")])
def test_a_missing_time_has_missing_parts(cell: Any) -> None:
    """Null, empty, and the texts that training rows had."""
    assert _cells(cell) == [None, None, None]


@pytest.mark.parametrize(
    "cell", ["soon", 5, -1, True, "14101023", "2013-13-01", "1e400", [1372941000], {"a": 1}, 10**30, "0001-01-01", "9999-12-31T23:59-12:00"]
)
def test_what_is_no_time_is_refused(cell: Any) -> None:
    """The error points at the cell and says what is read."""
    with pytest.raises(RequestError, match="`seen` must be an ISO 8601 date or time, or seconds") as raised:
        _cells(cell)
    assert raised.value.pointer == "/rows/0/seen"


def test_a_stated_part_stays() -> None:
    """Who asks what another hour would do states it beside the time."""
    row = with_parts({"seen": "2013-07-04T12:30Z", "seen.hour": 3}, (STAMP,), "")
    assert dict(row) == {"seen.hour": 3, "seen.weekday": "Thursday", "seen.month": "7"}


def test_a_row_without_the_time_is_as_it_was() -> None:
    """Parts alone are fields like any other."""
    row = {"seen.hour": "3"}
    assert with_parts(row, (STAMP,), "") is row


@given(st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)), st.sampled_from([1, 10**3, 10**6]))
def test_a_moment_is_read_as_it_is_written(moment: datetime, unit: int) -> None:
    """ISO 8601 and an epoch of any unit name the same parts."""
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * unit
    for text in (moment.isoformat(), str(whole)):
        found = local_time(text, "UTC")
        assert found is not None
        assert PART_TEXTS["hour"][part_number(found, "hour")] == str(moment.hour)
        assert PART_TEXTS["weekday"][part_number(found, "weekday")] == moment.strftime("%A")
        assert PART_TEXTS["month"][part_number(found, "month")] == str(moment.month)
