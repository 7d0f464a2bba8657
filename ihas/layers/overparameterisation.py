"""Overparameterised embedding: a table that is trained as a product and leaves training as the plain table.

    scalar   p = a p^         a of the row, (1,)
    vector   p = w * p^       w of the row, (dim,)
    matrix   p = p^ W         W of the field, (dim, dim)

Factors start at 1 or I, so that the first step is taken where the plain table takes it. The hypothesis space is the plain table's;
the path through it differs. With G = dL/dp and rate eta, one step of gradient descent on the factors of a row moves p by

    scalar   - eta a^2 G - eta (p.G) / a^2 p + eta^2 (p^.G) a G
    vector   - eta (w^2 + p^^2) * G + eta^2 w * p^ * G^2
    matrix   - eta |p^|^2 G - eta (G W^T) W + eta^2 (G W^T . p^) G,     where the row is its field's only one

W follows the mean of its field's gradients, not their sum: under the sum it moves as far in one step as all rows together, and
shrinks to zero before the rows hold anything but noise. Columns of the table beyond `dim` (first-order weights) stay plain.
Source: Chen and Chen, DeLTA 2020, whose text beyond the abstract could not be obtained; after Arora, Cohen and Hazan, ICML 2018.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor, look_up
from ihas.legacy_keras import tf

Form = Literal["scalar", "vector", "matrix"]


class Embedding(Protocol):
    """A table that training reads and changes. Laws: tests/contracts/embedding.py."""

    @property
    def factors(self) -> list[Tensor]:
        """Variables that training changes."""

    def look_up(self, ids: Tensor) -> Lookup:
        """Rows that ids int32 (batch, num_slots) read, as `ihas.layers.embedding.look_up` gives them from the folded table."""

    def fold(self) -> Tensor:
        """The plain table, (num_rows, width)."""

    def start_at(self, table: Tensor) -> None:
        """Become the given table, (num_rows, width), with neutral factors."""

    def pull_back(self, gradient: Tensor) -> list[Tensor]:
        """Gradients of `factors` from that of the folded table, (num_rows, width); a matrix has the mean over its field's rows."""


class PlainEmbedding(tf.Module):
    """A table that is its own only factor."""

    def __init__(self, table: Tensor) -> None:
        super().__init__("plain_embedding")
        self.table = table

    @property
    def factors(self) -> list[Tensor]:
        """The table."""
        return [self.table]

    def look_up(self, ids: Tensor) -> Lookup:
        """Its rows."""
        return look_up(self.table, ids)

    def fold(self) -> Tensor:
        """The table."""
        return tf.convert_to_tensor(self.table)

    def start_at(self, table: Tensor) -> None:
        """Become the given table."""
        self.table.assign(table)

    def pull_back(self, gradient: Tensor) -> list[Tensor]:
        """The gradient itself."""
        return [gradient]


class OverparameterisedEmbedding(tf.Module):
    """A table as a product."""

    def __init__(self, table: np.ndarray, layout: FieldLayout, dim: int, form: Form) -> None:
        """
        Args:
            table: float (num_rows, width). What it starts as.
            layout: where the fields lie.
            dim: columns that are overparameterised, the first ones.
            form: what multiplies the rows.
        """
        super().__init__("overparameterised_embedding")
        self.layout, self.dim, self.form = layout, dim, form
        self.rows = tf.Variable(table, name="rows")
        self.factor = tf.Variable(self._neutral(), name="factor")

    def _neutral(self) -> Tensor:
        num_rows, num_fields, dim = self.layout.num_rows, self.layout.num_fields, self.dim
        if self.form == "matrix":
            return tf.eye(dim, batch_shape=[num_fields], dtype=self.rows.dtype)
        return tf.ones([num_rows, 1 if self.form == "scalar" else dim], self.rows.dtype)

    @property
    def factors(self) -> list[Tensor]:
        """The rows before, and what multiplies them."""
        return [self.rows, self.factor]

    def start_at(self, table: Tensor) -> None:
        """Become the given table, with neutral factors."""
        self.rows.assign(table)
        self.factor.assign(self._neutral())

    def look_up(self, ids: Tensor) -> Lookup:
        """Rows of the folded table, of which only those are computed."""
        found = look_up(self.rows, ids)
        own, rest = found.values[:, : self.dim], found.values[:, self.dim :]
        if self.form == "matrix":
            field = tf.searchsorted(tf.constant(self.layout.first_rows), found.rows, side="right") - 1
            own = tf.einsum("rd,rde->re", own, tf.gather(self.factor, field))
        else:
            own *= tf.gather(self.factor, found.rows)
        return Lookup(found.rows, tf.concat([own, rest], axis=1))

    def fold(self) -> Tensor:
        """The plain table: rows times factors."""
        return tf.concat([self._multiply(self.rows[:, : self.dim], self.factor), self.rows[:, self.dim :]], axis=1)

    def pull_back(self, gradient: Tensor) -> list[Tensor]:
        """By the product rule: a G and p^.G; w * G and p^ * G; G W^T and the mean over the field's rows of p^^T G."""
        own, rows = gradient[:, : self.dim], self.rows[:, : self.dim]
        if self.form == "matrix":
            back = self._multiply(own, tf.transpose(self.factor, [0, 2, 1]))
            fields = zip(self._fields(rows), self._fields(own), self.layout.vocabulary_sizes, strict=True)
            factor = tf.stack([tf.matmul(row, part, transpose_a=True) / size for row, part, size in fields])
        else:
            back = self._multiply(own, self.factor)
            factor = tf.reduce_sum(rows * own, axis=1, keepdims=True) if self.form == "scalar" else rows * own
        return [tf.concat([back, gradient[:, self.dim :]], axis=1), factor]

    def _multiply(self, rows: Tensor, factor: Tensor) -> Tensor:
        if self.form == "matrix":
            return tf.concat([part @ factor[f] for f, part in enumerate(self._fields(rows))], axis=0)
        return rows * factor

    def _fields(self, rows: Tensor) -> list[Tensor]:
        return list(tf.split(rows, self.layout.vocabulary_sizes))
