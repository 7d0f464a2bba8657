"""AutoField: one choice of fields for all rows."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.legacy_keras import tf
from ihas_pipelines.studies.baselines.autofield import AutoField, SearchedFields, chosen_cost, largest
from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from ihas_pipelines.studies.baselines.field_weights import ChosenFields
from ihas_pipelines.studies.baselines.registry import BASELINES
from tests.contracts.baseline_method import CONFIG, ORACLE, SEED, BaselineContract, ignore

pytestmark = pytest.mark.tf


class TestAutoField(BaselineContract):
    """The baseline method keeps the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return BASELINES["autofield"]


def _with_noise(rng: np.random.Generator, num_rows: int) -> Dataset:
    """Three fields of four values: the first and the last decide, the one between is noise."""
    layout = FieldLayout(("strong", "noise", "weak"), (4, 4, 4), (1, 1, 1))
    values = rng.integers(4, size=(num_rows, 3))
    logits = 2.0 * (values[:, 0] - 1.5) + 1.0 * (values[:, 2] - 1.5)
    labels = (rng.random(num_rows) < 1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
    return Dataset(layout, (values + layout.first_rows).astype(np.int32), labels)


def test_drops_the_noise() -> None:
    """Of two fields that decide and one of pure noise, the noise is the first to go, and the weaker one the next."""
    rng = np.random.default_rng(0)
    parts = Splits(*(_with_noise(rng, num_rows) for num_rows in (4000, 2000, 10)))
    strengths = AutoField().search(parts, CONFIG, ignore)
    assert largest(strengths, 2).tolist() == [True, False, True]
    assert largest(strengths, 1).tolist() == [True, False, False]


def test_largest_by_hand() -> None:
    """The two largest of .2, .5, .5, .1, and the earlier of equals."""
    assert largest(np.array([0.2, 0.5, 0.5, 0.1]), 2).tolist() == [False, True, True, False]
    assert largest(np.array([0.5, 0.5]), 1).tolist() == [True, False]


def test_outside_training_nothing_is_drawn() -> None:
    """Logits of ln 3 and 0 keep a field with weight 3 / 4."""
    network = SearchedFields(ORACLE.layout, CONFIG)
    network.logits.assign([[np.log(3.0), 0.0], [0.0, 0.0], [0.0, np.log(3.0)]])
    np.testing.assert_allclose(network.field_weights(None, None), [[0.75, 0.5, 0.25]], rtol=1e-6)


def test_draws_keep_as_often_as_the_logits_say() -> None:
    """At temperature 1, a share of 3 / 4 of the draws favours keeping a field with logits ln 3 and 0."""
    network = SearchedFields(ORACLE.layout, CONFIG)
    network.logits.assign([[np.log(3.0), 0.0]] * 3)
    draws = np.concatenate([network.field_weights(None, tf.constant([7, i])).numpy() for i in range(400)])
    assert (draws > 0.5).mean() == pytest.approx(0.75, abs=0.04)


def test_cools_down() -> None:
    """Draws become decisions: far on, the temperature stays at .01."""
    network = SearchedFields(ORACLE.layout, CONFIG)
    network.draws.assign(1e6)
    cold = network.field_weights(None, SEED).numpy()
    assert np.minimum(cold, 1.0 - cold).max() < 1e-6


def test_the_temperature_falls_with_training_steps() -> None:
    """After 10,000 training steps, which draw twice each, the temperature is 1 - 10,000 / 20,000, and the odds of a draw are squared."""
    network = SearchedFields(ORACLE.layout, CONFIG)
    warm = network.field_weights(None, SEED).numpy()
    network.draws.assign(2 * 10_000 - 1)
    half = network.field_weights(None, SEED).numpy()
    np.testing.assert_allclose(np.log(half / (1 - half)), 2.0 * np.log(warm / (1 - warm)), rtol=1e-3)


def test_cost_by_hand() -> None:
    """Without the first field, eight of twelve kernel rows and the rows of two fields remain."""
    network, chosen = ChosenFields(ORACLE.layout, CONFIG, np.array([False, True, True])), np.array([False, True, True])
    cost = chosen_cost(network, chosen, CONFIG)
    assert cost.parameters_total == (10 + 10) * 4 + 8 * 8 + 8 + 8 + 1
    assert (cost.multiply_adds, cost.kept_dims) == (8 * 8 + 8, 8)
