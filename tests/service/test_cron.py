"""Times of cron expressions, worked out by hand."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from ihas_service.cron import MAX_DUE, check_cron, due_times, next_time, times_after


def at(text: str) -> float:
    """Seconds since 1970 of a time with its zone."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 3 * * 1", "UTC", "2026-11-30T02:59:59Z", ["2026-11-30T03:00:00Z", "2026-12-07T03:00:00Z"]),
        ("0 3 * * 1", "UTC", "2026-11-30T03:00:00Z", ["2026-12-07T03:00:00Z"]),
        ("0 3 * * *", "Europe/Berlin", "2026-10-24T03:00:00+02:00", ["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]),
        ("0 3 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", ["2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:20:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 12 L * *", "America/New_York", "2026-02-01T00:00:00Z", ["2026-02-28T17:00:00Z", "2026-03-31T16:00:00Z"]),
    ],
)
def test_times_follow_one_another(cron: str, zone: str, after: str, expected: list[str]) -> None:
    """A night hour that the clocks skip comes right after the jump, one that they repeat comes once; a time is later than `after`."""
    assert list(islice(times_after(cron, zone, at(after)), len(expected))) == [at(one) for one in expected]
    assert next_time(cron, zone, at(after)) == at(expected[0])


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("* * * *", "five fields"),
        ("0 0 3 * * 1", "five fields"),
        ("@daily", "five fields"),
        ("0 25 * * *", "Bad hour"),
        ("a b c d e", "Bad minute"),
        ("0 0 30 2 *", "cannot be read"),
        ("*/5 * * * *", "leaves 5"),
        ("0,59 * * * *", "leaves 1"),
        ("0,9 0 1 1 *", "leaves 9"),
        ("0 0 * * " + "1," * 200 + "1", "five fields"),
        ("0 0 * * \u00b2L", "cannot be read"),
        ("", "five fields"),
    ],
)
def test_an_expression_that_cannot_be_kept_is_refused(cron: str, told: str) -> None:
    """With what is wrong: form, values, a day that never comes, or less than ten minutes between two runs."""
    with pytest.raises(ValueError, match=told):
        check_cron(cron)


@pytest.mark.parametrize("cron", ["*/10 * * * *", "0 3 * * MON-FRI", "0 0 29 2 *", "15,45 8-18 * * *", "0 0 1 1 *"])
def test_an_expression_that_can_be_kept_is_taken(cron: str) -> None:
    """Names of days, lists, steps; ten minutes apart."""
    check_cron(cron)


def test_due_times_are_those_of_an_outage() -> None:
    """From the first one that is due to now, both included; of a very long one the first ten thousand."""
    first = at("2026-11-30T03:00:00Z")
    assert due_times("0 3 * * *", "UTC", first, first) == [first]
    assert due_times("0 3 * * *", "UTC", first, first + 2 * 86_400) == [first, first + 86_400, first + 2 * 86_400]
    assert due_times("0 3 * * *", "UTC", first, first + 2 * 86_400 - 1) == [first, first + 86_400]
    assert len(due_times("*/10 * * * *", "UTC", first, first + 365 * 86_400)) == MAX_DUE


def test_times_are_of_the_zone() -> None:
    """Three in the morning in Berlin stays three there, in summer and in winter."""
    found = islice(times_after("0 3 * * *", "Europe/Berlin", at("2026-01-01T00:00:00Z")), 365)
    assert {datetime.fromtimestamp(one, ZoneInfo("Europe/Berlin")).hour for one in found} == {3}
