"""One field's values and their ids, counted from the field's own first table row.

Id 0 is an unknown or rare value, id 1 a missing cell; the field's values follow from 2 on.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ihas.config.base import Config
from ihas.config.columns import Buckets
from ihas.data.cells import Cell, Scalar, cell_number, cell_text
from ihas.data.layout import PADDING
from ihas.data.schema import FieldRole, Kept
from ihas.data.words import bucket_of, words_of
from ihas.errors import RequestError

UNKNOWN = 0
MISSING = 1
FIRST_VALUE = 2
Spellings = tuple[str, ...]
NO_SPELLINGS: Spellings = Field(default=(), exclude_if=lambda missing: not missing)


class _Vocabulary(Config):
    name: str
    """Field name."""
    role: FieldRole
    """Whether the request states the value or the item table does."""
    values: tuple[str, ...]
    """Canonical texts in the order of their ids: commonest first, equally common ones by text."""

    @property
    def vocabulary_size(self) -> int:
        """Table rows of the field."""
        return FIRST_VALUE + len(self.values)

    @cached_property
    def local_ids(self) -> Mapping[str, int]:
        """Id of each value."""
        return {value: number for number, value in enumerate(self.values, start=FIRST_VALUE)}

    def text(self, local_id: int) -> str:
        """Value of an id, for a person."""
        return _special(local_id) or self.values[local_id - FIRST_VALUE]


class CategoricalEncoder(_Vocabulary):
    """A field with one value per cell."""

    kind: Literal["categorical"] = "categorical"
    """Tag of this encoder in JSON."""

    missing: Spellings = NO_SPELLINGS
    """Texts that say that a cell is missing."""

    @property
    def slots(self) -> int:
        """Columns of the id matrix."""
        return 1

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell; RequestError at `pointer` for a list or a number that is not finite."""
        text = cell_text(_scalar(cell, pointer, f"`{self.name}` must be one value"))
        return (MISSING if text is None or text in self.missing else self.local_ids.get(text, UNKNOWN),)


class MultivaluedEncoder(_Vocabulary):
    """A field with several values per cell, of which `slots` are kept."""

    kind: Literal["multivalued"] = "multivalued"
    """Tag of this encoder in JSON."""
    slots: Annotated[int, Field(ge=1)]
    """Columns of the id matrix."""
    separator: str | None
    """Text between two values of a text cell; None where cells are lists."""
    keep: Kept = Field(default="first", exclude_if=lambda keep: keep == "first")
    """Which values stay of a cell that has more than `slots`."""

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell, empty values dropped; RequestError at `pointer` for nested lists or numbers that are not finite."""
        if isinstance(cell, str) and self.separator is not None:
            return self._kept([part for part in cell.split(self.separator) if part.strip()])
        parts = tuple(cell) if isinstance(cell, list | tuple) else (cell,)
        law = f"each value of `{self.name}` must be one value"
        for number, part in enumerate(parts):
            if not isinstance(part, str):
                _scalar(part, f"{pointer}/{number}", law)
        return self._kept(parts)

    def _kept(self, parts: Sequence[Scalar | None]) -> tuple[int, ...]:
        """Ids of the values that stay; the others are not looked at, since a cell may hold millions."""
        texts = map(cell_text, parts if self.keep == "first" else reversed(parts))
        ids = tuple(islice((self.local_ids.get(text, UNKNOWN) for text in texts if text is not None), self.slots))
        return (ids if self.keep == "first" else ids[::-1]) or (MISSING,)


class HashedEncoder(_Vocabulary):
    """A field with one value per cell, of which the bucket counts that it falls into; `values` are the numbers of known buckets."""

    kind: Literal["hashed"] = "hashed"
    """Tag of this encoder in JSON."""
    buckets: Buckets
    """Number of buckets."""
    missing: Spellings = NO_SPELLINGS
    """Texts that say that a cell is missing."""

    @property
    def slots(self) -> int:
        """Columns of the id matrix."""
        return 1

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell; RequestError as `CategoricalEncoder.encode`."""
        text = cell_text(_scalar(cell, pointer, f"`{self.name}` must be one value"))
        missing = text is None or text in self.missing
        return (MISSING if missing else self.local_ids.get(bucket_of(text or "", self.buckets), UNKNOWN),)

    def text(self, local_id: int) -> str:
        """Bucket of an id, for a person."""
        return _special(local_id) or f"bucket {self.values[local_id - FIRST_VALUE]}"


class TextEncoder(_Vocabulary):
    """A field of text, whose values are the buckets of its words; `values` are the numbers of known buckets."""

    kind: Literal["text"] = "text"
    """Tag of this encoder in JSON."""
    slots: Annotated[int, Field(ge=1)]
    """Columns of the id matrix, and words that are read of a text."""
    buckets: Buckets
    """Number of buckets."""
    words: tuple[str, ...]
    """What each bucket is called by, for a person."""
    missing: Spellings = NO_SPELLINGS
    """Texts that say that a cell is missing."""

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell's words, the first ones; a text without any is missing. RequestError at `pointer` for what is no single value."""
        text = cell_text(_scalar(cell, pointer, f"`{self.name}` must be a text"))
        found = () if text is None or text in self.missing else words_of(text)[: self.slots]
        return tuple(self.local_ids.get(bucket_of(word, self.buckets), UNKNOWN) for word in found) or (MISSING,)

    def text(self, local_id: int) -> str:
        """Words of an id, for a person."""
        return _special(local_id) or self.words[local_id - FIRST_VALUE]


class NumericEncoder(Config):
    """A field of numbers in buckets: bucket b holds edges[b - 1] <= x < edges[b], the first and the last are open-ended."""

    kind: Literal["numeric"] = "numeric"
    """Tag of this encoder in JSON."""
    name: str
    """Field name."""
    role: FieldRole
    """Whether the request states the value or the item table does."""
    edges: tuple[float, ...]
    """Ascending bucket edges; empty where one bucket holds every number."""
    missing: Spellings = NO_SPELLINGS
    """Texts that say that a cell is missing."""

    @property
    def slots(self) -> int:
        """Columns of the id matrix."""
        return 1

    @property
    def vocabulary_size(self) -> int:
        """Table rows of the field."""
        return FIRST_VALUE + len(self.edges) + 1

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell; RequestError at `pointer` for anything but a finite number, a text that spells one, or null."""
        number = _number(self.name, cell, self.missing, pointer)
        if number is None:
            return (MISSING,)
        return (FIRST_VALUE + bisect_right(self.edges, number),)

    def ids(self, numbers: np.ndarray) -> np.ndarray:
        """Ids of numbers: float64 (n,) -> int32 (n, 1)."""
        return np.searchsorted(np.array(self.edges), numbers, side="right").astype(np.int32)[:, None] + np.int32(FIRST_VALUE)

    def text(self, local_id: int) -> str:
        """Bucket of an id, for a person: its numbers from the edge on the left up to, without, the edge on the right."""
        bounds = ("-inf", *(f"{edge:.6g}" for edge in self.edges), "inf")
        bucket = local_id - FIRST_VALUE
        return _special(local_id) or f"{'[' if bucket else '('}{bounds[bucket]}, {bounds[bucket + 1]})"


PARTS_OF_WAY = 4
"""Steps of the way from one knot to the next, and slots of a piecewise field (our choice)."""
MIXES = ((0, PADDING, PADDING, PADDING), (0, 0, 0, 1), (0, 1, PADDING, PADDING), (0, 1, 1, 1), (1, PADDING, PADDING, PADDING))
"""Ids for each number of steps, counted from the lower knot's: their mean is the mix."""


def _mixed(lower: int, steps: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(PADDING if step == PADDING else lower + step for step in steps)


def _gap(low: float, high: float) -> tuple[float, float, float]:
    """Scale under which the distance of two knots is finite, and the lower one and the distance under it."""
    scale = 1.0 if math.isfinite(high - low) else 0.5
    return scale, low * scale, high * scale - low * scale


class PiecewiseEncoder(Config):
    """A field of numbers between knots: a number's embedding lies between those of the two knots beside it, in quarters of the way.

    A cell is as many ids of either knot as make their mean that mix, so that it is a multi-valued cell to everything behind it: 1/4 of the
    way is three of the lower knot and one of the upper. A number beyond the outermost knots is that knot.
    Source: our choice, after the piecewise linear encoding of Gorishniy et al. 2022.
    """

    kind: Literal["piecewise"] = "piecewise"
    """Tag of this encoder in JSON."""
    name: str
    """Field name."""
    role: FieldRole
    """Whether the request states the value or the item table does."""
    knots: tuple[float, ...]
    """Ascending numbers, each with an embedding; at least one."""
    missing: Spellings = NO_SPELLINGS
    """Texts that say that a cell is missing."""

    @property
    def slots(self) -> int:
        """Columns of the id matrix."""
        return PARTS_OF_WAY if len(self.knots) > 1 else 1

    @property
    def vocabulary_size(self) -> int:
        """Table rows of the field."""
        return FIRST_VALUE + len(self.knots)

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell; errors as `NumericEncoder.encode`."""
        number = _number(self.name, cell, self.missing, pointer)
        return (MISSING,) if number is None else tuple(local for local in self.mix(number) if local != PADDING)

    def mix(self, number: float) -> tuple[int, ...]:
        """Ids of a finite number, padded to `slots`."""
        return self._mix(number)

    @cached_property
    def _mix(self) -> Callable[[float], tuple[int, ...]]:
        return self.mixer(0)

    def mixer(self, first: int) -> Callable[[float], tuple[int, ...]]:
        """What gives the ids of finite numbers, padded to `slots`, where the field's first table row is `first`; for many of them."""
        knots, last = self.knots, len(self.knots) - 2
        if last < 0:
            return lambda _: (first + FIRST_VALUE,)
        mixes = [[_mixed(first + FIRST_VALUE + lower, steps) for steps in MIXES] for lower in range(last + 1)]
        gaps = list(map(_gap, knots, knots[1:]))

        def mix(number: float) -> tuple[int, ...]:
            lower = bisect_right(knots, number) - 1
            if lower < 0:
                return mixes[0][0]
            if lower > last:
                return mixes[last][PARTS_OF_WAY]
            scale, low, width = gaps[lower]
            return mixes[lower][int(PARTS_OF_WAY * ((number * scale - low) / width) + 0.5)]

        return mix

    def ids(self, numbers: np.ndarray) -> np.ndarray:
        """Ids of finite numbers, as `mix` has them: float64 (n,) -> int32 (n, slots)."""
        knots = np.array(self.knots)
        if len(knots) == 1:
            return np.full((len(numbers), 1), FIRST_VALUE, np.int32)
        lower = np.clip(np.searchsorted(knots, numbers, side="right") - 1, 0, len(knots) - 2)
        low, high = knots[lower], knots[lower + 1]
        with np.errstate(over="ignore"):
            scale = np.where(np.isfinite(high - low), 1.0, 0.5)
        way = (np.clip(numbers, low, high) * scale - low * scale) / (high * scale - low * scale)
        parts = np.floor(PARTS_OF_WAY * way + 0.5).astype(np.int32)
        steps = np.array(MIXES, np.int32)[parts]
        return np.where(steps == PADDING, PADDING, steps + (FIRST_VALUE + lower)[:, None]).astype(np.int32)

    def text(self, local_id: int) -> str:
        """Knot of an id, for a person."""
        return _special(local_id) or f"near {self.knots[local_id - FIRST_VALUE]:.6g}"


LEVELS, STEPS = 64, 8.0
"""Levels of each number of a vector, and how many of them are a standard deviation (our choice)."""


class VectorEncoder(Config):
    """A field of vectors: number j of one is a level q of `LEVELS`, and this pair an id, whose row is level q's value times W_j.

    So a cell is a multi-valued one, whose mean is the vector, standardised, times the learnt matrix W (`ihas.optim.tied_table`).
    Source: our choice.
    """

    kind: Literal["vector"] = "vector"
    """Tag of this encoder in JSON."""
    name: str
    """Field name."""
    role: FieldRole
    """Whether the request states the value or the item table does."""
    means: Annotated[tuple[float, ...], Field(min_length=1)]
    """Mean of each number among the training rows."""
    scales: tuple[Annotated[float, Field(gt=0.0)], ...]
    """Standard deviation of each number among the training rows; 1 where it is 0."""

    @property
    def slots(self) -> int:
        """Columns of the id matrix: the numbers of a vector."""
        return len(self.means)

    @property
    def vocabulary_size(self) -> int:
        """Table rows of the field."""
        return FIRST_VALUE + LEVELS * self.slots

    def encode(self, cell: Cell, pointer: str) -> tuple[int, ...]:
        """Ids of a cell; RequestError at `pointer` for anything but a list of as many finite numbers, an empty one, or null."""
        if cell is None or (isinstance(cell, list | tuple) and not cell):
            return (MISSING,)
        law = f"`{self.name}` must be a list of {self.slots} numbers"
        if not isinstance(cell, list | tuple) or len(cell) != self.slots:
            given = f"{len(cell)} of them" if isinstance(cell, list | tuple) else repr(cell)[:80]
            raise RequestError(f"{law}, but got {given}. Send vectors of the model that made those of the table.", pointer)
        found = [_number(self.name, part, (), f"{pointer}/{place}") for place, part in enumerate(cell)]
        if None in found:
            raise RequestError(f"{law}, but one is missing. Leave the whole vector out.", f"{pointer}/{found.index(None)}")
        return tuple(self.ids(np.array([found], np.float64))[0].tolist())

    def ids(self, vectors: np.ndarray) -> np.ndarray:
        """Ids of finite vectors: float64 (n, slots) -> int32 (n, slots)."""
        with np.errstate(over="ignore"):
            ways = np.floor((vectors - np.array(self.means)) / np.array(self.scales) * STEPS) + LEVELS // 2
        levels = np.clip(ways, 0, LEVELS - 1).astype(np.int32)
        return np.asarray(levels + (FIRST_VALUE + LEVELS * np.arange(self.slots, dtype=np.int32)))

    def text(self, local_id: int) -> str:
        """Number of an id, for a person."""
        place, level = divmod(local_id - FIRST_VALUE, LEVELS)
        return _special(local_id) or f"[{place}] near {self.means[place] + self.scales[place] * (level + 0.5 - LEVELS // 2) / STEPS:.3g}"


def level_values(dim: int) -> np.ndarray:
    """What each level of a vector of `dim` numbers multiplies its row of W by, so that the mean over a cell has the scale of an embedding:
    float32 (LEVELS,), sqrt(dim) times standard deviations."""
    return np.asarray(np.sqrt(dim) * (np.arange(LEVELS) + 0.5 - LEVELS // 2) / STEPS, np.float32)


FieldEncoder = CategoricalEncoder | NumericEncoder | MultivaluedEncoder | PiecewiseEncoder | HashedEncoder | TextEncoder | VectorEncoder


def _special(local_id: int) -> str:
    return {UNKNOWN: "(unknown)", MISSING: "(missing)"}.get(local_id, "")


def _number(name: str, cell: Cell, missing: Spellings, pointer: str) -> float | None:
    """Number of a cell, None where it is missing; RequestError for anything else."""
    law = f"`{name}` must be a number"
    text = cell_text(_scalar(cell, pointer, law))
    if text is None or text in missing:
        return None
    number = cell_number(text)
    if number is None:
        raise RequestError(f"{law}, but got {repr(cell)[:80]}. Send a finite decimal number, or leave it out where it is missing.", pointer)
    return number


def _scalar(cell: Cell, pointer: str, law: str) -> Scalar | None:
    if cell is not None and not isinstance(cell, str | bool | int | float):
        raise RequestError(f"{law}, but got {repr(cell)[:80]}. Send a text, a number, true, false or null.", pointer)
    if isinstance(cell, float) and not math.isfinite(cell):
        raise RequestError(f"{law}, but got {repr(cell)[:80]}. Send a finite number, or leave it out where it is missing.", pointer)
    return cell
