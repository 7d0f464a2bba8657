"""Several small models as one: what they give together, and that each learns as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.ensemble import Ensemble, split_mask, weights_of
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.models.registry import backbone_class, build_backbone
from ihas.models.stacked import StackedEnsemble
from ihas.training.trainer import Trainer

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("a", "b", "c"), (6, 5, 4), (1, 1, 2))
MEMBERS, DIM = 3, 2
KINDS = ["mlp", "deepfm", "wide_deep", "ipnn", "dcn", "fm", "xdeepfm"]


def _config(kind: str, members: int) -> LearningConfig:
    backbone = BackboneConfig(kind=kind, hidden=(4, 3), members=members)
    return LearningConfig(backbone=backbone, training=TrainingConfig(embedding_dim=members * DIM, learning_rate=0.02, embedding_l2=1e-3))


def _rows(num_rows: int) -> Dataset:
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, size, num_rows) for size in (6, 5, 4, 4)], axis=1) + np.array([0, 6, 11, 11])
    ids[::3, 3] = -1  # one value of two
    return Dataset(LAYOUT, ids.astype(np.int32), rng.integers(0, 2, num_rows).astype(np.float32))


def _of_member(weights: NetworkWeights, number: int) -> NetworkWeights:
    """A member's columns of the table, its own first-order weights last, and its network."""
    own = weights.table[:, number * DIM : (number + 1) * DIM]
    first_order = weights.table[:, MEMBERS * DIM :][:, number : number + 1]
    return NetworkWeights(np.concatenate([own, first_order], axis=1), weights_of(weights.backbone, number))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_members_trained_together_are_those_trained_apart(kind: str) -> None:
    """On the same batches each member ends with the weights of a training of its own, within 1e-5, and the mean logit is their mean."""
    rows, together, apart = _rows(300), _config(kind, MEMBERS), _config(kind, 1)
    start = fresh_weights(LAYOUT, together, np.random.default_rng(1))
    whole = _trained(start, together, rows)
    alone = [_trained(_of_member(start, number), apart, rows) for number in range(MEMBERS)]

    for number, member in enumerate(alone):
        found, expected = _of_member(whole.weights(), number), member.weights()
        np.testing.assert_allclose(found.table, expected.table, atol=1e-5)
        for name, value in expected.backbone.items():
            np.testing.assert_allclose(found.backbone[name], value, atol=1e-5, err_msg=name)
    asked = GroupedRows.one_group(rows)
    np.testing.assert_allclose(predict(whole, asked), np.mean([predict(member, asked) for member in alone], axis=0), atol=1e-5)


def _trained(start: NetworkWeights, config: LearningConfig, rows: Dataset) -> Network:
    """Two epochs, in batches of 50, in an order that the seed decides."""
    network = Network(LAYOUT, config.backbone, config.training.embedding_dim)
    network.assign(start)
    training = config.training.model_copy(update={"batch_size": 50})
    trainer = Trainer(network, training, np.random.default_rng(2))
    for _ in range(2):
        trainer.run_epoch(GroupedRows.one_group(rows), training.rate)
    return network


@pytest.mark.parametrize("kind", ["mlp", "wide_deep", "deepfm", "ipnn"])
def test_side_by_side_is_one_after_another(kind: str) -> None:
    """Batched products give each member's logits, in training with its batch's moments as well; moving moments end alike."""
    config, kept = BackboneConfig(kind=kind, hidden=(4, 3), members=MEMBERS), KeptDims.all(3, MEMBERS * DIM)
    stacked = build_backbone(config, kept, 0)
    cls = backbone_class(kind)
    loop = Ensemble(kept, config, 0, cls, uses_first_order=cls.uses_first_order)  # type: ignore[arg-type]  # its own constructor
    assert isinstance(stacked, StackedEnsemble)
    loop.assign(stacked.weights())
    rng = np.random.default_rng(3)
    values = tf.constant(rng.normal(size=(20, kept.num_kept)), tf.float32)
    first_order = tf.constant(rng.normal(size=(20, 3, MEMBERS)), tf.float32) if stacked.uses_first_order else None

    for seed in (tf.constant([1, 2]), None):
        found, expected = (one.member_logits(values, first_order, seed) for one in (stacked, loop))
        assert found.shape == (20, MEMBERS)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for name, value in loop.weights().items():
        np.testing.assert_allclose(stacked.weights()[name], value, atol=1e-5, err_msg=name)


def test_members_start_apart() -> None:
    """Every member has kernels of its own; the first starts as a model alone with the seed does."""
    config = BackboneConfig(hidden=(4, 3), members=2)
    weights = build_backbone(config, KeptDims.all(3, 4), 5).weights()
    alone = build_backbone(config.model_copy(update={"members": 1}), KeptDims.all(3, 2), 5).weights()

    assert all((weights_of(weights, 0)[name] == value).all() for name, value in alone.items())
    assert all((weights_of(weights, 0)[name] != weights_of(weights, 1)[name]).any() for name in alone if name.endswith("kernel"))


def test_a_member_of_which_nothing_is_kept_is_a_constant() -> None:
    """It costs nothing and gives what its network gives for zeros."""
    config, mask = BackboneConfig(hidden=(4, 3), members=2), np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    whole, kept = build_backbone(config, KeptDims.all(3, 4), 0), KeptDims(mask)
    cut = build_backbone(config, kept, 0)
    cut.assign(whole.restrict(whole.weights(), kept))
    values = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32) * mask.ravel()

    first = build_backbone(config.model_copy(update={"members": 1}), KeptDims(split_mask(mask, 2)[0]), 0)
    assert cut.multiply_adds() == first.multiply_adds()
    np.testing.assert_allclose(cut(values[:, kept.positions], None, None), whole(values, None, None), atol=1e-6)
