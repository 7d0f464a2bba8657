"""One seed, independent streams."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from ihas.seeding import generator

seeds = st.integers(0, 2**31 - 1)


@given(seeds, st.lists(st.text(max_size=8), max_size=3))
def test_same_seed_and_names_same_draws(seed: int, names: list[str]) -> None:
    """A stream is a pure function of the seed and the names."""
    np.testing.assert_array_equal(generator(seed, *names).random(4), generator(seed, *names).random(4))


@given(seeds)
def test_names_and_seeds_part_streams(seed: int) -> None:
    """Another seed, another name, the names in another order or joined into one: each is another stream."""
    streams = [
        generator(seed, "a", "b"),
        generator(seed + 1, "a", "b"),
        generator(seed, "a"),
        generator(seed, "b", "a"),
        generator(seed, "ab"),
    ]
    first_draws = {stream.random() for stream in (*streams, generator(seed))}
    assert len(first_draws) == len(streams) + 1


def test_streams_are_uncorrelated() -> None:
    """The streams of two stages correlate by no more than chance: four standard errors of 10,000 draws."""
    draws = [generator(0, name).normal(size=10_000) for name in ("base", "search")]
    assert abs(pearsonr(*draws).statistic) < 4 / np.sqrt(10_000)


def test_streams_stay_as_they_are() -> None:
    """A stream's first numbers are fixed, so that an interrupted run ends as an undisturbed one, on any machine."""
    assert generator(7, "search").integers(1000, size=4).tolist() == [86, 323, 651, 189]
