"""Ages of candidates at the time of a request: each candidate is scored beside the context that has its age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ihas.data.ages import Age, age_slots, ages_of
from ihas.data.cells import cell_text
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import MISSING, NumericEncoder, PiecewiseEncoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.layout import PADDING
from ihas.data.moments import DAY_DIGITS, DAY_S, local_time, microseconds
from ihas.serving.grouped.candidate_model import CandidateLogits, CandidateModel

UNKNOWN_MOMENT = np.iinfo(np.int64).min


class _Field(NamedTuple):
    """An age: its encoder and first table row, its slots among those of the context, and each item's moment in microseconds: int64."""

    age: Age
    encoder: NumericEncoder | PiecewiseEncoder
    first: int
    slots: np.ndarray
    moments: np.ndarray


class ItemAges:
    """What is known of the times of items; a frozen value, made anew where items change."""

    def __init__(self, encoder: Encoder, items: ItemTable) -> None:
        """
        Args:
            encoder: the bundle's.
            items: have the texts of each time of the item under its column's name.
        """
        found = (_field(encoder, age, items) for age in ages_of(encoder.fields, encoder.timestamps))
        self._fields = tuple(field for field in found if field is not None)

    def contexts(self, context: np.ndarray, stated: Mapping[str, Any], positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The different contexts of candidates, and which of them is each one's.

        Args:
            context: int32 (slots of the context,), whose ages are missing.
            stated: values that the request states, which can be read. An age that it states itself stays.
            positions: int64 (rows,) of the item table.

        Returns:
            int32 (contexts, slots of the context), int64 (rows,).
        """
        own = [field for field in self._fields if field.age.field not in stated and stated.get(field.age.request.name) is not None]
        if not own:
            return context[None], np.zeros(len(positions), np.int64)
        ids = np.concatenate([_ids(field, stated[field.age.request.name], positions) for field in own], axis=1)
        different, which = np.unique(ids, axis=0, return_inverse=True)
        contexts = np.repeat(context[None], len(different), axis=0)
        contexts[:, np.concatenate([field.slots for field in own])] = different
        return contexts, which.reshape(-1)

    def score(self, model: CandidateModel, context: np.ndarray, stated: Mapping[str, Any], positions: np.ndarray) -> CandidateLogits:
        """As `CandidateModel.score`, each candidate at its age."""
        contexts, which = self.contexts(context, stated, positions)
        if len(contexts) == 1:
            return model.score(contexts[0], positions)
        rows = [np.flatnonzero(which == number) for number in range(len(contexts))]
        found = CandidateLogits.join([model.score(one, positions[own]) for one, own in zip(contexts, rows, strict=True)])
        back = np.argsort(np.concatenate(rows))
        return CandidateLogits(found.group[back], found.logits[back], tuple(own[back] for own in found.tasks))

    def ids(self, model: CandidateModel, context: np.ndarray, stated: Mapping[str, Any], positions: np.ndarray) -> np.ndarray:
        """As `CandidateModel.ids`, each candidate at its age: int32 (rows, num_slots)."""
        contexts, which = self.contexts(context, stated, positions)
        return model.ids(contexts[which], positions)


def _field(encoder: Encoder, age: Age, items: ItemTable) -> _Field | None:
    place = encoder.layout.names.index(age.field)
    field, slots = encoder.fields[place], age_slots(encoder, age.field)
    if not isinstance(field, NumericEncoder | PiecewiseEncoder):
        return None
    own = np.searchsorted(encoder.slots_of("context"), np.arange(slots.start, slots.stop))
    moments = _moments((items.values or {}).get(age.item.name), age, len(items.names))
    return _Field(age, field, int(encoder.layout.first_rows[place]), own, moments)


def _moments(values: FieldValues | None, age: Age, count: int) -> np.ndarray:
    """Moment of each item, once per text: int64 (items,), microseconds."""
    if values is None:
        return np.full(count, UNKNOWN_MOMENT)
    of_text = [_moment(text, age.item.zone, age.item.missing) for text in values.texts]
    moments = np.full(count, UNKNOWN_MOMENT)
    known = np.flatnonzero(np.diff(values.offsets) > 0)
    moments[known] = np.array([*of_text, UNKNOWN_MOMENT], np.int64)[values.codes[values.offsets[:-1][known]]]
    return moments


def _moment(cell: Any, zone: str, missing: tuple[str, ...]) -> int:
    text = cell_text(cell)
    moment = None if text is None or text in missing else local_time(text, zone)
    return UNKNOWN_MOMENT if moment is None else microseconds(moment)


def _ids(field: _Field, at: Any, positions: np.ndarray) -> np.ndarray:
    """Ids of the ages of candidates at a moment: int32 (rows, slots)."""
    now, moments = _moment(at, field.age.request.zone, field.age.request.missing), field.moments[positions]
    ids = np.full((len(positions), len(field.slots)), PADDING, np.int32)
    known = (moments != UNKNOWN_MOMENT) & (now != UNKNOWN_MOMENT)
    ids[~known, 0] = field.first + MISSING
    days, which = np.unique((now - moments[known]) / 1e6 / DAY_S, return_inverse=True)
    found = field.encoder.ids(np.array([round(one, DAY_DIGITS) for one in days.tolist()], np.float64))
    ids[known] = np.where(found == PADDING, PADDING, found + field.first)[which.reshape(-1)]
    return ids
