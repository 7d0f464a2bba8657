"""The two towers as they are trained: context and item to vectors whose product tells which go together.

e = [mean over the values of field f of table[id]]_f,   vector = relu(e W_0 + b_0) W_1 + b_1
"""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import Tower
from ihas.config.retrieval import RetrievalConfig
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Tensor, concatenate_fields, look_up
from ihas.legacy_keras import keras, tf

INITIAL_DEVIATION = 0.05


class TrainedTower(keras.Model):
    """One side's tower."""

    def __init__(self, layout: FieldLayout, dim: int, config: RetrievalConfig, rng: np.random.Generator) -> None:
        """
        Args:
            layout: where the side's fields lie, counted within the side.
            dim: dimensions of a field's embedding.
            config: sizes.
            rng: draws the weights.
        """
        super().__init__()
        self.layout = layout
        self.table = tf.Variable(rng.normal(0.0, INITIAL_DEVIATION, (layout.num_rows, dim)).astype(np.float32), name="table")
        sizes = (layout.num_fields * dim, config.hidden, config.width)
        draws = [rng.normal(0.0, (2.0 / fan_in) ** 0.5, (fan_in, size)) for fan_in, size in zip(sizes[:-1], sizes[1:], strict=True)]
        self.kernels = [tf.Variable(draw.astype(np.float32)) for draw in draws]
        self.biases = [tf.Variable(np.zeros(size, np.float32)) for size in sizes[1:]]

    def call(self, ids: Tensor) -> Tensor:
        """int32 (rows, slots of the side) -> float32 (rows, width)."""
        gathered = tf.reshape(look_up(self.table, ids).values, [-1, self.layout.num_slots, self.table.shape[1]])
        fields = concatenate_fields(gathered, ids, self.layout)
        embedded = tf.reshape(fields, [-1, self.layout.num_fields * self.table.shape[1]])
        return tf.nn.relu(embedded @ self.kernels[0] + self.biases[0]) @ self.kernels[1] + self.biases[1]

    def frozen(self) -> Tower:
        """The tower as it stands, as arrays."""
        kernels, biases = ([one.numpy() for one in part] for part in (self.kernels, self.biases))
        return Tower(self.layout, self.table.numpy(), (kernels[0], kernels[1]), (biases[0], biases[1]))
