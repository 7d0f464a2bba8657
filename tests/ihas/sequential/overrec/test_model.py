"""The recommender without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ihas.config.overrec import KernelConfig, OverRecConfig
from ihas.errors import ConfigError
from ihas.sequential.data.ranking import ranking_metrics, ranks
from ihas.sequential.data.sequences import Sequences, leave_one_out, prefixes
from ihas.sequential.overrec.kernel import similarities
from ihas.sequential.overrec.model import OverRec

SEQUENCES = Sequences.of([[0, 1, 2], [3, 1, 4], [0, 1, 2, 4]])


def _chains(users: int, seed: int) -> Sequences:
    """Users who walk a circle of 40 items, mostly step by step."""
    rng = np.random.default_rng(seed)
    steps = [np.where(rng.random(12) < 0.8, 1, rng.integers(2, 40, 12)) for _ in range(users)]
    return Sequences.of([(rng.integers(40) + np.cumsum(one)) % 40 for one in steps])


def test_votes_by_hand() -> None:
    """After [0, 1] the prefixes [0, 1] of the first and the last user, equally near, say 2, and [3, 1] says 4: 2.25 times each and less."""
    model = OverRec.of(SEQUENCES, 5, OverRecConfig(num_neighbours=3))
    near, far = similarities(KernelConfig(), Sequences.of([[0, 1]]), Sequences.of([[0, 1], [3, 1]]))[0]
    assert model.scores(Sequences.of([[0, 1]]))[0] == pytest.approx([0, 0, 2 * near, 0, far])


def test_scores_are_those_of_the_whole_matrix() -> None:
    """With all prefixes as neighbours the sum is the kernel's row times the one-hot targets."""
    every = prefixes(SEQUENCES)
    model = OverRec.of(SEQUENCES, 5, OverRecConfig(num_neighbours=100))
    asked = Sequences.of([[0, 1], [4], [2, 2, 2]])
    expected = similarities(KernelConfig(), asked, every.histories) @ np.eye(5)[every.targets]
    np.testing.assert_allclose(model.scores(asked), expected, rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"score": "assign"}, {"score": "krr"}, {"kernel": {"mode": "reference"}}])
def test_finds_the_next_step_of_a_walk(settings: dict[str, Any]) -> None:
    """On walks whose next step is known four times of five, at least half of the targets come first of 40."""
    parts = leave_one_out(_chains(150, 0))
    model = OverRec.of(parts.train, 40, OverRecConfig.model_validate(settings))
    found = ranking_metrics(ranks(model.scores, parts.test, hide_history=False), (1,))
    assert found.hit_rate[1] > 1 / 2


def test_an_empty_history_goes_by_popularity() -> None:
    """Without a history no neighbour votes, and the probabilities are in the order of the counts; they add up to 1."""
    model = OverRec.of(SEQUENCES, 5, OverRecConfig())
    found = model.probabilities(Sequences.of([[], [0, 1]]))
    assert (model.scores(Sequences.of([[]])) == 0.0).all()
    assert found[0] == pytest.approx(np.array([3, 4, 3, 2, 3]) / 15)
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert found[1].argmax() == 2


def test_unknown_items_match_nothing_but_keep_their_place() -> None:
    """A history with an unknown item in it is as far from others as one with an item that nobody took."""
    model = OverRec.of(SEQUENCES, 6, OverRecConfig(num_neighbours=100))
    assert (model.scores(Sequences.of([[0, -1, 1]])) == model.scores(Sequences.of([[0, 5, 1]]))).all()


def test_added_interactions_count() -> None:
    """Interactions added one by one give the scores and counts of all of them together."""
    model = OverRec.of(Sequences.of([[0, 1, 2], [3, 1], [0]]), 4, OverRecConfig(num_neighbours=100))
    model = model.extended(Sequences.of([[3, 1, 4]]), np.array([2]), 5)
    model = model.extended(Sequences.of([[0, 1, 2, 4]]), np.array([1]), 5)
    whole = OverRec.of(SEQUENCES, 5, OverRecConfig(num_neighbours=100))
    asked = Sequences.of([[0, 1], [3], [0, 1, 2]])
    assert model.counts.tolist() == whole.counts.tolist()
    np.testing.assert_allclose(model.scores(asked), whole.scores(asked))


def test_krr_takes_no_additions() -> None:
    """A regression must be fitted again."""
    model = OverRec.of(SEQUENCES, 5, OverRecConfig(score="krr"))
    assert model.neighbours(SEQUENCES) is None
    with pytest.raises(ConfigError, match="fitted again"):
        model.extended(SEQUENCES, np.array([3, 3, 4]), 5)


def test_one_user_is_enough() -> None:
    """One sequence of two items is a prefix with a target: whatever the history, that target gets the vote."""
    model = OverRec.of(Sequences.of([[1, 0]]), 2, OverRecConfig())
    assert model.scores(Sequences.of([[1], [0]])).argmax(axis=1).tolist() == [0, 0]


def test_items_seen_once_are_recommended_all_the_same() -> None:
    """Where no item occurs twice nothing matches, and the longest prefixes vote, as the kernel's values say."""
    model = OverRec.of(Sequences.of([[0, 1, 2], [3, 4]]), 6, OverRecConfig(num_neighbours=1))
    assert model.scores(Sequences.of([[5]])).argmax() == 2


@pytest.mark.parametrize(
    ("sequences", "law"), [([[0], [1]], "must have 2 items"), ([], "the longest has 0"), ([[0, 9]], "must lie in 0 .. 4, but got 0 .. 9")]
)
def test_refuses_what_cannot_vote(sequences: list[list[int]], law: str) -> None:
    """Sequences without a second item, none at all, or items out of range."""
    with pytest.raises(ConfigError, match=law):
        OverRec.of(Sequences.of(sequences), 5, OverRecConfig())


def test_neighbours_need_pooling_by_the_last_step() -> None:
    """Average pooling is for the regression."""
    with pytest.raises(ValidationError, match="Use `score = 'krr'`"):
        OverRecConfig(kernel=KernelConfig(pooling="average"))
    OverRecConfig(kernel=KernelConfig(pooling="average"), score="krr")
