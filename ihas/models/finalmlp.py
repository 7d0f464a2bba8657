"""FinalMLP (Mao et al., AAAI 2023, equations 2 to 8): two streams of hidden layers, weighted apart and multiplied with each other.

    s_k = 2 sigmoid(U_k hidden(c_k) + u_k),   o_k = hidden_k(s_k * e)                    k = 1, 2
    logit = b + w_1 . o_1 + w_2 . o_2 + sum_h o_1h^T W_h o_2h                            heads h of equal size

The paper feeds s_1 and s_2 with chosen fields, such as user and item, or with a learnt vector where there are none to
choose. Here c_k is always the learnt vector: a backbone does not know which field is which (our choice). The s_k are
then constants after training.
"""

from __future__ import annotations

from typing import final

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import HiddenLayers, Weights, dense, dense_parts, glorot
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.two_sided_graph import SumsGraph

STREAMS = ("first", "second")
SEED_STRIDE = 32  # apart from the seeds of the other stream's dropout, below the next step's


@final
class FinalMLP(Backbone):
    """Two streams and their bilinear fusion."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int) -> None:
        super().__init__(kept, config)
        rng = np.random.default_rng(seed)
        units = {"first": config.hidden, "second": config.second_hidden}
        self.selections = {name: Selection(kept, config, rng) for name in STREAMS}
        self.streams = {
            name: HiddenLayers(kept.num_kept, config.model_copy(update={"hidden": units[name]}), int(rng.integers(2**30)))
            for name in STREAMS
        }
        ends = [units[name][-1] for name in STREAMS]
        heads = [end // config.fusion_heads for end in ends]
        self.linear = {name: tf.Variable(glorot(rng, (end, 1)), name=name) for name, end in zip(STREAMS, ends, strict=True)}
        self.product = tf.Variable(np.stack([glorot(rng, (heads[0], heads[1])) for _ in range(config.fusion_heads)]), name="product")
        self.bias = tf.Variable([0.0], name="bias")

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        outputs = {}
        for k, name in enumerate(STREAMS):
            own_seed = None if seed is None else seed + [0, k * SEED_STRIDE]
            outputs[name] = self.streams[name](self.selections[name]() * values, own_seed)
        linear = sum(outputs[name] @ self.linear[name] for name in STREAMS)
        first, second = (self._heads(outputs[name]) for name in STREAMS)
        return self.bias + linear[:, 0] + tf.reduce_sum((first @ self.product) * second, axis=[0, 2])

    def _heads(self, output: Tensor) -> Tensor:
        heads = self.config.fusion_heads
        return tf.transpose(tf.reshape(output, [-1, heads, output.shape[1] // heads]), [1, 0, 2])  # (heads, batch, units of a head)

    def named_variables(self) -> dict[str, Tensor]:
        named = {"output/product": self.product, "output/bias": self.bias}
        for name in STREAMS:
            parts = self.selections[name].named_variables() | self.streams[name].named_variables()
            named |= {f"{name}_{part}": variable for part, variable in parts.items()} | {f"output/{name}": self.linear[name]}
        return named

    def multiply_adds(self) -> int:
        first, second = (self.streams[name].widths[-1] for name in STREAMS)
        fusion = first + second + first * second // self.config.fusion_heads + second
        return fusion + sum(stream.multiply_adds() for stream in self.streams.values())

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        cut = dict(weights)
        for name in STREAMS:
            cut[f"{name}_hidden_0/kernel"] = weights[f"{name}_hidden_0/kernel"][kept.positions]
            for part in ("kernel", "bias"):
                cut[f"{name}_selected/{part}"] = weights[f"{name}_selected/{part}"][..., kept.positions]
        return cut

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        firsts = [_selection(weights, stream)[:, None] * weights[f"{stream}_hidden_0/kernel"] for stream in STREAMS]
        middle, width = firsts[0].shape[1], firsts[0].shape[1] + firsts[1].shape[1]
        graph = SumsGraph(width)
        outputs = [
            graph.hidden(graph.columns(*ends), weights, f"{stream}_")
            for stream, ends in zip(STREAMS, ((0, middle), (middle, width)), strict=True)
        ]
        linear = [graph.matmul(output, weights[f"output/{stream}"]) for stream, output in zip(STREAMS, outputs, strict=True)]
        fused = graph.bilinear(outputs[0], outputs[1], weights["output/product"])
        logits = graph.node("Add", graph.node("Add", *linear), graph.node("Add", fused, graph.constant(weights["output/bias"])))
        bias = np.concatenate([weights[f"{stream}_hidden_0/bias"] for stream in STREAMS])
        return TwoSided(np.hstack(firsts), bias, False, graph.finish(logits))


class Selection(tf.Module):
    """s = 2 sigmoid(U hidden(c) + u), a weight from 0 to 2 for each kept element; it folds into the next kernel and costs nothing."""

    def __init__(self, kept: KeptDims, config: BackboneConfig, rng: np.random.Generator) -> None:
        super().__init__("selection")
        dim, seed = int(kept.mask.shape[1]), int(rng.integers(2**30))
        plain = config.model_copy(update={"hidden": config.selection_hidden, "dropout": 0.0, "batch_norm": False})
        self.context = tf.Variable(rng.normal(size=(1, dim)).astype(np.float32), name="context")
        self.hidden = HiddenLayers(dim, plain, seed)
        self.output = dense(kept.num_kept, seed + len(plain.hidden))
        self.output.build((None, self.hidden.widths[-1]))

    def __call__(self) -> Tensor:
        """float32 (1, num_kept)."""
        return 2.0 * tf.sigmoid(self.output(self.hidden(self.context, None)))

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""
        named = {f"selection_{part}": variable for part, variable in self.hidden.named_variables().items()}
        return named | {"context/vector": self.context} | {f"selected/{part}": variable for part, variable in dense_parts(self.output)}


def _selection(weights: Weights, stream: str) -> np.ndarray:
    """s = 2 sigmoid(U hidden(c) + u), as a number for each value, from weights: float32 (kept,)."""
    hidden, layer = weights[f"{stream}_context/vector"], 0
    while f"{stream}_selection_hidden_{layer}/kernel" in weights:
        name = f"{stream}_selection_hidden_{layer}"
        hidden, layer = np.maximum(hidden @ weights[f"{name}/kernel"] + weights[f"{name}/bias"], 0.0), layer + 1
    logits = hidden @ weights[f"{stream}_selected/kernel"] + weights[f"{stream}_selected/bias"]
    return np.asarray(2.0 / (1.0 + np.exp(-logits[0])), np.float32)
