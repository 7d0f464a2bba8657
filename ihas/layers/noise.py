"""Random numbers of training steps, from pools that are drawn once.

    draw(shape, seed) = pool[o : o + size(shape)],   o ~ U{0, ..} from `seed`

Drawing a number anew costs more than all other arithmetic of a gate or of dropout; reading one costs a copy. Steps read a
pool of millions from different places, so that no two steps share their numbers row by row. Source: our choice.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ihas.layers.batch_shares import batch_shape, own_rows
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf

POOL = 1 << 23


def logistic_noise(like: Tensor, seed: Tensor) -> Tensor:
    """ln u - ln(1 - u) with u ~ U(0, 1), of the shape of `like`; seed int32 (2,)."""
    return _read(_logistic_pool(), like, seed)


def dropout(values: Tensor, rate: float, seed: Tensor, *, axis: int = 0) -> Tensor:
    """Each value kept with probability 1 - rate and divided by it, 0 otherwise; seed int32 (2,), rows of the batch along `axis`."""
    return values * _read(_kept_pool(rate), values, seed, axis)


def _read(pool: Tensor, like: Tensor, seed: Tensor, axis: int = 0) -> Tensor:
    shape = batch_shape(like, axis)
    size = tf.reduce_prod(shape)
    start = tf.random.stateless_uniform([], seed, maxval=tf.maximum(POOL - size, 1), dtype=tf.int32)
    found = tf.cond(size <= POOL, lambda: pool[start : start + size], lambda: tf.tile(pool, [size // POOL + 1])[:size])
    return own_rows(tf.reshape(found, shape), axis, tf.shape(like)[axis])


@cache
def _logistic_pool() -> Tensor:
    with tf.init_scope():
        return tf.constant(np.random.default_rng(0).logistic(size=POOL).astype(np.float32))


@cache
def _kept_pool(rate: float) -> Tensor:
    with tf.init_scope():
        kept = np.random.default_rng(1).random(POOL, dtype=np.float32) >= rate
        return tf.constant(kept.astype(np.float32) / np.float32(1.0 - rate))
