"""A backbone's arithmetic in two: sums over the fields, and what is done with them.

What a backbone does first with the kept values e is linear for most kinds: hidden layers begin with W e, a factorisation
machine with the sum of the fields' embeddings, a linear part with the sum of weights. Such sums fall into what the context adds and
what the item adds (`ihas.bundle.values.TwoSided`), so serving computes the one once a request and the other once a bundle.

    kind        sums                                          logits
    mlp         W e + b                                       hidden
    lr          sum_fd e_fd + b                               the sum
    wide_deep   W e + b, sum_f w_f                            hidden + the last sum
    fm          sum_f e_f, sum_f w_f - |e|^2 / 2 + b          |first sums|^2 / 2 + the last sum
    deepfm      W e + b, sum_f e_f, sum_f w_f - |e|^2 / 2     hidden + |middle sums|^2 / 2 + the last sum
    dcn         W e + b, V e + c, e                           cross layers from e * (V e + c) + e on, beside hidden
    finalmlp    W_1 (s_1 * e) + b_1, W_2 (s_2 * e) + b_2      both streams and their fusion

Products of all pairs (`ipnn`, `xdeepfm`) and attention (`autoint`) come before anything is summed; those kinds have one side only.
Each kind's arithmetic is in its own file, as `Backbone.two_sided`; here is what several of them share. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.models.two_sided_graph import SumsGraph, mean_graph

Weights = Mapping[str, np.ndarray]


def deep_two_sided(weights: Weights) -> TwoSided:
    """Hidden layers and a linear unit in two, from their weights without batch normalisation."""
    kernel, bias = first_layer(weights)
    graph = SumsGraph(kernel.shape[1])
    return TwoSided(kernel, bias, False, graph.finish(deep_logits(graph, "sums", weights)))


def first_layer(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """First kernel and bias of the deep part."""
    layer = "hidden_0" if "hidden_0/kernel" in weights else "output"
    return weights[f"{layer}/kernel"], weights[f"{layer}/bias"]


def deep_logits(graph: SumsGraph, sums: str, weights: Weights) -> str:
    """The rest of the deep part behind its first sums: (rows, 1)."""
    if "hidden_0/kernel" not in weights:
        return sums
    return graph.dense(graph.hidden(sums, weights, ""), weights["output/kernel"], weights["output/bias"])


def zeros(mask: np.ndarray, width: int) -> np.ndarray:
    """A kernel without effect: float32 (kept, width)."""
    return np.zeros((int(mask.sum()), width), np.float32)


def field_sums(mask: np.ndarray) -> np.ndarray:
    """Kernel of the sum of the fields' embeddings: float32 (kept, dim)."""
    return np.eye(mask.shape[1], dtype=np.float32)[np.nonzero(mask)[1]]


def joined(parts: Sequence[TwoSided], columns: Sequence[np.ndarray], mask: np.ndarray) -> TwoSided:
    """The mean of several arithmetics, each on its own kept elements.

    Serving adds first-order weights and squares to the last sum, with which every kind's logit grows one to one. So the first part's
    sums are the last ones here, and the other parts' last sums get nothing: the sum of all logits then holds each term once.

    Args:
        parts: one for each member.
        columns: which of the kept elements each member reads: int64 (n,).
        mask: bool (num_fields, dim). Kept dimensions of all members.
    """
    widths = [part.kernel.shape[1] for part in parts]
    ends = np.cumsum(widths[::-1])[::-1].tolist()
    kernel = np.zeros((int(mask.sum()), sum(widths)), np.float32)
    for part, rows, end in zip(parts, columns, ends, strict=True):
        kernel[rows, end - part.kernel.shape[1] : end] = part.kernel
    bias = np.concatenate([part.bias for part in reversed(parts)])
    spans = [(end - width, end) for width, end in zip(widths, ends, strict=True)]
    return TwoSided(kernel, bias, any(part.squares for part in parts), mean_graph([part.graph for part in parts], spans))
