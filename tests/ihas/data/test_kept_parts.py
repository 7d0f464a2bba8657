"""A newer table divided so that no row that was trained on judges."""

from __future__ import annotations

import numpy as np

from ihas.config.split import SplitConfig
from ihas.data.dataset import Dataset
from ihas.data.kept_parts import hash_ids, hash_rows, keep_parts
from ihas.data.layout import FieldLayout

SPLIT = SplitConfig(valid_fraction=0.25, test_fraction=0.25)


def _hashes(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


def test_rows_of_the_first_table_stay_in_their_parts() -> None:
    """Every old row is where it was, wherever it stands in the newer table; new rows are drawn by the fractions."""
    before = {"train": _hashes(*range(60)), "valid": _hashes(*range(60, 80)), "test": _hashes(*range(80, 100))}
    rows = np.random.default_rng(0).permutation(np.arange(140, dtype=np.uint64))
    parts = keep_parts(rows, before, SPLIT, np.random.default_rng(1))
    of_part = {name: set(rows[places].tolist()) for name, places in parts.items()}

    assert {name: {row for row in own if row < 100} for name, own in of_part.items()} == {
        name: set(own.tolist()) for name, own in before.items()
    }
    assert [sum(row >= 100 for row in of_part[name]) for name in ("train", "valid", "test")] == [20, 10, 10]
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(140))
    assert all(np.array_equal(places, np.sort(places)) for places in parts.values())


def test_of_equal_rows_as_many_are_in_a_part_as_before() -> None:
    """Three equal rows, two of them trained on and one tested, with a fourth that is new."""
    before = {"train": _hashes(7, 7), "valid": _hashes(5), "test": _hashes(7)}
    parts = keep_parts(_hashes(7, 5, 7, 7, 7), before, SPLIT, np.random.default_rng(0))

    assert {name: places.tolist() for name, places in parts.items()} == {"train": [0, 2, 4], "valid": [1], "test": [3]}


def test_hashes_tell_rows_apart_by_ids_place_and_label() -> None:
    """Ids in other places, another id, padding and another label give other hashes; equal rows equal ones, block by block or at once."""
    ids = np.array([[1, 2], [2, 1], [1, 3], [1, -1], [1, 2]], np.int32)
    labels = np.array([0.0, 0.0, 0.0, 0.0, 1.0], np.float32)
    found = hash_ids(ids, labels)

    assert len(set(found.tolist())) == 5
    assert np.array_equal(hash_rows(Dataset(FieldLayout(("a", "b"), (4, 4), (1, 1)), ids, labels)), found)
    assert hash_ids(ids[:1], labels[:1])[0] == found[0]


def test_many_rows_have_as_many_hashes() -> None:
    """Of 300,000 different rows of small numbers none share a hash."""
    grid = np.stack(np.meshgrid(np.arange(100), np.arange(60), np.arange(50), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)

    assert len(np.unique(hash_ids(grid, np.zeros(len(grid), np.float32)))) == len(grid)
