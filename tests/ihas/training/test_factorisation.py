"""Matrix factorisation on ratings whose rule is known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.training import TrainingConfig
from ihas.data.layout import FieldLayout
from ihas.legacy_keras import tf
from ihas.training.factorisation import Factorisation, FactorisationTrainer, Ratings

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("user", "item"), (30, 20), (1, 1))


def _ratings() -> Ratings:
    """Every user rates every item by 3 + b_u + b_i + p_u . q_i of two dimensions, without noise."""
    rng = np.random.default_rng(0)
    truth = Factorisation(3.0, rng.normal(0.0, 0.7, (50, 3)).astype(np.float32))
    ids = np.stack(np.meshgrid(np.arange(30), np.arange(30, 50), indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int32)
    return Ratings(LAYOUT, ids, truth.predict(ids))


def test_predicts_by_hand() -> None:
    """3 + .5 - .25 + (1 * 3 + 2 * -1) = 4.25, and its error against 4 is .25."""
    model = Factorisation(3.0, np.array([[1.0, 2.0, 0.5], [3.0, -1.0, -0.25]], np.float32))
    ids = np.array([[0, 1]], np.int32)
    np.testing.assert_allclose(model.predict(ids), [4.25])
    assert model.root_mean_squared_error(Ratings(FieldLayout(("user", "item"), (1, 1), (1, 1)), ids, np.array([4.0]))) == 0.25


@pytest.mark.parametrize("form", ["none", "scalar", "vector", "matrix"])
def test_learns_the_rule(form: str) -> None:
    """Ratings left out of training are predicted within .05, whatever the form; the spread of the ratings is above 1."""
    ratings, rng = _ratings(), np.random.default_rng(1)
    held_out = rng.random(600) < 0.15
    config = TrainingConfig.model_validate(
        {"embedding_dim": 2, "batch_size": 60, "learning_rate": 0.02, "embedding_l2": 0.0, "overparameterisation": form}
    )
    trainer = FactorisationTrainer(ratings.take(~held_out), config, rng)
    for _ in range(150):
        trainer.run(rng.permutation(int((~held_out).sum())))
    assert ratings.values.std() > 1.0
    assert trainer.folded().root_mean_squared_error(ratings.take(held_out)) < 0.05


@pytest.mark.parametrize("form", ["scalar", "vector", "matrix"])
def test_folded_model_predicts_the_same(form: str) -> None:
    """The folded table predicts what the product does, rating by rating."""
    ratings = _ratings()
    config = TrainingConfig.model_validate({"embedding_dim": 2, "learning_rate": 0.05, "overparameterisation": form})
    trainer = FactorisationTrainer(ratings, config, np.random.default_rng(2))
    trainer.run(np.arange(600))
    found = trainer.embedding.look_up(tf.constant(ratings.ids))
    pairs = found.values.numpy().reshape(-1, 2, 3)
    expected = trainer.mean + pairs[..., 2].sum(axis=1) + pairs[..., :2].prod(axis=1).sum(axis=1)
    np.testing.assert_allclose(trainer.folded().predict(ratings.ids), expected, rtol=1e-5)


def test_first_step_is_the_plain_one() -> None:
    """All forms start from the same table of the same seed, and predict the same before any step."""
    ratings, before = _ratings(), list[np.ndarray]()
    for form in ("none", "scalar", "vector", "matrix"):
        config = TrainingConfig.model_validate({"embedding_dim": 2, "overparameterisation": form})
        before.append(FactorisationTrainer(ratings, config, np.random.default_rng(3)).folded().predict(ratings.ids))
    assert all((other == before[0]).all() for other in before[1:])
