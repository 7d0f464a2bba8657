"""What every `BaselineMethod` must do, as tests: subclass, and give the fixture."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.retrain import RetrainConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.synthetic import make_tribes
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.metrics import auc
from ihas.models.network import Network, fresh_weights
from ihas.results.run_result import EpochMetrics
from ihas.stages.evaluate.variants import plain_variant
from ihas.training.plain import continue_plain, train_plain
from ihas_pipelines.runs.answers import Answers
from ihas_pipelines.studies.baselines.baseline import MAX_SETTINGS, BaselineMethod
from ihas_pipelines.studies.baselines.registry import BASELINES

ORACLE = make_tribes(np.random.default_rng(0), 1, (4000, 2000, 2000), values=8)
"""One field decides, one is constant, one is noise."""
PARTS = ORACLE.parts
CONFIG = LearningConfig(
    backbone=BackboneConfig(batch_norm=False, hidden=(8,)),
    training=TrainingConfig(embedding_dim=4, batch_size=128, learning_rate=0.02, epochs=4),
    search=SearchConfig(epochs=2),
    retrain=RetrainConfig(epochs=2),
)
FARTHEST_FROM_PLAIN = 0.015
SEED = tf.constant([1, 2])


def ignore(figures: EpochMetrics) -> None:
    """Listens to no epoch."""


def config_of(kind: str) -> LearningConfig:
    """A small network of a backbone of any kind."""
    backbone = BackboneConfig.model_validate({"kind": kind, "hidden": (4,), "batch_norm": False})
    return CONFIG.model_copy(update={"backbone": backbone})


def start(network: Network, config: LearningConfig) -> Network:
    """The network with weights large enough for every part to show."""
    weights = fresh_weights(network.layout, config, np.random.default_rng(5))
    network.assign(weights)
    network.table.assign(np.random.default_rng(6).normal(size=weights.table.shape).astype(np.float32))
    return network


def training_logits(network: Network, rows: int = 9) -> np.ndarray:
    """Logits float32 (rows,) of the first training rows, in training."""
    ids = tf.constant(PARTS.train.ids[:rows])
    logits, _ = network.train_logits(network.look_up(ids), ids, tf.zeros([rows], tf.int32), SEED)
    return np.asarray(logits)


def plain_logits(config: LearningConfig, table: Tensor | None = None) -> np.ndarray:
    """The same of the plain network, with another table where one is given."""
    network = start(Network(ORACLE.layout, config.backbone, config.training.embedding_dim), config)
    if table is not None:
        network.table.assign(table)
    return training_logits(network)


@cache
def plain_auc() -> float:
    """Test AUC of the plain model with the whole budget."""
    weights = continue_plain(PARTS, train_plain(PARTS, CONFIG, "base", ignore), CONFIG, "base", ignore).weights
    return auc(plain_variant("base", weights, PARTS, CONFIG).test_logits, PARTS.test.labels) or 0.0


@cache
def trained(name: str) -> tuple[Answers, tuple[EpochMetrics, ...]]:
    """What the baseline method answers under its first setting, and the epochs that it told of."""
    heard: list[EpochMetrics] = []
    return BASELINES[name].train(PARTS, CONFIG, BASELINES[name].settings[0], heard.append), tuple(heard)


class BaselineContract:
    """Laws of a method to compare with."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        """The implementation, as the registry holds it."""
        raise NotImplementedError

    def test_says_what_it_is(self, method: BaselineMethod) -> None:
        """It bears the registry's name, names its source, and tunes one to four distinct settings that JSON can hold."""
        written = [json.dumps(dict(setting), sort_keys=True) for setting in method.settings]
        assert BASELINES[method.name] is method
        assert method.source
        assert 1 <= len(set(written)) == len(written) <= MAX_SETTINGS

    def test_answers_every_row(self, method: BaselineMethod) -> None:
        """Every validation and test row has one finite float32 logit, and the answers bear the setting."""
        answers, _ = trained(method.name)
        for logits, rows in ((answers.valid_logits, PARTS.valid), (answers.test_logits, PARTS.test)):
            assert logits.dtype == np.float32
            assert logits.shape == (len(rows),)
            assert np.isfinite(logits).all()
        assert answers.setting == method.settings[0]

    def test_keeps_to_the_budget(self, method: BaselineMethod) -> None:
        """It passes over the training rows no oftener than the base and its two further trainings may."""
        _, heard = trained(method.name)
        assert 1 <= len(heard) <= CONFIG.training.epochs + CONFIG.search.epochs + CONFIG.retrain.epochs

    def test_learns_the_rule(self, method: BaselineMethod) -> None:
        """Where one field decides and the plain model finds out, the baseline method finds out as well."""
        answers, _ = trained(method.name)
        assert (auc(answers.test_logits, PARTS.test.labels) or 0.0) > plain_auc() - FARTHEST_FROM_PLAIN > 0.8

    def test_one_seed_one_answer_without_test_labels(self, method: BaselineMethod) -> None:
        """Trained again, with the labels of test rows turned round, it answers the same to the bit."""
        answers, _ = trained(method.name)
        turned = Splits(PARTS.train, PARTS.valid, Dataset(ORACLE.layout, PARTS.test.ids, 1.0 - PARTS.test.labels))
        again = method.train(turned, CONFIG, method.settings[0], ignore)
        np.testing.assert_array_equal(again.valid_logits, answers.valid_logits)
        np.testing.assert_array_equal(again.test_logits, answers.test_logits)
        assert again.cost == answers.cost

    def test_costs_something(self, method: BaselineMethod) -> None:
        """Without groups a row's path is all that is stored."""
        cost = trained(method.name)[0].cost
        assert cost.parameters_per_path == cost.parameters_total > 0
        assert cost.multiply_adds > 0
        assert cost.kept_dims > 0
