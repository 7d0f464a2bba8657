"""A network whose fields are weighed: logit = backbone([w_f e_f]_f, [w_f * first-order weight_f]_f)."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor
from ihas.legacy_keras import tf
from ihas.models.network import Network


class WeighedFields(Network, ABC):
    """Base of the networks that select fields; which weights, a subclass says."""

    def __init__(self, layout: FieldLayout, config: LearningConfig) -> None:
        super().__init__(layout, config.backbone, config.training.embedding_dim)

    @abstractmethod
    def field_weights(self, embedded: Tensor, seed: Tensor | None) -> Tensor:
        """Weights float32 (batch or 1, num_fields): embedded float32 (batch, num_fields * dim), seed int32 (2,) in training only."""

    def weighed_logits(self, found: Lookup, ids: Tensor, seed: Tensor | None) -> Tensor:
        """Logits (batch,)."""
        embedded, first_order = self.embed(found, ids)
        weights = self.field_weights(embedded, seed)
        fields = tf.reshape(embedded, [-1, self.layout.num_fields, self.dim]) * weights[..., None]
        values = tf.reshape(fields, [-1, self.layout.num_fields * self.dim])
        return self.backbone(values, None if first_order is None else first_order * weights, seed)

    def train_logits(self, found: Lookup, ids: Tensor, group: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return self.weighed_logits(found, ids, seed), tf.constant(0.0)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def predict(self, ids: Tensor, group: Tensor) -> Tensor:  # noqa: ARG002
        return self.weighed_logits(self.look_up(ids), ids, None)


class ChosenFields(WeighedFields):
    """Weight 1 for the fields that were chosen, 0 for the others."""

    def __init__(self, layout: FieldLayout, config: LearningConfig, chosen: np.ndarray) -> None:
        super().__init__(layout, config)
        self.chosen = tf.constant(chosen[None, :].astype(np.float32))

    def field_weights(self, embedded: Tensor, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.chosen


def num_chosen(share: float, num_fields: int) -> int:
    """Fields that a share of them is, at least one."""
    return max(1, round(share * num_fields))
