"""Fused embedding: all fields in one table, one gather a step.

    e[b] = [mean over the values of field f of table[id]]_f        (num_fields * dim,)

The gradient reaches only the distinct rows of the batch, summed over their occurrences. Source: our choice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ihas.layout import FieldLayout
from ihas.legacy_keras import tf

Tensor = Any


class Lookup(NamedTuple):
    """The table rows that a batch reads.

    Attributes:
        rows: int32 (distinct,). Distinct row numbers.
        values: float32 (distinct, width). Those rows; what the gradient is taken against.
        positions: int32 (batch * num_slots,). Where each slot's row stands in `values`.
    """

    rows: Tensor
    values: Tensor
    positions: Tensor


def look_up(table: Tensor, ids: Tensor) -> Lookup:
    """Gather the distinct rows of a batch: table float32 (num_rows, width), ids int32 (batch, num_slots)."""
    filled = tf.where(ids < 0, ids[:, :1], ids)  # padding reads what its row reads first, so that lazy updates touch nothing else
    rows, positions = tf.unique(tf.reshape(tf.maximum(filled, 0), [-1]))
    return Lookup(rows, tf.gather(table, rows), positions)


def concatenate_fields(gathered: Tensor, ids: Tensor, layout: FieldLayout) -> Tensor:
    """Pool each field's slots: float32 (batch, num_slots, width) -> (batch, num_fields, width)."""
    if layout.single_valued:
        return gathered
    present = tf.cast(ids >= 0, tf.float32)  # (batch, num_slots)
    slot_field = np.repeat(np.eye(layout.num_fields, dtype=np.float32), layout.slots, axis=0)  # (num_slots, num_fields)
    counts = tf.maximum(present @ slot_field, 1.0)  # (batch, num_fields)
    sums = tf.einsum("bsw,sf->bfw", gathered * present[..., None], slot_field)
    return sums / counts[..., None]
