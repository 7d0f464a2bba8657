"""The teacher and its student, on a table whose best answers are known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.distil import DistilConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import Oracle, make_tribes
from ihas.metrics import auc, sigmoid
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.stages.distil import Distilled, distil, distillation_splits, student_config, teacher_config
from ihas.training.plain import PlainModel, train_plain
from tests.oracle import ignore

pytestmark = pytest.mark.tf

CONFIG = LearningConfig(
    backbone=BackboneConfig(hidden=(16, 8), batch_norm=False),
    training=TrainingConfig(embedding_dim=4, batch_size=128, learning_rate=0.01, embedding_l2=1e-4, epochs=12),
    distil=DistilConfig(members=3, copies=2, swap_fraction=0.3),
)


@cache
def _solved() -> tuple[Oracle, PlainModel, Distilled]:
    oracle = make_tribes(np.random.default_rng(3), 2, (2_500, 3_000, 8_000), values=30)
    base = train_plain(oracle.parts, CONFIG, "base", ignore)
    distilled = distil(oracle.parts, base.weights, CONFIG, CONFIG, ignore)
    assert distilled is not None
    return oracle, base, distilled


def _error(logits: np.ndarray, oracle: Oracle) -> float:
    """Mean squared distance to the true probabilities of the test rows."""
    return float(np.mean((sigmoid(logits) - sigmoid(oracle.logits[2])) ** 2))


def _answers(weights: PlainModel | Distilled, oracle: Oracle) -> np.ndarray:
    return _scores(weights.student if isinstance(weights, Distilled) else weights.weights, CONFIG, oracle)


def _scores(network: NetworkWeights, config: LearningConfig, oracle: Oracle) -> np.ndarray:
    mask = np.ones((oracle.layout.num_fields, config.training.embedding_dim), bool)
    return predict_groups((GroupModel("plain", network, mask),), GroupedRows.one_group(oracle.parts.test), config)


@pytest.mark.slow
def test_the_student_is_nearer_to_the_truth_than_a_model_of_its_size_that_saw_the_clicks():
    """Probabilities of the oracle: the student's squared error is below nine tenths of the plain model's, and it ranks better."""
    oracle, base, distilled = _solved()
    labels = oracle.parts.test.labels

    assert _error(_answers(distilled, oracle), oracle) < 0.9 * _error(_answers(base, oracle), oracle)
    assert auc(_answers(distilled, oracle), labels) > auc(_answers(base, oracle), labels)


def test_the_teacher_is_nearer_to_the_truth_than_the_plain_model():
    """The mean of three models errs less than one, and can be served as it is: a table and networks for three."""
    oracle, base, distilled = _solved()
    teacher = teacher_config(CONFIG)

    assert (teacher.backbone.members, distilled.teacher.table.shape[1]) == (3, 12)
    assert _error(_scores(distilled.teacher, teacher, oracle), oracle) < _error(_answers(base, oracle), oracle)


def test_taught_rows_are_the_training_rows_and_their_copies_with_the_teachers_answers():
    """The first rows are the training rows; all labels are probabilities; validation and test rows keep their clicks."""
    oracle, _, distilled = _solved()

    taught = distillation_splits(oracle.parts, distilled.labels, CONFIG)

    assert len(taught.train) == 3 * 2_500
    np.testing.assert_array_equal(taught.train.ids[:2_500], oracle.parts.train.ids)
    assert ((distilled.labels > 0) & (distilled.labels < 1)).all()
    assert taught.valid is oracle.parts.valid
    assert taught.test is oracle.parts.test


def test_the_teachers_labels_are_near_the_truth_on_rows_that_nobody_saw():
    """Swapped copies are labelled by what the fields say: their labels follow the true probabilities of the copied rows."""
    oracle, _, distilled = _solved()
    taught = distillation_splits(oracle.parts, distilled.labels, CONFIG).train
    local = taught.ids - oracle.layout.first_rows - 2
    weight = np.linspace(-3.0, 3.0, 30)
    truth = sigmoid(weight[local[np.arange(len(local)), 1 + local[:, 0]]])

    assert np.corrcoef(truth[2_500:], distilled.labels[2_500:])[0, 1] > 0.95


def _asking(members: int) -> LearningConfig:
    """Members as large as the plain model."""
    return CONFIG.model_copy(update={"distil": CONFIG.distil.model_copy(update={"members": members, "hidden": ()})})


def test_a_teacher_that_fits_no_better_than_the_plain_model_is_not_asked():
    """One model of the plain one's size, trained on clicks, fits no better than one that learnt from three."""
    oracle, _, distilled = _solved()

    assert distil(oracle.parts, distilled.student, _asking(1), _asking(1), ignore) is None


def test_members_have_hidden_layers_of_the_least_size_and_keep_larger_ones():
    """(16, 8) becomes (64, 32), a linear model too, (100,) stays; a factorisation machine gets hidden layers; heads divide."""
    sizes = {}
    for hidden in ((16, 8), (), (100,)):
        config = CONFIG.model_copy(update={"backbone": BackboneConfig(hidden=hidden)})
        sizes[hidden] = teacher_config(config).backbone.hidden
    machine = teacher_config(CONFIG.model_copy(update={"backbone": BackboneConfig(kind="fm")})).backbone

    assert sizes == {(16, 8): (64, 32), (): (64, 32), (100,): (100,)}
    assert (machine.kind, machine.hidden) == ("deepfm", (64, 32))
    fused = BackboneConfig(kind="finalmlp", hidden=(15,), second_hidden=(10,), fusion_heads=5)
    streams = teacher_config(CONFIG.model_copy(update={"backbone": fused})).backbone
    assert (streams.hidden, streams.second_hidden) == ((65,), (65,))


def test_under_a_teacher_the_penalty_is_the_stated_share():
    """A tenth of 1e-4 is 1e-5."""
    assert student_config(CONFIG).training.embedding_l2 == 1e-5


def test_augmented_rows_weigh_what_their_row_does():
    """Weights are repeated with the rows; without weights there are none."""
    parts = make_tribes(np.random.default_rng(7), 1, (60, 10, 10)).parts
    weights = np.arange(60, dtype=np.float32)
    config = CONFIG.model_copy(update={"distil": DistilConfig(members=2, copies=2)})
    weighted = replace(parts, train=replace(parts.train, weights=weights))

    assert distillation_splits(parts, np.zeros(180, np.float32), config).train.weights is None
    found = distillation_splits(weighted, np.zeros(180, np.float32), config).train
    assert found.weights is not None
    assert found.weights.tolist() == [*weights.tolist()] * 3
    assert np.array_equal(found.ids[:60], parts.train.ids)
