"""Rows of the three parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.split import SplitConfig
from ihas.data.splits import PartName, check_classes, split_rows
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import fault_places, made_table

BOTH: tuple[PartName, PartName] = ("valid", "test")


def _split(
    cells: list[Any], split: SplitConfig | None = None, seed: int = 0, drawn: tuple[PartName, ...] = BOTH, time: str | None = "t"
) -> dict[PartName, np.ndarray]:
    return split_rows(made_table({"t": cells}), split or SplitConfig(), time, drawn, np.random.default_rng(seed))


@given(rows=st.integers(10, 200), seed=st.integers(0, 9), kind=st.sampled_from(["random", "time"]))
def test_parts_are_a_partition_of_the_stated_sizes(rows: int, seed: int, kind: Any) -> None:
    """Every row is in exactly one part, and the parts have their shares."""
    parts = _split(list(range(rows)), SplitConfig(kind=kind, valid_fraction=0.2, test_fraction=0.1), seed)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(rows))
    assert (parts["valid"].size, parts["test"].size) == (round(0.2 * rows), round(0.1 * rows))
    assert all((np.diff(of_part) > 0).all() for of_part in parts.values())


def test_a_random_split_is_its_seed() -> None:
    """The same seed gives the same rows, another seed others."""
    first, again, other = (_split(list(range(100)), seed=seed)["test"] for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_the_latest_rows_are_for_test() -> None:
    """A split by time trains on the past: test rows are the latest, validation rows lie just before them; ties go by the table's order."""
    parts = _split(["9", "10", "2", "2", "2"], SplitConfig(kind="time", valid_fraction=0.2, test_fraction=0.4))
    assert {name: of_part.tolist() for name, of_part in parts.items()} == {"train": [2, 3], "valid": [4], "test": [0, 1]}


def test_a_part_with_its_own_file_is_not_drawn() -> None:
    """With a test file, all rows are for training and validation."""
    parts = _split(list(range(10)), drawn=("valid",))
    assert set(parts) == {"train", "valid"}
    assert (parts["train"].size, parts["valid"].size) == (9, 1)


def test_a_column_may_say_the_part() -> None:
    """Given parts are taken as they are, and any other cell is an error with its row."""
    given_split = SplitConfig(kind="given", column="t")
    parts = _split(["test", "train", "valid", "train"], given_split)
    assert {name: of_part.tolist() for name, of_part in parts.items()} == {"train": [1, 3], "valid": [2], "test": [0]}
    with pytest.raises(DataError, match="'dev'") as error:
        _split(["train", "dev", None], given_split)
    assert fault_places(error) == [("unknown_part", 2, "t"), ("unknown_part", 3, "t")]


def test_splits_that_cannot_be_made() -> None:
    """A part without rows, a split by time without a time, and given parts beside given files are refused."""
    with pytest.raises(DataError, match="'valid' must have rows"):
        _split(["1", "2", "3"])
    with pytest.raises(ConfigError, match=r"columns\.time"):
        _split(["1"] * 20, SplitConfig(kind="time"), time=None)
    with pytest.raises(ConfigError, match="must not be combined"):
        _split(["train"], SplitConfig(kind="given", column="t"), drawn=("valid",))
    with pytest.raises(ConfigError, match="there are t"):
        _split(["train"], SplitConfig(kind="given", column="part"))


def test_every_part_needs_both_classes() -> None:
    """A part with clicks only is refused by name."""
    check_classes({"train": np.array([0.0, 1.0])})
    with pytest.raises(DataError, match="'test', but all 2 are 1"):
        check_classes({"train": np.array([0.0, 1.0]), "test": np.array([1.0, 1.0])})


def test_a_value_falls_into_one_part_with_all_its_rows() -> None:
    """Parts have about their shares of the values; the text alone says the part, so that a newer table keeps it, in any order."""
    users = [f"u{row % 500}" for row in range(2_000)]
    split = SplitConfig(group="t", valid_fraction=0.2, test_fraction=0.1)
    parts = {name: {users[row] for row in rows} for name, rows in _split(users, split).items()}
    assert sum(map(len, parts.values())) == 500
    assert len(parts["valid"]) / 500 == pytest.approx(0.2, abs=0.05)
    assert len(parts["test"]) / 500 == pytest.approx(0.1, abs=0.05)
    grown = [*(f"v{row}" for row in range(300)), *reversed(users)]
    for name, rows in _split(grown, split, seed=9).items():
        assert parts[name] <= {grown[row] for row in rows}
    assert set(_split(users, split, drawn=("valid",))) == {"train", "valid"}


def test_a_group_is_a_column_of_single_values_that_are_all_there() -> None:
    """Another column, a list and a missing cell are told; a split by time cannot keep groups together."""
    with pytest.raises(ConfigError, match=r"`split.group` must name a column of single values, but got 'user'"):
        _split(["a"] * 20, SplitConfig(group="user"))
    with pytest.raises(DataError) as error:
        _split([*map(str, range(20)), None], SplitConfig(group="t"))
    assert fault_places(error) == [("group_missing", 21, "t")]
    with pytest.raises(ValueError, match="`group` must be set for a random split alone"):
        SplitConfig(kind="time", group="t")
