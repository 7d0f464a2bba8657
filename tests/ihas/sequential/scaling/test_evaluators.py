"""Five evaluators on toy data, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ihas.errors import ConfigError
from ihas.sequential.data.sequences import NextItem, Sequences
from ihas.sequential.scaling.evaluators import (
    cold_start,
    coverage,
    disturbed,
    long_tail,
    of_domain,
    popularity_groups,
    ranks_of,
    robustness,
    roll_out,
    transfer_gain,
)

NUM_ITEMS = 12


def _successor(histories: Sequences) -> np.ndarray:
    """Scores that fall with the distance forward from the last item: the next item on the circle is first; no history scores by number."""
    scores = np.tile(-np.arange(float(NUM_ITEMS)), (len(histories), 1))
    for row, items in enumerate(histories):
        if len(items):
            scores[row] = -((np.arange(NUM_ITEMS) - items[-1] - 1) % NUM_ITEMS)
    return scores


def _rows(histories: list[list[int]], targets: list[int]) -> NextItem:
    return NextItem(np.arange(len(targets)), Sequences.of(histories), np.array(targets, np.int32))


def test_groups_of_popularity_by_hand() -> None:
    """Counts 4, 2, 1, 1: the first item lies in the first quarter, the next begins at a half, the last two after 6 and 7 of 8."""
    train = Sequences.of([[0, 0, 0, 0, 1, 1, 2, 3]])
    assert popularity_groups(train, 5).tolist() == [0, 2, 3, 3, 3]


def test_long_tail_by_hand() -> None:
    """Targets of group 0 rank 1 and 3, the one of group 3 ranks 2: figures of each group alone, and none of empty groups."""
    groups = np.array([0] * 6 + [3] * 6)
    found = long_tail(_successor, _rows([[0], [1], [7]], [1, 4, 9]), groups)
    assert set(found) == {0, 3}
    assert (found[0].rows, found[0].mrr) == (2, pytest.approx((1 + 1 / 3) / 2))
    assert found[3].ndcg[5] == pytest.approx(1 / math.log2(3))


def _majority(histories: Sequences) -> np.ndarray:
    """Scores by how often an item's successor was taken: needs the whole history."""
    scores = np.zeros((len(histories), NUM_ITEMS))
    for row, items in enumerate(histories):
        np.add.at(scores[row], (items + 1) % NUM_ITEMS, 1.0)
    return scores - 1e-3 * np.arange(NUM_ITEMS)


def test_cold_start_by_hand() -> None:
    """Two of three items say 3 comes next, the last says 9: with the last alone, 3 ranks behind 9, 0 and 1; 2 stays hidden."""
    rows = _rows([[2, 2, 8]], [3])
    found = cold_start(_majority, rows, (1, 3))
    assert found[3].mrr == 1.0
    assert found[1].mrr == pytest.approx(1 / 4)


def test_coverage_by_hand() -> None:
    """The best two after 0 are 1 and 2, after 1 they are 2 and 3: three of twelve items."""
    assert coverage(_successor, Sequences.of([[0], [1]]), k=2) == pytest.approx(3 / 12)
    with pytest.raises(ConfigError, match="at least one history"):
        coverage(_successor, Sequences.of([]))


def test_disturbs_the_share_that_it_is_asked_for() -> None:
    """Deleting keeps the others in order and never empties a history; replacing keeps lengths; a share of none changes nothing."""
    rng, histories = np.random.default_rng(0), Sequences.of([np.arange(1000) % 10, [3, 4], []])
    assert disturbed(histories, 0.0, None, rng).items.tolist() == histories.items.tolist()
    gone = disturbed(histories, 1.0, None, rng)
    assert (gone.lengths.tolist(), gone.items.tolist()) == ([1, 1, 0], [9, 4])
    some = disturbed(histories, 0.3, None, rng)
    assert 0.65 < some.lengths[0] / 1000 < 0.75
    swapped = disturbed(histories, 0.3, 10, rng)
    assert swapped.lengths.tolist() == histories.lengths.tolist()
    assert 0.22 < (swapped.items != histories.items).mean() < 0.32


def test_robustness_by_hand() -> None:
    """Deleting all but the last item loses what the majority knew: rank 1 becomes 4, so 1 - 1 / log2(5) of NDCG is lost."""
    found = robustness(_majority, _rows([[2, 2, 8]], [3]), (0.0, 1.0), np.random.default_rng(0))
    assert found == pytest.approx({0.0: 0.0, 1.0: 1 - 1 / math.log2(5)})
    assert ranks_of(_successor, _rows([[0]], [11])).tolist() == [11]
    with pytest.raises(ConfigError, match="must be above 0"):
        robustness(_successor, _rows([[0]], [11]), (0.5,), np.random.default_rng(0))


def test_roll_out_by_hand() -> None:
    """0 1 2 | 3 4 is continued rightly; after 0 5 | 7 8 the model appends 6 for 7, so 7 ranks second and 8, after 6, again."""
    found = roll_out(_successor, Sequences.of([[0, 1, 2, 3, 4], [0, 5, 7, 8], [1, 2]]), 2)
    assert [found[step].rows for step in (1, 2)] == [2, 2]
    assert [found[step].mrr for step in (1, 2)] == [pytest.approx(0.75), pytest.approx(0.75)]
    with pytest.raises(ConfigError, match="longer than 9"):
        roll_out(_successor, Sequences.of([[0, 1]]), 9)


def test_domains_by_hand() -> None:
    """Items 1 and 3 become 0 and 1; the user who took neither is left out."""
    found = of_domain(Sequences.of([[0, 1, 3], [2, 0], [3, 3]]), np.array([False, True, False, True]))
    assert [items.tolist() for items in found] == [[0, 1], [1, 1]]


def test_transfer_gain_by_hand() -> None:
    """From rank 3 (1 / 2) to rank 1 (1) the gain is 1; from nothing there is none to tell."""
    assert transfer_gain(np.array([1]), np.array([3])) == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="without the other domain"):
        transfer_gain(np.array([1]), np.array([99]))
