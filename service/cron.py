"""Times of a cron expression: five fields, read as Debian's cron reads them where clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MIN_GAP_S = 600.0
"""Seconds between two runs, at least."""
FIELDS = 5
MAX_CHARACTERS = 200
LOOKED_AT = 200
"""Times of an expression whose distances are checked; a day has 144 that are ten minutes apart."""
MAX_DUE = 10_000
"""Times of an outage that are counted one by one: ten weeks of ten minutes each."""
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
"""Where the check begins: a leap year, so that a 29th of February is found."""


def check_cron(cron: str) -> None:
    """Refuse an expression that cannot be read, never comes, or comes too often.

    Raises:
        ValueError: so it is.
    """
    law = "`cron` must be five fields, minute, hour, day of the month, month and day of the week, such as '0 3 * * 1'"
    if len(cron) > MAX_CHARACTERS or len(cron.split()) != FIELDS:
        raise ValueError(f"{law}, but got {cron[:MAX_CHARACTERS]!r}.")
    try:
        times = list(islice(CronSim(cron, MONDAY - timedelta(seconds=1)), LOOKED_AT))
    except (CronSimError, ValueError, AssertionError) as error:
        raise ValueError(f"{law}, but {cron!r} cannot be read ({error}).") from None
    if not times:
        raise ValueError(f"`cron` must come at some time, but {cron!r} never does.")
    gap = min(((later - earlier).total_seconds() for earlier, later in pairwise(times)), default=MIN_GAP_S)
    if gap < MIN_GAP_S:
        law = f"`cron` must leave {MIN_GAP_S / 60:g} minutes between two runs"
        raise ValueError(f"{law}, but {cron!r} leaves {gap / 60:g}. Write fewer minutes, such as '*/10 * * * *'.")


def check_zone(zone: str) -> None:
    """Refuse a time zone that this machine does not know.

    Raises:
        ValueError: so it is.
    """
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        way = "Write a name such as 'UTC' or 'Europe/Berlin'."
        raise ValueError(f"`zone` must be a time zone of this machine, but got {zone[:MAX_CHARACTERS]!r}. {way}") from None


def times_after(cron: str, zone: str, after: float) -> Iterator[float]:
    """Times of an expression, in seconds since 1970, later than `after`; where clocks change, those closer than ten minutes to the one
    before are left out.

    Args:
        cron: the expression.
        zone: time zone in which it is read.
        after: seconds since 1970.
    """
    last = -MIN_GAP_S
    for moment in CronSim(cron, datetime.fromtimestamp(after, ZoneInfo(zone))):
        found = moment.timestamp()
        if found > after and found >= last + MIN_GAP_S:
            last = found
            yield found


def next_time(cron: str, zone: str, after: float) -> float:
    """The first time after `after`, both in seconds since 1970.

    Raises:
        ValueError: there is none within 50 years.
    """
    for found in times_after(cron, zone, after):
        return found
    raise ValueError(f"{cron!r} in {zone} has no time within 50 years.")


def due_times(cron: str, zone: str, first: float, until: float) -> list[float]:
    """The times from `first`, which is one, to `until`, oldest first; the first `MAX_DUE` of them."""
    found = [first]
    for later in times_after(cron, zone, first):
        if later > until or len(found) >= MAX_DUE:
            break
        if later >= first + MIN_GAP_S:
            found.append(later)
    return found
