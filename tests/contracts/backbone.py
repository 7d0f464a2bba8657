"""What every `Backbone` must do, as tests: subclass, and give the fixtures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.errors import ConfigError
from ihas.export.onnx_export import onnx_graph
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.serving.onnx_runtime import onnxruntime
from ihas.training.trainer import Trainer, TrainingRows

NUM_FIELDS, DIM, ROWS = 3, 4, 9
LAYOUT = FieldLayout(("a", "b", "c"), (4, 4, 4), (1, 1, 1))
ALL = KeptDims.all(NUM_FIELDS, DIM)
SEED = tf.constant([1, 2])
SOME = KeptDims(np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 1]], bool))
"""Five kept dims; the second field keeps none."""
Build = Callable[[KeptDims, int], Backbone]


def randomize(backbone: Backbone, seed: int) -> None:
    """Give every variable random numbers, so that none is without effect; variances stay positive."""
    rng = np.random.default_rng(seed)
    drawn = {name: 0.5 * rng.normal(size=value.shape) for name, value in backbone.weights().items()}
    backbone.assign({name: (np.abs(value) + 0.5 if "variance" in name else value).astype(np.float32) for name, value in drawn.items()})


def inputs(backbone: Backbone, seed: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray | None]:
    """Random values, float32 (rows, num_kept), and first-order weights, float32 (rows, num_fields), where they are used."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, backbone.kept.num_kept)).astype(np.float32)
    return values, rng.normal(size=(rows, NUM_FIELDS)).astype(np.float32) if backbone.uses_first_order else None


def logits(backbone: Backbone, values: np.ndarray, first_order: np.ndarray | None, seed: Tensor | None = None) -> np.ndarray:
    """Logits, float32 (rows,)."""
    return np.asarray(backbone(tf.constant(values), None if first_order is None else tf.constant(first_order), seed))


def kept_masks() -> list[np.ndarray]:
    """Masks bool (num_fields, dim): all, one element, one field without any, and random ones."""
    rng = np.random.default_rng(0)
    single = np.zeros((NUM_FIELDS, DIM), bool)
    single[1, 2] = True
    drawn = [rng.random((NUM_FIELDS, DIM)) < share for share in (0.2, 0.4, 0.6, 0.8) for _ in range(3)]
    return [ALL.mask, single, SOME.mask, *(mask for mask in drawn if mask.any())]


def _grouped_rows() -> GroupedRows:
    """Nine rows, the last of them a group of its own."""
    ids = np.random.default_rng(3).integers(0, 4, (ROWS, NUM_FIELDS)).astype(np.int32) + LAYOUT.first_rows
    labels = (np.arange(ROWS) % 2).astype(np.float32)
    return GroupedRows(Dataset(LAYOUT, ids, labels), (np.arange(ROWS) == ROWS - 1).astype(np.int32))


class BackboneContract:
    """Laws of a network above the embedding."""

    @pytest.fixture
    def build(self) -> Build:
        """Builds the backbone from kept dims and a seed."""
        raise NotImplementedError

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        """By hand, for 12 and for 5 kept dims: multiply-adds of a row, and numbers stored."""
        raise NotImplementedError

    def test_gradient_reaches_every_parameter(self, build: Build) -> None:
        """In training every trainable variable, every first-order weight and every value has a gradient that is not zero."""
        backbone = build(ALL, 0)
        randomize(backbone, 1)
        values, first_order = inputs(backbone, 2, rows=200)
        watched = {"values": tf.constant(values)} | ({} if first_order is None else {"first_order": tf.constant(first_order)})
        trainable = {name: variable for name, variable in backbone.named_variables().items() if variable.trainable}
        with tf.GradientTape() as tape:
            tape.watch(list(watched.values()))
            loss = tf.reduce_mean(tf.square(backbone(watched["values"], watched.get("first_order"), SEED) - 1.0))
        sources = trainable | watched
        gradients = dict(zip(sources, tape.gradient(loss, list(sources.values())), strict=True))
        largest = {name: 0.0 if gradient is None else float(np.abs(gradient).max()) for name, gradient in gradients.items()}
        assert min(largest.values()) > 1e-6, largest

    def test_dropped_is_zero(self, build: Build) -> None:
        """Without the dropped elements the restricted backbone gives what the whole one gives when they are zero."""
        whole = build(ALL, 0)
        randomize(whole, 1)
        values, first_order = inputs(whole, 2)
        for mask in kept_masks():
            kept = KeptDims(mask)
            restricted = build(kept, 7)
            restricted.assign(whole.restrict(whole.weights(), kept))
            expected = logits(whole, values * mask.ravel(), first_order)
            np.testing.assert_allclose(logits(restricted, values[:, kept.positions], first_order), expected, rtol=1e-5, atol=1e-5)

    def test_restricting_leaves_the_weights_alone(self, build: Build) -> None:
        """Cutting weights down changes no number of what they are cut from."""
        backbone = build(ALL, 0)
        before, weights = backbone.weights(), backbone.weights()
        backbone.restrict(weights, SOME)
        assert all((weights[name] == before[name]).all() for name in before)

    def test_a_batch_is_its_rows(self, build: Build) -> None:
        """Outside training rows scored together score as they do one by one; the logits have the shape (rows,)."""
        backbone = build(SOME, 0)
        randomize(backbone, 1)
        values, first_order = inputs(backbone, 2)
        together = logits(backbone, values, first_order)
        alone = [logits(backbone, values[i : i + 1], None if first_order is None else first_order[i : i + 1]) for i in range(ROWS)]
        assert together.shape == (ROWS,)
        np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-5, atol=1e-5)

    def test_one_row_trains(self, build: Build) -> None:
        """A batch of one row, as the last one of a group may be, has a finite logit and finite gradients in training."""
        backbone = build(SOME, 0)
        values, first_order = inputs(backbone, 2, rows=1)
        with tf.GradientTape() as tape:
            found = backbone(tf.constant(values), None if first_order is None else tf.constant(first_order), SEED)
        trainable = [variable for variable in backbone.named_variables().values() if variable.trainable]
        gradients = [part for part in tape.gradient(found, trainable) if part is not None]
        assert all(np.isfinite(part).all() for part in (found, *gradients, *backbone.weights().values()))

    def test_a_group_of_one_row(self, build: Build) -> None:
        """Two groups train under their masks, one with a single row; both stay finite and score as their restricted backbones do."""
        config = LearningConfig(
            backbone=build(ALL, 0).config, training=TrainingConfig(embedding_dim=DIM, batch_size=4, epochs=2, learning_rate=0.01)
        )
        rows, masks = _grouped_rows(), np.stack([ALL.mask, SOME.mask])
        network = Network(LAYOUT, config.backbone, DIM)
        network.assign(fresh_weights(LAYOUT, config, np.random.default_rng(0)), masks)
        trainer = Trainer(network, config.training, np.random.default_rng(0))
        history = trainer.fit("groups", TrainingRows(rows, rows.take(rows.group == 1)), config.training.epochs, lambda _: None)
        assert np.isfinite([figures.loss for figures in history]).all()
        weights, ids = network.weights(), np.asarray(rows.rows.ids)
        for group, kept in enumerate((ALL, SOME)):
            backbone = build(kept, 0)
            backbone.assign(backbone.restrict(weights.backbone, kept))
            alone = rows.take(rows.group == group)
            read = weights.table[ids[rows.group == group]]  # (rows, num_fields, width)
            values = read[..., :DIM].reshape(len(read), -1)[:, kept.positions]
            expected = logits(backbone, values, read[..., DIM:].sum(axis=-1) if backbone.uses_first_order else None)
            np.testing.assert_allclose(predict(network, alone), expected, rtol=1e-5, atol=1e-5)

    def test_weights_round_trip(self, build: Build) -> None:
        """Weights taken from one backbone make another of its kind answer alike."""
        one, other = build(SOME, 0), build(SOME, 5)
        randomize(one, 1)
        other.assign(one.weights())
        drawn = inputs(one, 2)
        np.testing.assert_array_equal(logits(one, *drawn), logits(other, *drawn))

    def test_seed_decides_the_initial_weights(self, build: Build) -> None:
        """Backbones of the same seed start alike; of another seed they differ in every kernel, where there is one."""
        one, same, other = build(ALL, 3).weights(), build(ALL, 3).weights(), build(ALL, 4).weights()
        assert all((one[name] == same[name]).all() for name in one)
        assert all((one[name] != other[name]).any() for name in one if name.endswith("kernel"))

    def test_refuses_weights_of_another(self, build: Build) -> None:
        """Weights with a missing name, an unknown name or another shape are refused, and nothing is set."""
        backbone = build(ALL, 0)
        before = backbone.weights()
        name = next(iter(before))
        changed = {key: value + 1.0 for key, value in before.items()}
        for wrong in (
            {k: v for k, v in changed.items() if k != name},
            changed | {"no/such": np.zeros(1)},
            changed | {name: np.zeros((2, 9, 2))},
        ):
            with pytest.raises(ConfigError, match="names and shapes"):
                backbone.assign(wrong)
        assert all((backbone.weights()[key] == value).all() for key, value in before.items())

    def test_onnx_graph_is_the_backbone(self, build: Build) -> None:
        """The exported graph gives TensorFlow's logits within 1e-5, for one row as for several."""
        backbone = build(SOME, 0)
        randomize(backbone, 1)
        session = onnxruntime.InferenceSession(onnx_graph(backbone), providers=["CPUExecutionProvider"])
        assert [part.name for part in session.get_inputs()] == ["values", *(["first_order"] if backbone.uses_first_order else [])]
        for rows in (1, 7):
            values, first_order = inputs(backbone, rows, rows)
            feed = {"values": values} | ({} if first_order is None else {"first_order": first_order})
            np.testing.assert_allclose(session.run(["logits"], feed)[0], logits(backbone, values, first_order), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("kept", [ALL, SOME], ids=["all", "some"])
    def test_costs_by_hand(self, build: Build, costs: dict[int, tuple[int, int]], kept: KeptDims) -> None:
        """Multiply-adds and numbers stored are those counted by hand."""
        backbone = build(kept, 0)
        assert (backbone.multiply_adds(), backbone.num_parameters()) == costs[kept.num_kept]
