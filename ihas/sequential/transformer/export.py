"""From a trained transformer to a bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import softmax

from ihas.export.onnx_export import onnx_model
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.sequential.data.batches import padded
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.data.stored import NUM_GOLDEN, GoldenHistories
from ihas.sequential.transformer.archive import TransformerBundle
from ihas.sequential.transformer.model import Transformer


def export_transformer(network: Transformer, data: UserSequences, name: str, summary: dict[str, Any]) -> TransformerBundle:
    """The network as a bundle that serves these users and items."""
    long = data.sequences.take(data.sequences.lengths > 0)
    histories = long.take(np.arange(min(NUM_GOLDEN, len(long)))).last(network.config.max_length)
    golden = GoldenHistories.of(TrainedModel(network), histories)
    return TransformerBundle(name, data, network.config, transformer_graph(network), golden, summary)


class TrainedModel:
    """The network itself as a `NextItemModel`, to compare what serves with."""

    def __init__(self, network: Transformer) -> None:
        self.network = network

    def probabilities(self, histories: Sequences) -> np.ndarray:
        """Softmax of the scores: float64 (histories, num_items)."""
        scores = self.network.scores(padded(histories, self.network.config.max_length)).numpy()
        return np.asarray(softmax(scores.astype(np.float64), axis=1))


def transformer_graph(network: Transformer) -> bytes:
    """The scores as an ONNX model: `items` int32 (batch, length), -1 after the last one, to `scores` float32 (batch, num_items)."""

    def scores(items: Tensor) -> dict[str, Tensor]:
        return {"scores": tf.matmul(network.last_states(items), network.items, transpose_b=True)}

    return onnx_model(scores, [tf.TensorSpec([None, None], tf.int32, name="items")])
