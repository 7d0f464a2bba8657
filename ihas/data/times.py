"""Texts that order rows by time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from ihas.data.columns import numbers
from ihas.data.moments import FROM, TO, UNITS


def seconds(texts: pa.StringArray) -> np.ndarray:
    """Where each text lies in time: float64 (texts,), NaN where that cannot be told.

    All texts are read as numbers (an epoch, or digits such as 20141021) where at least half of them are; otherwise as
    ISO 8601 dates or times, in UTC where they name no zone, as seconds since 1970.
    """
    as_numbers = numbers(texts)
    if 2 * np.isfinite(as_numbers).sum() >= len(texts):
        return as_numbers
    return np.array([_iso_seconds(str(text)) for text in texts.to_pylist()], dtype=np.float64)


def _iso_seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def unit_of(moments: np.ndarray) -> float:
    """How many of the units of these numbers, float64 (n,), make a second: 1, 10^3, 10^6 or 10^9; NaN where they are no moments since 1970.

    Told from the largest: it lies between 1990 and 2100 as seconds, milliseconds, microseconds or nanoseconds.
    """
    largest = float(np.nanmax(moments, initial=-np.inf))
    return next((unit for unit in UNITS if FROM <= largest / unit < TO), float("nan"))


def days(texts: pa.StringArray, moments: np.ndarray) -> list[str]:
    """The day of each moment, float64 (n,) as `seconds` gives it for these texts; the moment itself where it is no day's.

    Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970 where they lie between 1990 and 2100 as such.
    """
    as_numbers = numbers(texts)
    are_numbers = 2 * np.isfinite(as_numbers).sum() >= len(texts)
    return [_day(float(moment), are_number=bool(are_numbers)) for moment in moments]


def _day(moment: float, *, are_number: bool) -> str:
    for unit in UNITS if are_number else UNITS[:1]:
        if not are_number or FROM <= moment / unit < TO:
            return str(datetime.fromtimestamp(moment / unit, UTC).date())
    return f"{moment:.15g}"
