"""Fused embedding: all fields in one table, one gather a step.

    e[b] = [mean over the values of field f of table[id]]_f        (num_fields * dim,)

Training reads and updates the table outside the graph (`ihas.table_optimizer`); the graph sees the rows that were read.
Source: our choice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ihas.layout import FieldLayout
from ihas.legacy_keras import tf

Tensor = Any


class Lookup(NamedTuple):
    """The table rows that a batch reads, one for each slot of each row.

    Attributes:
        rows: int32 (batch * num_slots,). Row numbers; padding reads any.
        values: float32 (batch * num_slots, width). Those rows; what the gradient is taken against.
    """

    rows: Tensor
    values: Tensor


def look_up(table: Tensor, ids: Tensor) -> Lookup:
    """Gather what a batch reads: table float32 (num_rows, width), ids int32 (batch, num_slots)."""
    rows = slot_rows(ids)
    return Lookup(rows, tf.gather(table, rows))


def slot_rows(ids: Tensor) -> Tensor:
    """Row numbers int32 (batch * num_slots,) of ids int32 (batch, num_slots); padding reads row 0, which pooling leaves out."""
    return tf.reshape(tf.maximum(ids, 0), [-1])


def concatenate_fields(gathered: Tensor, ids: Tensor, layout: FieldLayout) -> Tensor:
    """Pool each field's slots: float32 (batch, num_slots, width) -> (batch, num_fields, width)."""
    if layout.single_valued:
        return gathered
    present = tf.cast(ids >= 0, tf.float32)  # (batch, num_slots)
    slot_field = np.repeat(np.eye(layout.num_fields, dtype=np.float32), layout.slots, axis=0)  # (num_slots, num_fields)
    counts = tf.maximum(present @ slot_field, 1.0)  # (batch, num_fields)
    sums = tf.einsum("bsw,sf->bfw", gathered * present[..., None], slot_field)
    return sums / counts[..., None]
