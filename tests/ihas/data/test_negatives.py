"""Items that are drawn for users who did not take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.config.negatives import NegativesConfig
from ihas.data import negatives
from ihas.data.negatives import PartRows, Taken, draw_negatives
from ihas.data.splits import PARTS, PartName

ITEMS = 12


def _taken(seed: int, rows: int = 40, users: int = 5) -> dict[PartName, Taken]:
    rng = np.random.default_rng(seed)
    return {part: Taken(rng.integers(0, users, rows), rng.integers(-1, ITEMS, rows)) for part in PARTS}


def _draw(taken: dict[PartName, Taken], seed: int = 0, **settings: Any) -> dict[PartName, PartRows]:
    return draw_negatives(taken, np.arange(1, ITEMS + 1), NegativesConfig(**settings), seed)


@given(seed=st.integers(0, 50), kind=st.sampled_from(["uniform", "popularity"]), per_positive=st.integers(1, 6))
@settings(max_examples=25)
def test_nothing_is_drawn_that_the_user_took(seed: int, kind: Any, per_positive: int) -> None:
    """Of training rows no item of training rows, of validation rows none of these or validation rows, of test rows none at all."""
    taken = _taken(seed)
    drawn = _draw(taken, seed, draw=kind, per_positive=per_positive)
    known: set[tuple[int, int]] = set()
    for part in PARTS:
        known |= set(zip(taken[part].users.tolist(), taken[part].items.tolist(), strict=True))
        rows = drawn[part]
        of_rows = zip(taken[part].users[rows.positive].tolist(), rows.item.tolist(), strict=True)
        assert not {(user, item) for user, item in of_rows if item >= 0} & known
        assert int(rows.labels.sum()) == len(taken[part].users)
        assert (np.diff(rows.positive) >= 0).all()
        assert rows.labels[np.flatnonzero(np.diff(rows.positive, prepend=-1))].all()


def test_a_training_row_may_show_what_is_taken_later() -> None:
    """Otherwise what is missing among a user's negatives would tell the test rows: of two items, the one not taken yet is drawn."""
    parts = {"train": Taken(np.array([0]), np.array([0])), "valid": Taken(np.array([1]), np.array([0]))}
    taken: dict[PartName, Taken] = {**parts, "test": Taken(np.array([0]), np.array([1]))}  # type: ignore[dict-item]
    drawn = draw_negatives(taken, np.array([1, 1]), NegativesConfig(per_positive=2), 0)
    assert drawn["train"].item.tolist() == [-1, 1, 1]
    assert drawn["test"].item.tolist() == [-1]


def test_the_seed_says_the_rows() -> None:
    """The same seed gives the same rows, another one others, and a part's draws do not depend on how many rows another part has."""
    first, again, other = (_draw(_taken(1), seed)["test"].item.tolist() for seed in (4, 4, 5))
    assert first == again != other


def test_pieces_of_a_large_part_are_joined(monkeypatch: Any) -> None:
    """Positives are numbered through, however few are drawn for at a time."""
    monkeypatch.setattr(negatives, "_BLOCK_ROWS", 7)
    rows = _draw(_taken(2, users=1_000), per_positive=2)["train"]
    assert rows.positive.tolist() == np.repeat(np.arange(40), 3).tolist()


def test_popular_items_are_drawn_as_often_as_they_are_shown() -> None:
    """Uniform draws take every item alike; by popularity, item i of i + 1 rows is drawn in that proportion."""
    none = {part: Taken(np.arange(20_000 if part == "train" else 1), np.full(20_000 if part == "train" else 1, -1)) for part in PARTS}
    for kind, expected in (("uniform", np.full(ITEMS, 1 / ITEMS)), ("popularity", np.arange(1, ITEMS + 1) / (ITEMS * (ITEMS + 1) / 2))):
        item = _draw(none, draw=kind, per_positive=2)["train"].item
        share = np.bincount(item[item >= 0], minlength=ITEMS) / 40_000
        np.testing.assert_allclose(share, expected, atol=0.006)


def test_a_user_of_nearly_everything_gets_what_is_left() -> None:
    """Of one item left it is drawn each time; of none there are no negatives."""
    everything = {part: Taken(np.zeros(ITEMS - 1, np.int64), np.arange(ITEMS - 1)) for part in PARTS}
    rows = _draw(everything, per_positive=3)["train"]
    assert set(rows.item.tolist()) == {-1, ITEMS - 1}
    assert len(rows.item) == 4 * (ITEMS - 1)
    whole = {part: Taken(np.zeros(ITEMS, np.int64), np.arange(ITEMS)) for part in PARTS}
    assert set(_draw(whole)["train"].item.tolist()) == {-1}
