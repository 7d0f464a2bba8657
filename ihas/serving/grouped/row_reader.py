"""Rows of a request to ids: what `ihas.data.encoder` gives, by the shortest way for the values that are met most.

A text that is a value of the vocabulary is its own canonical text, and a finite number needs no text to find its bucket; every other
cell, and every error, is the encoder's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, MISSING, UNKNOWN, NumericEncoder, PiecewiseEncoder
from ihas.data.layout import PADDING
from ihas.serving.answers import UnknownValue
from ihas.serving.requests import check_mapping

EXACT_INTEGER = 2**53


class ReadRow(NamedTuple):
    """One row as the model reads it.

    Attributes:
        ids: of the fields' slots, side by side.
        unknown: stated values that the model does not know.
    """

    ids: list[int]
    unknown: tuple[UnknownValue, ...]


class RowReader:
    """Reads rows of some fields."""

    def __init__(self, encoder: Encoder, fields: Sequence[str]) -> None:
        """
        Args:
            encoder: the bundle's.
            fields: names of the fields that a row may state; ids come in the layout's order.
        """
        self._encoder = encoder
        self._fields = tuple(name for name in encoder.layout.names if name in set(fields))
        self._names = frozenset(self._fields)
        self._stamps = frozenset(one.name for one in encoder.timestamps)
        first_rows = dict(zip(encoder.layout.names, encoder.layout.first_rows.tolist(), strict=True))
        self._columns = tuple(_column(field, first_rows[field.name]) for field in encoder.fields if field.name in self._names)

    def read(self, row: Mapping[str, Any], pointer: str) -> ReadRow:
        """One row; a field that is left out is missing.

        Args:
            row: values by field name.
            pointer: JSON pointer of the row in the request.

        Raises:
            RequestError: a name that is none of the fields, or a value of the wrong type.
        """
        if self._stamps and not self._stamps.isdisjoint(row):
            check_mapping(row, pointer)
            row = self._encoder.with_parts(row, self._names, pointer)
        if not self._names.issuperset(row):
            check_mapping(row, pointer)
            self._encoder.encode_row(row, self._fields, pointer)
        ids: list[int] = []
        unknown: tuple[UnknownValue, ...] = ()
        for name, known, edges, mix, first, missing in self._columns:
            cell = row.get(name)
            kind = cell.__class__
            if cell is None:
                ids += missing
            elif kind is str and (found := known.get(cell)) is not None:
                ids.append(first + found)
            elif edges is not None and (kind is float and cell - cell == 0.0 or kind is int and -EXACT_INTEGER < cell < EXACT_INTEGER):
                if mix is None:
                    ids.append(first + FIRST_VALUE + bisect_right(edges, cell))
                else:
                    ids += mix(cell)
            else:
                encoded = self._encoder.encode_row({name: cell}, (name,), pointer).tolist()
                ids += encoded
                if first + UNKNOWN in encoded:
                    unknown += (UnknownValue(name, cell),)
        return ReadRow(ids, unknown)

    def read_all(self, rows: Sequence[Mapping[str, Any]], pointer: str) -> tuple[np.ndarray, list[tuple[UnknownValue, ...]]]:
        """Ids of rows, int32 (rows, slots of the fields), and what is unknown in each; an error points behind `pointer`."""
        read = [self.read(row, f"{pointer}/{number}") for number, row in enumerate(rows)]
        return np.array([row.ids for row in read], np.int32), [row.unknown for row in read]


class _Column(NamedTuple):
    name: str
    known: Mapping[str, int]
    edges: tuple[float, ...] | None
    mix: Callable[[float], tuple[int, ...]] | None
    first: int
    missing: list[int]


def _column(field: Any, first: int) -> _Column:
    known = field.local_ids if field.kind == "categorical" else {}
    edges = field.edges if isinstance(field, NumericEncoder) else field.knots if isinstance(field, PiecewiseEncoder) else None
    mix = field.mixer(first) if isinstance(field, PiecewiseEncoder) else None
    return _Column(field.name, known, edges, mix, first, [first + MISSING] + [PADDING] * (field.slots - 1))
