"""Embedding, masks or gates, and backbone, as one network.

logit = backbone(e * m),   m = z(e) with gates,   m = masks[group] without
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor, concatenate_fields, look_up
from ihas.layers.gate_penalties import gate_penalty
from ihas.layers.gates import BernoulliGates
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.heads import with_heads
from ihas.models.registry import build_backbone, first_order_columns


@dataclass(frozen=True)
class NetworkWeights:
    """A network's parameters as a value; gates are `ihas.routing.router.Gates`.

    Attributes:
        table: float32 (num_rows, dim), or (num_rows, dim + members) with the members' first-order weights last.
        backbone: the backbone's variables by name.
    """

    table: np.ndarray
    backbone: Weights


def fresh_weights(layout: FieldLayout, config: LearningConfig, rng: np.random.Generator, heads: int = 1) -> NetworkWeights:
    """Initial weights, of so many output units: normal embedding, Glorot-uniform kernels."""
    width = table_width(config)
    table = rng.normal(0.0, config.training.initial_deviation, (layout.num_rows, width)).astype(np.float32)
    kept = KeptDims.all(layout.num_fields, config.training.embedding_dim)
    backbone = build_backbone(with_heads(config.backbone, heads), kept, int(rng.integers(2**30)))
    return NetworkWeights(table, backbone.weights())


def table_width(config: LearningConfig) -> int:
    """Columns of the embedding table: dim, and one more for each member where the backbone has a first-order part."""
    return config.training.embedding_dim + first_order_columns(config.backbone)


class Network(tf.Module):
    """Trainable network over all num_fields * dim elements; dropped elements are multiplied by zero."""

    def __init__(
        self, layout: FieldLayout, backbone: BackboneConfig, dim: int, gates: BernoulliGates | None = None, heads: int = 1
    ) -> None:
        """
        Args:
            layout: where the fields lie.
            backbone: the network above the embedding.
            dim: dimensions of every field.
            gates: gates over the embedding.
            heads: output units; predictions are the first one's.
        """
        super().__init__("network")
        self.layout, self.dim, self.gates, self.heads = layout, dim, gates, heads
        self.backbone = build_backbone(with_heads(backbone, heads), KeptDims.all(layout.num_fields, dim), 0)
        width = dim + first_order_columns(backbone)
        self.table = tf.Variable(tf.zeros([layout.num_rows, width]), name="table")
        elements = layout.num_fields * dim
        self.masks = tf.Variable(tf.ones([1, elements]), trainable=False, shape=[None, elements], name="masks")
        self.masked = False  # read when a graph is made: a mask that drops nothing costs two passes over the embedding
        self.sampling = tf.Variable(True, trainable=False, name="sampling")

    @property
    def dense_variables(self) -> list[Tensor]:
        """Trainable variables besides the table."""
        gates = [*self.gates.kernels, *self.gates.biases] if self.gates else []
        return [variable for variable in self.backbone.named_variables().values() if variable.trainable] + gates

    @property
    def saved_variables(self) -> list[Tensor]:
        """All that training changes: what it keeps of its best epoch."""
        gates = [*self.gates.kernels, *self.gates.biases, self.gates.mean, self.gates.variance] if self.gates else []
        return [self.table, *self.backbone.named_variables().values(), *gates]

    def assign(self, weights: NetworkWeights, masks: np.ndarray | None = None) -> None:
        """Set the weights, and the groups' masks, bool (num_groups, num_fields * dim); without them all is kept."""
        self.table.assign(weights.table)
        self.backbone.assign(weights.backbone)
        elements = self.layout.num_fields * self.dim
        self.masked = masks is not None and not np.all(masks)
        self.masks.assign(np.ones((1, elements), np.float32) if masks is None else masks.reshape(-1, elements).astype(np.float32))

    def weights(self) -> NetworkWeights:
        """Copy of the weights."""
        return NetworkWeights(self.table.numpy(), self.backbone.weights())

    def look_up(self, ids: Tensor) -> Lookup:
        """Table rows that ids int32 (batch, num_slots) read."""
        return look_up(self.table, ids)

    def embed(self, found: Lookup, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Embedding float32 (batch, num_fields * dim), and first-order weights (batch, num_fields), members' together, or None."""
        embedded, first_order = self.embed_members(found, ids)
        return embedded, None if first_order is None else tf.reduce_sum(first_order, axis=2)

    def embed_members(self, found: Lookup, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Embedding float32 (batch, num_fields * dim), and first-order weights (batch, num_fields, members) or None."""
        width = self.table.shape[1]
        gathered = tf.reshape(found.values, [-1, self.layout.num_slots, width])
        fields = concatenate_fields(gathered, ids, self.layout)  # (batch, num_fields, width)
        embedded = tf.reshape(fields[..., : self.dim], [-1, self.layout.num_fields * self.dim])
        return embedded, fields[..., self.dim :] if width > self.dim else None

    def train_logits(self, found: Lookup, ids: Tensor, group: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch,), of several members (batch, members), of several output units (batch, members, heads), of training rows with
        sampled gates, and the gates' penalty (a scalar)."""
        embedded, first_order = self.embed_members(found, ids)
        if self.gates is None:
            masked = self._masked(embedded, group) if self.masked else embedded
            return self._member_logits(masked, first_order, seed), tf.constant(0.0)
        masked, penalty = self._gated(self.gates, embedded, seed)
        return self._member_logits(masked, first_order, seed), penalty

    def _member_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor) -> Tensor:
        if self.heads > 1:
            return self.backbone.task_logits(values, first_order, seed)
        logits = self.backbone.member_logits(values, first_order, seed)
        return logits[:, 0] if self.backbone.config.members == 1 else logits

    def _gated(self, gates: BernoulliGates, embedded: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
        logits = gates.logits(embedded, training=True)
        gated: tuple[Tensor, Tensor] = tf.cond(
            self.sampling,
            lambda: (embedded * gates.sample(logits, seed), gate_penalty(logits, gates.config)),
            lambda: (embedded, tf.constant(0.0)),
        )
        return gated

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def predict(self, ids: Tensor, group: Tensor) -> Tensor:
        """Logits (batch,) with deterministic gates or the groups' masks: ids int32 (batch, num_slots), group int32 (batch,)."""
        embedded, first_order = self.embed(self.look_up(ids), ids)
        embedded = self._masked(embedded, group) if self.gates is None else self._decided(self.gates, embedded)
        return self.backbone(embedded, first_order, None)

    def _decided(self, gates: BernoulliGates, embedded: Tensor) -> Tensor:
        def opened() -> Tensor:
            return embedded * tf.cast(gates.logits(embedded, training=False) > 0.0, tf.float32)

        return tf.cond(self.sampling, opened, lambda: embedded)

    def _masked(self, embedded: Tensor, group: Tensor) -> Tensor:
        return embedded * tf.cond(tf.shape(self.masks)[0] == 1, lambda: self.masks, lambda: tf.gather(self.masks, group))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)])
    def predict_masked(self, ids: Tensor, masks: Tensor) -> Tensor:
        """Logits (batch,) with a mask for each row: ids int32 (batch, num_slots), masks float32 (batch, num_fields * dim)."""
        embedded, first_order = self.embed(self.look_up(ids), ids)
        return self.backbone(embedded * masks, first_order, None)
