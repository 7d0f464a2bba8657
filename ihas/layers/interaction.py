"""Products of fields, shared by several backbones. A field's zero dimensions take no part in any of them."""

from __future__ import annotations

import numpy as np

from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf


def spread(values: Tensor, mask: np.ndarray) -> Tensor:
    """Put kept elements back to their own field and dimension, zeros elsewhere.

    Args:
        values: float32 (batch, num_kept). Kept elements, fields in order.
        mask: bool (num_fields, dim). True where kept.

    Returns:
        float32 (batch, num_fields, dim).
    """
    kept = mask.ravel()
    column = np.where(kept, np.cumsum(kept) - 1, kept.sum())  # the column that padding adds holds zeros
    return tf.reshape(tf.gather(tf.pad(values, [[0, 0], [0, 1]]), column, axis=1), [-1, *mask.shape])


def factorization(fields: Tensor) -> Tensor:
    """Sum of the inner products of all pairs, 1/2 sum_d ((sum_f e_fd)^2 - sum_f e_fd^2): (batch, fields, dim) -> (batch,)."""
    squared_sum = tf.square(tf.reduce_sum(fields, axis=1))
    return 0.5 * tf.reduce_sum(squared_sum - tf.reduce_sum(tf.square(fields), axis=1), axis=1)


def inner_products(fields: Tensor) -> Tensor:
    """<e_f, e_g> of each pair f < g: (batch, fields, dim) -> (batch, fields (fields - 1) / 2)."""
    num_fields = int(fields.shape[1])
    first, second = np.triu_indices(num_fields, 1)
    products = tf.reshape(fields @ tf.transpose(fields, [0, 2, 1]), [-1, num_fields * num_fields])
    return tf.gather(products, first * num_fields + second, axis=1)
