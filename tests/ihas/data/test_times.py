"""Texts that order rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.times import seconds


def test_iso_times_with_and_without_zone() -> None:
    """A time without a zone is in UTC, and a zone is subtracted."""
    texts = pa.array(["1970-01-02", "1970-01-01 00:00:10", "1970-01-01T01:00:00+01:00", "1970-01-01T00:00:01Z", "01/02/1970"])
    assert np.array_equal(seconds(texts), [86400.0, 10.0, 0.0, 1.0, np.nan], equal_nan=True)


def test_numbers_order_where_most_texts_are_numbers() -> None:
    """Digits are read as numbers, and a stray date among them is no time."""
    assert np.array_equal(seconds(pa.array(["14102100", "2013-01-01", "14102101"])), [14102100.0, np.nan, 14102101.0], equal_nan=True)
