"""Who may train for how long."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.results.run_result import EpochMetrics
from ihas.training.kept import validation_score
from ihas.training.plain import train_again
from ihas.training.trainer import Trainer, TrainingRows
from ihas_pipelines.studies.baselines.budget import search_epochs
from tests.contracts.baseline_method import CONFIG, ORACLE, PARTS

pytestmark = pytest.mark.tf


def test_a_search_has_the_two_short_trainings() -> None:
    """Search and retraining epochs together."""
    assert search_epochs(CONFIG) == 4


def test_training_again_is_never_worse_on_validation_rows() -> None:
    """Two further trainings, so fast that they only do harm, leave the weights that were best before."""
    network, rng = Network(ORACLE.layout, CONFIG.backbone, 4), np.random.default_rng(0)
    network.assign(fresh_weights(ORACLE.layout, CONFIG, rng))
    before = validation_score(predict(network, GroupedRows.one_group(PARTS.valid)), PARTS.valid.labels)
    harmful, heard = CONFIG.training.model_copy(update={"learning_rate": 30.0}), list[EpochMetrics]()
    train_again("model", lambda: Trainer(network, harmful, rng), TrainingRows.one_group(PARTS), CONFIG, heard.append)
    after = validation_score(predict(network, GroupedRows.one_group(PARTS.valid)), PARTS.valid.labels)
    assert after >= before
    assert [figures.model for figures in heard] == ["model/again-1"] * 2 + ["model/again-2"] * 2
