"""Ages of items at the time of a request: days since a time of the item, which belong to neither side alone.

In a table they are numbers of the row, fields of the context. A context alone does not say them, so they are missing there until an item is
put beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from ihas.data.encoder import Encoder
from ihas.data.field_encoders import MISSING
from ihas.data.layout import PADDING
from ihas.data.schema import FieldRole, Timestamp


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def role(self) -> FieldRole: ...


class Age(NamedTuple):
    """A field of days from a time of the item to one of the request."""

    field: str
    request: Timestamp
    item: Timestamp


def ages_of(fields: Iterable[_Named], timestamps: Sequence[Timestamp]) -> tuple[Age, ...]:
    """The fields that are ages, of the fields of a schema or an encoder."""
    roles = {field.name: field.role for field in fields}
    sides = {one.name: {roles[name] for name in one.fields.values()} for one in timestamps}
    of_name = {one.name: one for one in timestamps}
    return tuple(
        Age(field, one, of_name[other])
        for one in timestamps
        for other, field in one.differences.items()
        if other in of_name and sides[one.name] == {"context"} and sides[other] == {"item"}
    )


def age_slots(encoder: Encoder, field: str) -> slice:
    """Columns of a field in the id matrix."""
    place = encoder.layout.names.index(field)
    first = int(encoder.layout.first_slots[place])
    return slice(first, first + encoder.layout.slots[place])


def without_ages(encoder: Encoder, ids: np.ndarray) -> np.ndarray:
    """Whole rows, int32 (rows, num_slots), whose ages are missing, as in a context without an item; the same array where there are none."""
    ages = ages_of(encoder.fields, encoder.timestamps)
    if not ages:
        return ids
    found = np.array(ids)
    for age in ages:
        slots = age_slots(encoder, age.field)
        found[:, slots] = PADDING
        found[:, slots.start] = MISSING + int(encoder.layout.first_rows[encoder.layout.names.index(age.field)])
    return found
