"""Update rules against their formulas, and what trains a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.layout import PADDING, FieldLayout
from ihas.data.synthetic import make_tribes
from ihas.layers.embedding import look_up
from ihas.layers.overparameterisation import OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.optim import table_optimizer
from ihas.optim.optimizer import Adam, Rule, UpdateRule
from ihas.optim.table_optimizer import TableAdagrad, TableAdam
from ihas.optim.update_rules import EmbeddingOptimizer, TableDescent
from ihas.training.trainer import Trainer, TrainingRows

pytestmark = pytest.mark.tf

RATE, EPSILON = 0.1, 1e-7
RULES: tuple[Rule, ...] = ("sgd", "adagrad", "adadelta", "rmsprop", "adam")
FORMS = ("scalar", "vector", "matrix")
Steps = Callable[[np.ndarray, list[np.ndarray]], np.ndarray]


def _sgd(w: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    return w - RATE * sum(gradients)


def _adagrad(w: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    s = np.zeros_like(w)
    for g in gradients:
        s = s + g**2
        w = w - RATE * g / (np.sqrt(s) + EPSILON)
    return w


def _rmsprop(w: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    s = np.zeros_like(w)
    for g in gradients:
        s = 0.9 * s + 0.1 * g**2
        w = w - RATE * g / np.sqrt(s + EPSILON)
    return w


def _adadelta(w: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    s = u = np.zeros_like(w)
    for g in gradients:
        s = 0.95 * s + 0.05 * g**2
        step = g * np.sqrt(u + EPSILON) / np.sqrt(s + EPSILON)
        u = 0.95 * u + 0.05 * step**2
        w = w - RATE * step
    return w


def _adam(w: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + EPSILON)
    return w


@pytest.mark.parametrize(
    ("rule", "textbook"),
    [("sgd", _sgd), ("adagrad", _adagrad), ("adadelta", _adadelta), ("rmsprop", _rmsprop), ("adam", _adam)],
)
def test_follows_its_formula(rule: Rule, textbook: Steps) -> None:
    """Six steps in float64 are those of the formula, to 1e-12."""
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 2)), [rng.normal(size=(3, 2)) for _ in range(6)]
    variable = tf.Variable(start)
    state = UpdateRule(rule, [variable])
    for gradient in gradients:
        state.apply([tf.constant(gradient)], tf.constant(RATE, tf.float64))
    np.testing.assert_allclose(variable, textbook(start, gradients), rtol=0, atol=1e-12)


def test_objective_is_the_plain_tables() -> None:
    """L2 counts on the folded table: without any other gradient, the first step of a scalar form is that of l2 p, pulled back."""
    table = np.array([[1.0, 2.0], [3.0, -1.0]])
    embedding = OverparameterisedEmbedding(table, FieldLayout(("a",), (2,), (1,)), 2, "scalar")
    embedding.factor.assign([[2.0], [2.0]])
    optimizer = EmbeddingOptimizer("sgd", embedding, 0.5)
    found = embedding.look_up(tf.constant([[0]]))
    optimizer.apply(found, tf.zeros_like(found.values), tf.constant(RATE, tf.float64))
    # p = 2 p^, G = .5 p = p^: rows p^ - .1 * 2 p^ = .8 p^, factors 2 - .1 |p^|^2 with |p^|^2 = 5 and 10
    np.testing.assert_allclose(embedding.fold(), 0.8 * table * [[1.5], [1.0]], rtol=1e-12)


def test_occurrences_are_summed() -> None:
    """A row that a batch reads three times moves by three times the gradient."""
    table = tf.Variable(np.zeros((2, 1)))
    optimizer, found = EmbeddingOptimizer("sgd", PlainEmbedding(table), 0.0), look_up(table, tf.constant([[1], [1], [1]]))
    optimizer.apply(found, tf.ones_like(found.values), tf.constant(RATE, tf.float64))
    np.testing.assert_allclose(table, [[0.0], [-0.3]], rtol=1e-12)


ORACLE = make_tribes(np.random.default_rng(0), 1, (2000, 1000, 10), values=8)
ROWS = TrainingRows.one_group(ORACLE.parts)


def _trainer(kind: str = "mlp", **settings: object) -> Trainer:
    training = TrainingConfig.model_validate({"embedding_dim": 2, "batch_size": 100, "embedding_l2": 1e-4, **settings})
    backbone = BackboneConfig.model_validate({"kind": kind, "batch_norm": False})
    config, rng = LearningConfig(backbone=backbone, training=training), np.random.default_rng(0)
    network = Network(ORACLE.layout, config.backbone, 2)
    network.assign(fresh_weights(ORACLE.layout, config, rng))
    return Trainer(network, training, rng)


@pytest.mark.parametrize(
    ("rule", "form"), [*((rule, "none") for rule in RULES), *(("adam", form) for form in FORMS), *(("sgd", form) for form in FORMS)]
)
def test_every_rule_and_form_trains_a_network(rule: Rule, form: str) -> None:
    """Two epochs lower the loss under every rule and form, and the network's table is the folded one after each."""
    rate = {"sgd": 0.5, "adadelta": 5.0, "adagrad": 0.05}.get(rule, 0.01)
    trainer = _trainer(optimizer=rule, overparameterisation=form, learning_rate=rate)
    losses = [trainer.run_epoch(ROWS.train, rate) for _ in range(2)]
    assert losses[1] < losses[0]
    if isinstance(trainer.table, TableDescent):
        np.testing.assert_array_equal(trainer.network.table, trainer.table.optimizer.embedding.fold())


@pytest.mark.parametrize("kind", sorted(set(BACKBONES) - {"mlp"}))
@pytest.mark.parametrize("form", FORMS)
def test_every_backbone_trains_on_an_overparameterised_table(kind: str, form: str) -> None:
    """Two epochs lower the loss of every backbone, first-order weights included, and its table is the folded one."""
    trainer = _trainer(kind, overparameterisation=form, learning_rate=0.01)
    losses = [trainer.run_epoch(ROWS.train, 0.01) for _ in range(2)]
    assert losses[1] < losses[0]
    assert isinstance(trainer.table, TableDescent)
    np.testing.assert_array_equal(trainer.network.table, trainer.table.optimizer.embedding.fold())


def test_adam_is_one_rule_in_both_places() -> None:
    """Without any of the two settings the trainer's own Adam is used; the same rule here, on a plain embedding, gives the same epoch."""
    usual, explicit = _trainer(), _trainer()
    assert isinstance(usual.table, TableAdam)
    assert isinstance(usual.optimizer, Adam)
    explicit.table = TableDescent("adam", PlainEmbedding(tf.Variable(explicit.network.table)), 1e-4)
    losses = [trainer.run_epoch(ROWS.train, 0.01) for trainer in (usual, explicit)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    np.testing.assert_allclose(usual.network.table, explicit.network.table, rtol=0, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    l2=st.sampled_from([0.0, 1e-6, 1e-4, 1e-2]),
    rate=st.sampled_from([1e-3, 1e-2, 5e-2]),
    steps=st.integers(1, 60),
)
def test_adagrad_by_rows_is_adagrad_on_the_whole_table(seed: int, l2: float, rate: float, steps: int) -> None:
    """Touching only the rows that a batch reads gives, to 1e-6, what updating the whole table at every step gives: what batches read on
    the way, and the table once it is settled, also under another rate after that; L2 reaches rows that no batch reads."""
    rng, num_rows = np.random.default_rng(seed), 40
    start = rng.normal(0.0, 0.01, (num_rows, 3)).astype(np.float32)
    whole, rows = TableDescent("adagrad", PlainEmbedding(tf.Variable(start)), l2), TableAdagrad(start, l2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_optimizer, "DENSE_ROWS", 0)
        for rate_now in (rate, 0.3 * rate):
            for _ in range(steps):
                ids = (np.exp(rng.random((4, 3)) * np.log(num_rows)) - 1).astype(np.int32)
                ids[0, 0] = PADDING
                gradient = (0.01 * rng.normal(size=(12, 3))).astype(np.float32)
                np.testing.assert_allclose(rows.look_up(ids, rate_now), whole.look_up(ids, rate_now), rtol=0, atol=1e-6)
                for table in (rows, whole):
                    table.apply(ids, gradient, rate_now)
            for table in (rows, whole):
                table.settle(rate_now)
            np.testing.assert_allclose(rows.values, whole.values, rtol=0, atol=1e-6)
    assert (l2 == 0.0) == np.array_equal(rows.values[-1], start[-1])


def test_adagrad_is_trained_by_rows_in_a_network() -> None:
    """The trainer takes the compiled loops for AdaGrad, and they give the epoch that the whole table gives."""
    usual, explicit = (_trainer(optimizer="adagrad", learning_rate=0.05) for _ in range(2))
    assert isinstance(usual.table, TableAdagrad)
    explicit.table = TableDescent("adagrad", PlainEmbedding(tf.Variable(explicit.network.table)), 1e-4)
    losses = [trainer.run_epoch(ROWS.train, 0.05) for trainer in (usual, explicit)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    np.testing.assert_allclose(usual.network.table, explicit.network.table, rtol=0, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_it_leaves_training(form: str) -> None:
    """Weights of a network trained so have the names and shapes of a plain one's, and a plain network scores rows the same with them."""
    trainer = _trainer(overparameterisation=form, learning_rate=0.01)
    trainer.fit("base", ROWS, 2, lambda _: None)
    plain = Network(ORACLE.layout, trainer.network.backbone.config, 2)
    plain.assign(trainer.network.weights())
    np.testing.assert_array_equal(predict(plain, ROWS.valid), predict(trainer.network, ROWS.valid))


def test_another_training_starts_from_the_table_as_it_stands() -> None:
    """Weights set from outside between two trainings are not overwritten by what the factors held before."""
    trainer = _trainer(overparameterisation="vector", learning_rate=1e-6)
    trainer.fit("base", ROWS, 1, lambda _: None)
    trainer.network.table.assign(tf.ones_like(trainer.network.table))
    trainer.fit("again", TrainingRows(GroupedRows.one_group(ORACLE.parts.train.take(np.arange(10))), ROWS.valid), 1, lambda _: None)
    np.testing.assert_allclose(trainer.network.table, np.ones(trainer.network.table.shape), atol=1e-3)


def test_steps_are_counted() -> None:
    """Both kinds of table say how many steps were taken."""
    for changed in ({}, {"overparameterisation": "scalar"}):
        trainer = _trainer(**changed)
        trainer.run_epoch(ROWS.train, 0.01)
        assert trainer.table.steps == 20


def test_padding_reads_zeros_and_gets_no_gradient() -> None:
    """A padded slot stands for no row: what it reads is zero, and its gradient reaches none, not even the first."""
    start = np.arange(1.0, 9.0, dtype=np.float32).reshape(4, 2)
    table = TableDescent("sgd", PlainEmbedding(tf.Variable(start)), 0.0)
    ids = np.array([[2, -1]], np.int32)
    np.testing.assert_array_equal(table.look_up(ids, 0.1), [start[2], [0.0, 0.0]])
    table.apply(ids, np.ones((2, 2), np.float32), 0.1)
    assert (table.values != start).any(axis=1).tolist() == [False, False, True, False]
