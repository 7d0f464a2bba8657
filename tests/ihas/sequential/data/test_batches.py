"""Batches of sequences of nearly one length."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.sequential.data.batches import batches, buckets, padded
from ihas.sequential.data.sequences import Sequences


def test_pads_by_hand() -> None:
    """The last three items, oldest first, -1 after the last one."""
    assert padded(Sequences.of([[1, 2, 3, 4], [5], []]), 3).tolist() == [[2, 3, 4], [5, -1, -1], [-1, -1, -1]]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_every_sequence_comes_once(lengths: list[int], max_length: int, seed: int) -> None:
    """Every sequence that is long enough comes once, cut to its last items, with less than half of a batch padding beyond the shortest."""
    sequences = Sequences.of([np.arange(length) + 100 * number for number, length in enumerate(lengths)])
    expected = sorted(tuple(items[-max_length:].tolist()) for items in sequences if len(items) >= 2)
    of = buckets(sequences, max_length, least=2)
    found = [tuple(int(item) for item in row if item >= 0) for batch in batches(of, 64, np.random.default_rng(seed)) for row in batch]
    assert sorted(found) == expected
    for bucket in of:
        shortest = (bucket.items >= 0).sum(axis=1).min()
        assert bucket.items.shape[1] <= max(shortest + 1, round(shortest * 1.25) + 1)


def test_batches_hold_about_so_many_places() -> None:
    """A thousand sequences of four items come in batches of about 64 places, in another order each time."""
    of = buckets(Sequences.of([[number, 0, 0, 0] for number in range(1000)]), 50, least=2)
    rng = np.random.default_rng(0)
    once, again = (list(batches(of, 64, rng)) for _ in range(2))
    assert {len(batch) for batch in once} <= {15, 16, 17}
    assert [batch[0, 0] for batch in once] != [batch[0, 0] for batch in again]
