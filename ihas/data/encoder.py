"""Raw values to ids and back, in the serving process as in training.

A field's id is its first table row plus the field's own id (ihas.data.field_encoders): unknown or rare, missing, then
the values. A multi-valued cell fills its slots from the left, the rest is padding. Nothing here needs more than NumPy and pydantic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Annotated, NoReturn

import numpy as np
from pydantic import Field

from ihas.config.base import Config
from ihas.data.cells import Cell
from ihas.data.field_encoders import FieldEncoder
from ihas.data.layout import PADDING, FieldLayout
from ihas.data.moments import with_parts
from ihas.data.schema import FieldRole, Timestamp
from ihas.errors import RequestError
from ihas.extensions.suggest import did_you_mean


class Encoder(Config):
    """Fields' encoders, in the order of the id matrix."""

    fields: tuple[Annotated[FieldEncoder, Field(discriminator="kind")], ...]
    """One encoder per field."""
    timestamps: tuple[Timestamp, ...] = Field(default=(), exclude_if=lambda timestamps: not timestamps)
    """Columns of dates or times, whose parts are fields: a row may state the column in their place."""

    @cached_property
    def layout(self) -> FieldLayout:
        """Where each field lies in the fused table and in an id matrix."""
        return FieldLayout(
            names=tuple(field.name for field in self.fields),
            vocabulary_sizes=tuple(field.vocabulary_size for field in self.fields),
            slots=tuple(field.slots for field in self.fields),
            vectors=tuple(field.slots if field.kind == "vector" else 0 for field in self.fields) if self._has_vectors else (),
        )

    @property
    def _has_vectors(self) -> bool:
        return any(field.kind == "vector" for field in self.fields)

    @cached_property
    def _field_of_name(self) -> dict[str, tuple[FieldEncoder, int]]:
        return {field.name: (field, int(row)) for field, row in zip(self.fields, self.layout.first_rows, strict=True)}

    def names_of(self, role: FieldRole) -> tuple[str, ...]:
        """Fields of a role, in the layout's order."""
        return tuple(field.name for field in self.fields if field.role == role)

    def slots_of(self, role: FieldRole) -> np.ndarray:
        """Columns of an id matrix that a role's fields fill: int32 (slots of the role,)."""
        roles = np.repeat([field.role for field in self.fields], self.layout.slots)
        return np.flatnonzero(roles == role).astype(np.int32)

    def encode_row(self, row: Mapping[str, Cell], fields: Sequence[str] | None = None, pointer: str = "") -> np.ndarray:
        """Ids of one row.

        Args:
            row: values by field name; a field that is left out is missing.
            fields: names of the fields wanted; None for all. The result has their slots in the layout's order.
            pointer: JSON pointer of the row in the request, put in front of an error's pointer.

        Returns:
            int32 (slots of the fields,).

        Raises:
            RequestError: a name that is none of `fields`, or a value of the wrong type.
        """
        wanted = self.layout.names if fields is None else tuple(name for name in self.layout.names if name in fields)
        row = self.with_parts(row, wanted, pointer)
        for name in row:
            if name not in wanted:
                _raise_unknown(name, (*wanted, *(one.name for one in self._timestamps_of(wanted))), pointer)
        ids = [slot for name in wanted for slot in self._encode_cell(name, row.get(name), pointer)]
        return np.array(ids, dtype=np.int32)

    def with_parts(self, row: Mapping[str, Cell], fields: Collection[str], pointer: str = "") -> Mapping[str, Cell]:
        """The row with their parts in the place of timestamps, where these are among the fields; RequestError for what is no time."""
        return with_parts(row, self._timestamps_of(fields), pointer) if self.timestamps else row

    def _timestamps_of(self, fields: Collection[str]) -> tuple[Timestamp, ...]:
        return tuple(one for one in self.timestamps if set(one.fields.values()) <= set(fields))

    def encode_rows(self, rows: Sequence[Mapping[str, Cell]], fields: Sequence[str] | None = None, pointer: str = "") -> np.ndarray:
        """Ids of rows, as `encode_row`; an error's pointer has the row's position behind `pointer`: int32 (rows, slots of the fields)."""
        wanted = self.layout.names if fields is None else fields
        num_slots = sum(self._field_of_name[name][0].slots for name in wanted)
        encoded = [self.encode_row(row, wanted, f"{pointer}/{number}") for number, row in enumerate(rows)]
        return np.array(encoded, dtype=np.int32).reshape(len(rows), num_slots)

    def decode(self, field: str, row: int) -> str:
        """What a table row of a field stands for, for a person: `(unknown)`, `(missing)`, a value, or a bucket such as `[2.5, 7)`.

        Raises:
            RequestError: no such field, or a table row that is not the field's.
        """
        if field not in self._field_of_name:
            _raise_unknown(field, self.layout.names, "")
        encoder, first = self._field_of_name[field]
        if not first <= row < first + encoder.vocabulary_size:
            raise RequestError(f"An id of `{field}` must lie in [{first}, {first + encoder.vocabulary_size}), but got {row}.")
        return encoder.text(row - first)

    def to_json(self) -> str:
        """The encoder as JSON; `from_json` gives back an equal one."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Encoder:
        """The encoder that `to_json` wrote; pydantic's ValidationError for anything else."""
        return cls.model_validate_json(text)

    def _encode_cell(self, name: str, cell: Cell, pointer: str) -> list[int]:
        encoder, first = self._field_of_name[name]
        ids = encoder.encode(cell, f"{pointer}/{_escaped(name)}")
        return [first + local for local in ids] + [PADDING] * (encoder.slots - len(ids))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _raise_unknown(name: str, known: Sequence[str], pointer: str) -> NoReturn:
    told = f"`{name}` is none of the fields here: {', '.join(known)}.{did_you_mean(name, known)}"
    raise RequestError(told, f"{pointer}/{_escaped(name)}")
