"""Members whose deep parts are computed side by side: one batched product a layer instead of one product a member.

    x_m <- relu(norm_m(x_m W_m)),   logit_m = beside_m + x_m w_m + b_m          for all m at once

What stands beside the deep part has no variables, so that members are rows of one batch there. Every backbone that is nothing but a
deep part and such terms is trained so; the numbers are those of `Ensemble` but for rounding, and dropout draws other units.
Source: our choice.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.errors import ConfigError
from ihas.layers.batch_shares import batch_moments
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import NORM_MOMENTUM, Weights
from ihas.layers.noise import dropout
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.deep import DeepBackbone
from ihas.models.ensemble import Build, Ensemble, member_name, weights_of


class StackedEnsemble(Ensemble):
    """An ensemble on the whole embedding of a kind whose only variables are those of its deep part."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int, build: Build, *, uses_first_order: bool) -> None:
        super().__init__(kept, config, seed, build, uses_first_order=uses_first_order)
        self._first = cast(DeepBackbone, self.members[0])  # what all members have in common
        parts = [member.named_variables() for member in self.members]
        self._stacked = {
            name: tf.Variable(np.stack([part[name].numpy() for part in parts]), trainable=variable.trainable, name=name)
            for name, variable in parts[0].items()
        }

    def member_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        return self.task_logits(values, first_order, seed)[..., 0]

    def task_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        count, batch = len(self.members), tf.shape(values)[0]
        fields, dim = self.kept.num_fields, self.kept.mask.shape[1] // count
        split = tf.transpose(tf.reshape(values, [-1, fields, count, dim]), [2, 0, 1, 3])
        rows = tf.reshape(split, [-1, fields * dim])  # (members * batch, elements of one)
        inputs = self._first.deep_inputs(rows)
        logits = self._deep(tf.reshape(inputs, [count, batch, inputs.shape[1]]), seed)
        beside = self._first.beside(rows, self._weights_of_rows(first_order))
        return tf.transpose(logits if beside is None else logits + tf.reshape(beside, [count, batch, 1]), [1, 0, 2])

    def _weights_of_rows(self, first_order: Tensor | None) -> Tensor | None:
        """First-order weights (batch, num_fields, members or 1) of each member's rows: (members * batch, num_fields)."""
        if first_order is None:
            return None
        columns = tf.unstack(first_order, axis=2)
        return tf.concat(columns * (len(self.members) // len(columns)), axis=0)

    def _deep(self, values: Tensor, seed: Tensor | None) -> Tensor:
        """(members, batch, inputs) -> (members, batch, tasks)."""
        for layer in range(len(self.config.hidden)):
            values = self._dense(values, f"hidden_{layer}")
            if self.config.batch_norm:
                values = self._normalised(values, f"norm_{layer}", training=seed is not None)
            values = tf.nn.relu(values)
            if seed is not None and self.config.dropout > 0.0:
                values = dropout(values, self.config.dropout, seed + [0, layer + 1], axis=1)
        return self._dense(values, "output")

    def _dense(self, values: Tensor, layer: str) -> Tensor:
        product, bias = values @ self._stacked[f"{layer}/kernel"], self._stacked.get(f"{layer}/bias")
        return product if bias is None else product + bias[:, None]

    def _normalised(self, values: Tensor, layer: str, *, training: bool) -> Tensor:
        mean, variance = self._stacked[f"{layer}/mean"], self._stacked[f"{layer}/variance"]
        found = batch_moments(values, 1, mean) if training else (mean, variance)
        if training:
            for moving, now in zip((mean, variance), found, strict=True):
                moving.assign_sub((1.0 - NORM_MOMENTUM) * (moving - now))
        scale = self._stacked[f"{layer}/gamma"] * tf.math.rsqrt(found[1] + self.config.batch_norm_epsilon)
        return values * scale[:, None] + (self._stacked[f"{layer}/beta"] - found[0] * scale)[:, None]

    def named_variables(self) -> dict[str, Tensor]:
        return self._stacked

    def weights(self) -> Weights:
        stacked = super().weights()
        return {member_name(m, name): value[m].copy() for m in range(len(self.members)) for name, value in stacked.items()}

    def assign(self, weights: Weights) -> None:
        own = [weights_of(weights, number) for number in range(len(self.members))]
        shapes = {name: tuple(variable.shape[1:]) for name, variable in self._stacked.items()}
        received = [{name: value.shape for name, value in part.items()} for part in own]
        if any(part != shapes for part in received) or sum(map(len, own)) != len(weights):
            raise ConfigError(f"Weights of each member must have the backbone's names and shapes {shapes}, but got {received}.")
        for name, variable in self._stacked.items():
            variable.assign(np.stack([part[name] for part in own]))


def can_stack(kept: KeptDims, config: BackboneConfig, kind: type) -> bool:
    """Whether members of a class, on these elements, can be computed side by side."""
    return bool(kept.mask.all()) and issubclass(kind, DeepBackbone) and kept.mask.shape[1] % config.members == 0
