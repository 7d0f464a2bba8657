"""The nearest known name."""

from __future__ import annotations

from ihas.extensions.suggest import did_you_mean


def test_the_nearest_name_is_suggested() -> None:
    """A name with a letter wrong is told the right one, and one that is near none is told nothing."""
    assert did_you_mean("yaer", ["day", "year"]) == " Did you mean `year`?"
    assert did_you_mean("zzz", ["day", "year"]) == ""
