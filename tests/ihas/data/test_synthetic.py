"""Oracle data: what is said to be known of it is true."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ihas.data.synthetic import Oracle, make_pairs, make_tribes
from ihas.metrics import auc, click_metrics

ROWS, VALUES, SHARPNESS = (20_000, 300, 5000), 20, 3.0
WEIGHT = SHARPNESS * np.linspace(-1.0, 1.0, VALUES)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """Two tribes."""
    return make_tribes(np.random.default_rng(0), 2, ROWS)


def _tastes(oracle: Oracle) -> np.ndarray:
    """Value of each taste, int (training rows, num_tribes), from 0."""
    num_tribes = oracle.layout.num_fields - 2
    return np.asarray(oracle.parts.train.ids[:, 1 : num_tribes + 1] - oracle.layout.first_rows[1 : num_tribes + 1] - 2)


def test_parts_and_fields(oracle: Oracle) -> None:
    """Parts have the asked number of rows, each row a tribe, a taste for every tribe and noise, never unknown or missing."""
    parts = (oracle.parts.train, oracle.parts.valid, oracle.parts.test)
    assert tuple(map(len, parts)) == ROWS
    assert oracle.layout.names == ("tribe", "taste_0", "taste_1", "noise")
    local = oracle.parts.train.ids - oracle.layout.first_rows
    assert local.min(axis=0).tolist() == [2] * 4
    assert (local.max(axis=0) + 1).tolist() == list(oracle.layout.vocabulary_sizes)
    assert [np.unique(part.labels).tolist() for part in parts] == [[0.0, 1.0]] * 3


def test_the_field_shows_the_tribe(oracle: Oracle) -> None:
    """The right group of a row can be read from its first field, and tribes are equally large."""
    np.testing.assert_array_equal(oracle.parts.train.ids[:, 0] - 2, oracle.tribe[0])
    assert abs(oracle.tribe[0].mean() - 0.5) < 5 * 0.5 / np.sqrt(ROWS[0])


def test_one_taste_decides_per_tribe(oracle: Oracle) -> None:
    """True log-odds are a function of the tribe's own taste, evenly spaced from -3 to 3."""
    own = _tastes(oracle)[np.arange(ROWS[0]), oracle.tribe[0]]
    np.testing.assert_allclose(oracle.logits[0], WEIGHT[own], rtol=1e-6)


@pytest.mark.parametrize("tribe", [0, 1])
def test_labels_follow_the_stated_probabilities(oracle: Oracle, tribe: int) -> None:
    """A tribe's click rate at each of its own taste's values is the sigmoid of its weight, at each of the other's it is 1/2."""
    rows = oracle.tribe[0] == tribe
    labels, tastes = oracle.parts.train.labels[rows], _tastes(oracle)[rows]
    for taste, expected in ((tribe, 1.0 / (1.0 + np.exp(-WEIGHT))), (1 - tribe, np.full(VALUES, 0.5))):
        count = np.bincount(tastes[:, taste], minlength=VALUES)
        rate = np.bincount(tastes[:, taste], labels, minlength=VALUES) / count
        assert (np.abs(rate - expected) < 4.5 * np.sqrt(0.25 / count)).all()


def test_best_auc_is_that_of_the_weights() -> None:
    """The AUC of the true log-odds is the one worked out from the weights: P(a click's weight exceeds a non-click's)."""
    oracle = make_tribes(np.random.default_rng(1), 3, (100_000, 10, 10))
    click = 1.0 / (1.0 + np.exp(-WEIGHT))
    order = (WEIGHT[:, None] > WEIGHT).astype(float) + 0.5 * np.eye(VALUES)
    expected = click @ order @ (1.0 - click) / (click.sum() * (1.0 - click).sum())
    assert auc(oracle.logits[0], oracle.parts.train.labels) == pytest.approx(expected, abs=0.005)
    assert click_metrics(oracle.logits[0], oracle.parts.train.labels).calibration == pytest.approx(1.0, abs=0.02)


def test_an_additive_model_falls_short(oracle: Oracle) -> None:
    """Logistic regression on all values is more than .05 below the best, since it cannot tell which taste counts."""
    size = oracle.layout.num_rows
    train, test = (np.eye(size)[part.ids].sum(axis=1) for part in (oracle.parts.train.take(np.arange(4000)), oracle.parts.test))
    model = LogisticRegression(max_iter=300).fit(train, oracle.parts.train.labels[:4000])
    best = auc(oracle.logits[2], oracle.parts.test.labels) or 0.0
    assert (auc(model.decision_function(test), oracle.parts.test.labels) or 0.0) < best - 0.05


def test_draws_come_from_the_stream() -> None:
    """The same stream draws the same rows, another draws others."""
    one, again, other = (make_tribes(np.random.default_rng(seed), 2, (50, 5, 5)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.parts.train.ids, again.parts.train.ids)
    np.testing.assert_array_equal(one.parts.test.labels, again.parts.test.labels)
    assert (one.parts.train.ids != other.parts.train.ids).any()


def test_one_tribe_has_one_taste() -> None:
    """With one tribe there is nothing to group by."""
    oracle = make_tribes(np.random.default_rng(0), 1, (50, 5, 5), values=4)
    assert oracle.layout.names == ("tribe", "taste_0", "noise")
    assert not oracle.tribe[0].any()


def test_pairs_tell_and_nothing_else_does() -> None:
    """No user, item or other value has a click rate that differs from 1/2 by more than chance; user and item together say the label."""
    pairs = make_pairs(np.random.default_rng(0), 40, 20, (40_000, 10, 10))
    train = pairs.parts.train
    assert train.layout.names == ("user", "item", "noise_0", "noise_1")
    for slot in range(4):
        counts = np.bincount(train.ids[:, slot], minlength=train.layout.num_rows)
        rate = np.bincount(train.ids[:, slot], train.labels, minlength=train.layout.num_rows) / np.maximum(counts, 1)
        seen = counts > 0
        assert (np.abs(rate[seen] - 0.5) < 5 * np.sqrt(0.25 / counts[seen])).all()
    assert (auc(pairs.logits[0], train.labels) or 0.0) > 0.85
    assert click_metrics(pairs.logits[0], train.labels).calibration == pytest.approx(1.0, abs=0.02)


def test_pairs_of_many_users_are_drawn() -> None:
    """200,000 users are drawn as well, each within its part of the table."""
    pairs = make_pairs(np.random.default_rng(0), 200_000, 2_000, (400_000, 10, 10), noise=1)
    ids = pairs.parts.train.ids
    assert (ids >= np.array(pairs.parts.train.layout.first_rows)).all()
    assert ids[:, 0].max() < 200_002
    assert len(np.unique(ids[:, 0])) > 150_000
