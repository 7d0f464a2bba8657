"""DCN-v2, parallel form (Wang et al., WWW 2021, equations 1 and 6).

    x_{l+1} = x_0 * (W_l x_l + b_l) + x_l,   x_0 = e
    logit = w . [x_L, hidden(e)] + b

The cross layer is tensorflow-recommenders' `Cross`. A zero element of x_0 stays zero in every x_l, so dropping it
leaves the rest unchanged.
"""

from __future__ import annotations

from typing import final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import HiddenLayers, Weights, dense, dense_parts
from ihas.legacy_keras import Cross, keras, tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.two_sided_graph import SumsGraph


@final
class DCN(Backbone):
    """Cross layers beside hidden layers."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        self.hidden = HiddenLayers(kept.num_kept, config, seed)
        self.output = dense(1, seed + len(config.hidden))
        self.output.build((None, kept.num_kept + self._num_hidden_outputs()))
        self.cross = [
            Cross(kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 100 + i)) for i in range(config.num_cross_layers)
        ]
        for layer in self.cross:
            layer(tf.zeros([1, kept.num_kept]))

    def _num_hidden_outputs(self) -> int:
        return self.config.hidden[-1] if self.config.hidden else 0

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        crossed = values
        for layer in self.cross:
            crossed = layer(values, crossed)
        parts = [crossed, self.hidden(values, seed)] if self.config.hidden else [crossed]
        return self.output(tf.concat(parts, axis=1))[:, 0]

    def named_variables(self) -> dict[str, Tensor]:
        named = self.hidden.named_variables() | {f"output/{part}": variable for part, variable in dense_parts(self.output)}
        for i, layer in enumerate(self.cross):
            kernel, bias = layer.trainable_variables
            named |= {f"cross_{i}/kernel": kernel, f"cross_{i}/bias": bias}
        return named

    def multiply_adds(self) -> int:
        num_kept = self.kept.num_kept
        cross = len(self.cross) * (num_kept * num_kept + num_kept)
        return cross + self.hidden.multiply_adds() + num_kept + self._num_hidden_outputs()

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        positions, cut = kept.positions, dict(weights)
        for name in weights:
            layer, part = name.split("/")
            if layer.startswith("cross_"):
                cut[name] = weights[name][positions][:, positions] if part == "kernel" else weights[name][positions]
        if "hidden_0/kernel" in weights:
            cut["hidden_0/kernel"] = weights["hidden_0/kernel"][positions]
        num_elements, output = kept.mask.size, weights["output/kernel"]
        cut["output/kernel"] = tf.concat([output[:num_elements][positions], output[num_elements:]], axis=0).numpy()
        return cut

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:
        kept = int(mask.sum())
        kernels, biases = [np.eye(kept, dtype=np.float32)], [np.zeros(kept, np.float32)]
        for layer in ("cross_0", "hidden_0"):
            if f"{layer}/kernel" in weights:
                kernels.append(weights[f"{layer}/kernel"])
                biases.append(weights[f"{layer}/bias"])
        ends = np.cumsum([kernel.shape[1] for kernel in kernels]).tolist()
        graph = SumsGraph(ends[-1])
        parts = [_crossed(graph, weights, config, kept)]
        if config.hidden:
            parts.append(graph.hidden(graph.columns(ends[-2], ends[-1]), weights, ""))
        joined = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)
        logits = graph.dense(joined, weights["output/kernel"], weights["output/bias"])
        return TwoSided(np.hstack(kernels), np.concatenate(biases), False, graph.finish(logits))


def _crossed(graph: SumsGraph, weights: Weights, config: BackboneConfig, kept: int) -> str:
    """x_{l+1} = x_0 * (W_l x_l + b_l) + x_l, the first of them from the sums."""
    values = crossed = graph.columns(0, kept)
    for layer in range(config.num_cross_layers):
        if layer == 0:
            mixed = graph.columns(kept, 2 * kept)
        else:
            mixed = graph.dense(crossed, weights[f"cross_{layer}/kernel"], weights[f"cross_{layer}/bias"])
        crossed = graph.node("Add", graph.node("Mul", values, mixed), crossed)
    return crossed
