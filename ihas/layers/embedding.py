"""Fused embedding: all fields in one table, one gather a step.

    e[b] = [mean over the values of field f of table[id]]_f        (num_fields * dim,)

Training reads and updates the table outside the graph (`ihas.optim.table_optimizer`); the graph sees the rows that were read.
Source: our choice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ihas.data.layout import FieldLayout
from ihas.legacy_keras import tf

Tensor = Any


class Lookup(NamedTuple):
    """The table rows that a batch reads, one for each slot of each row.

    Attributes:
        rows: int32 (batch * num_slots,). Row numbers; padding has 0.
        values: float32 (batch * num_slots, width). Those rows, zeros for padding; what the gradient is taken against.
    """

    rows: Tensor
    values: Tensor


def look_up(table: Tensor, ids: Tensor) -> Lookup:
    """Gather what a batch reads: table float32 (num_rows, width), ids int32 (batch, num_slots)."""
    rows = slot_rows(ids)
    values = tf.gather(table, rows)
    return Lookup(rows, values * tf.reshape(tf.cast(ids >= 0, values.dtype), [-1, 1]))


def slot_rows(ids: Tensor) -> Tensor:
    """Row numbers int32 (batch * num_slots,) of ids int32 (batch, num_slots); padding has 0."""
    return tf.reshape(tf.maximum(ids, 0), [-1])


def concatenate_fields(gathered: Tensor, ids: Tensor, layout: FieldLayout) -> Tensor:
    """Pool each field's slots: float32 (batch, num_slots, width), zeros for padding -> (batch, num_fields, width)."""
    if layout.single_valued:
        return gathered
    slots, pooled = iter(tf.unstack(gathered, num=layout.num_slots, axis=1)), list[Tensor]()
    for first, width in zip(layout.first_slots.tolist(), layout.slots, strict=True):
        values = [next(slots) for _ in range(width)]
        pooled.append(values[0] if width == 1 else tf.add_n(values) / _counts(ids[:, first : first + width]))
    return tf.stack(pooled, axis=1)


def _counts(ids: Tensor) -> Tensor:
    return tf.maximum(tf.reduce_sum(tf.cast(ids >= 0, tf.float32), axis=1, keepdims=True), 1.0)
