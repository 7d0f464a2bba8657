"""A backbone's arithmetic in two: sums over the fields, and what is done with them.

What a backbone does first with the kept values e is linear for most kinds: hidden layers begin with W e, a factorisation
machine with the sum of the fields' embeddings, a linear part with the sum of weights. Such sums fall into what the context adds and
what the item adds (`ihas.bundle.values.Split`), so serving computes the one once a request and the other once a bundle.

    kind        sums                                          logits
    mlp         W e + b                                       hidden
    lr          sum_fd e_fd + b                               the sum
    wide_deep   W e + b, sum_f w_f                            hidden + the last sum
    fm          sum_f e_f, sum_f w_f - |e|^2 / 2 + b          |first sums|^2 / 2 + the last sum
    deepfm      W e + b, sum_f e_f, sum_f w_f - |e|^2 / 2     hidden + |middle sums|^2 / 2 + the last sum
    dcn         W e + b, V e + c, e                           cross layers from e * (V e + c) + e on, beside hidden
    finalmlp    W_1 (s_1 * e) + b_1, W_2 (s_2 * e) + b_2      both streams and their fusion

Products of all pairs (`ipnn`, `xdeepfm`) and attention (`autoint`) come before anything is summed; those kinds are not split.
Batch normalisation of inference is an affine map and folds into the kernel before it. Source: our choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from ihas.bundle.values import Split
from ihas.config.backbone import BackboneConfig
from ihas.export.two_sided_graph import SplitGraph

Weights = Mapping[str, np.ndarray]
Splitter = Callable[[Weights, np.ndarray, BackboneConfig], Split]
_NORM = re.compile(r"(?P<before>.*)norm_(?P<layer>\d+)/gamma")


def fold_batch_norm(weights: Weights, epsilon: float) -> dict[str, np.ndarray]:
    """Weights of the same backbone without batch normalisation.

    gamma (W x - mean) / sqrt(variance + epsilon) + beta = (s W) x + beta - s mean,   s = gamma / sqrt(variance + epsilon)
    """
    folded = {name: value for name, value in weights.items() if not re.search(r"norm_\d+/", name)}
    for name in weights:
        found = _NORM.fullmatch(name)
        if found:
            norm, hidden = f"{found['before']}norm_{found['layer']}", f"{found['before']}hidden_{found['layer']}"
            scale = weights[name] / np.sqrt(weights[f"{norm}/variance"] + np.float32(epsilon))
            folded[f"{hidden}/kernel"] = weights[f"{hidden}/kernel"] * scale
            folded[f"{hidden}/bias"] = weights[f"{norm}/beta"] - weights[f"{norm}/mean"] * scale
    return folded


def split_backbone(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split | None:
    """The backbone in two; None where its kind does not begin with sums.

    Args:
        weights: of the backbone on the kept dimensions, without batch normalisation.
        mask: bool (num_fields, dim). Kept dimensions.
        config: the backbone's.
    """
    splitter = SPLITTERS.get(config.kind)
    return None if splitter is None else splitter(weights, mask, config)


def _mlp(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    kernel, bias = _first(weights)
    graph = SplitGraph(kernel.shape[1])
    return Split(kernel, bias, False, graph.finish(_deep(graph, "sums", weights)))


def _lr(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    return Split(np.ones((int(mask.sum()), 1), np.float32), weights["output/bias"], False, SplitGraph(1).finish("sums"))


def _wide_deep(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    kernel, bias = _first(weights)
    width = kernel.shape[1]
    graph = SplitGraph(width + 1)
    deep = _deep(graph, graph.columns(0, width), weights)
    graph_bytes = graph.finish(graph.node("Add", deep, graph.columns(width, width + 1)))
    return Split(np.hstack([kernel, _zeros(mask, 1)]), np.append(bias, np.float32(0)), False, graph_bytes)


def _fm(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    dim = mask.shape[1]
    graph = SplitGraph(dim + 1)
    logits = graph.node("Add", graph.half_square(graph.columns(0, dim)), graph.columns(dim, dim + 1))
    bias = np.append(np.zeros(dim, np.float32), weights["output/bias"])
    return Split(np.hstack([_field_sums(mask), _zeros(mask, 1)]), bias, True, graph.finish(logits))


def _deepfm(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    (kernel, bias), dim = _first(weights), mask.shape[1]
    width = kernel.shape[1]
    graph = SplitGraph(width + dim + 1)
    deep = _deep(graph, graph.columns(0, width), weights)
    pairs = graph.half_square(graph.columns(width, width + dim))
    logits = graph.node("Add", graph.node("Add", deep, pairs), graph.columns(width + dim, width + dim + 1))
    bias = np.append(bias, np.zeros(dim + 1, np.float32))
    return Split(np.hstack([kernel, _field_sums(mask), _zeros(mask, 1)]), bias, True, graph.finish(logits))


def _dcn(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:
    kept = int(mask.sum())
    kernels, biases = [np.eye(kept, dtype=np.float32)], [np.zeros(kept, np.float32)]
    for layer in ("cross_0", "hidden_0"):
        if f"{layer}/kernel" in weights:
            kernels.append(weights[f"{layer}/kernel"])
            biases.append(weights[f"{layer}/bias"])
    ends = np.cumsum([kernel.shape[1] for kernel in kernels]).tolist()
    graph = SplitGraph(ends[-1])
    parts = [_crossed(graph, weights, config, kept)]
    if config.hidden:
        parts.append(graph.hidden(graph.columns(ends[-2], ends[-1]), weights, ""))
    joined = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)
    logits = graph.dense(joined, weights["output/kernel"], weights["output/bias"])
    return Split(np.hstack(kernels), np.concatenate(biases), False, graph.finish(logits))


def _crossed(graph: SplitGraph, weights: Weights, config: BackboneConfig, kept: int) -> str:
    """x_{l+1} = x_0 * (W_l x_l + b_l) + x_l, the first of them from the sums."""
    values = crossed = graph.columns(0, kept)
    for layer in range(config.num_cross_layers):
        if layer == 0:
            mixed = graph.columns(kept, 2 * kept)
        else:
            mixed = graph.dense(crossed, weights[f"cross_{layer}/kernel"], weights[f"cross_{layer}/bias"])
        crossed = graph.node("Add", graph.node("Mul", values, mixed), crossed)
    return crossed


def _finalmlp(weights: Weights, mask: np.ndarray, config: BackboneConfig) -> Split:  # noqa: ARG001
    streams = ("first", "second")
    firsts = [_selection(weights, stream)[:, None] * weights[f"{stream}_hidden_0/kernel"] for stream in streams]
    middle, width = firsts[0].shape[1], firsts[0].shape[1] + firsts[1].shape[1]
    graph = SplitGraph(width)
    outputs = [
        graph.hidden(graph.columns(*ends), weights, f"{stream}_")
        for stream, ends in zip(streams, ((0, middle), (middle, width)), strict=True)
    ]
    linear = [graph.matmul(output, weights[f"output/{stream}"]) for stream, output in zip(streams, outputs, strict=True)]
    fused = graph.bilinear(outputs[0], outputs[1], weights["output/product"])
    logits = graph.node("Add", graph.node("Add", *linear), graph.node("Add", fused, graph.constant(weights["output/bias"])))
    bias = np.concatenate([weights[f"{stream}_hidden_0/bias"] for stream in streams])
    return Split(np.hstack(firsts), bias, False, graph.finish(logits))


SPLITTERS: Mapping[str, Splitter] = {
    "mlp": _mlp,
    "lr": _lr,
    "wide_deep": _wide_deep,
    "fm": _fm,
    "deepfm": _deepfm,
    "dcn": _dcn,
    "finalmlp": _finalmlp,
}


def _first(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """First kernel and bias of the deep part."""
    layer = "hidden_0" if "hidden_0/kernel" in weights else "output"
    return weights[f"{layer}/kernel"], weights[f"{layer}/bias"]


def _deep(graph: SplitGraph, sums: str, weights: Weights) -> str:
    """The rest of the deep part behind its first sums: (rows, 1)."""
    if "hidden_0/kernel" not in weights:
        return sums
    return graph.dense(graph.hidden(sums, weights, ""), weights["output/kernel"], weights["output/bias"])


def _zeros(mask: np.ndarray, width: int) -> np.ndarray:
    return np.zeros((int(mask.sum()), width), np.float32)


def _field_sums(mask: np.ndarray) -> np.ndarray:
    """Kernel of the sum of the fields' embeddings: float32 (kept, dim)."""
    return np.eye(mask.shape[1], dtype=np.float32)[np.nonzero(mask)[1]]


def _selection(weights: Weights, stream: str) -> np.ndarray:
    """s = 2 sigmoid(U hidden(c) + u), what `finalmlp` weights each value with: float32 (kept,)."""
    hidden, layer = weights[f"{stream}_context/vector"], 0
    while f"{stream}_selection_hidden_{layer}/kernel" in weights:
        name = f"{stream}_selection_hidden_{layer}"
        hidden, layer = np.maximum(hidden @ weights[f"{name}/kernel"] + weights[f"{name}/bias"], 0.0), layer + 1
    logits = hidden @ weights[f"{stream}_selected/kernel"] + weights[f"{stream}_selected/bias"]
    return np.asarray(2.0 / (1.0 + np.exp(-logits[0])), np.float32)
