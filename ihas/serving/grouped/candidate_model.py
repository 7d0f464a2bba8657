"""Candidates of one context, scored from what is known of the context and of each item.

    sums(context, item) = sums(context) + sums(item),   logit = rest(sums)

A group model that is not two-sided scores whole rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from ihas.bundle.values import Bundle, ExportedModel
from ihas.data.item_table import ItemTable
from ihas.serving.grouped.candidate_routing import ContextRoute, candidate_routing
from ihas.serving.grouped.item_arrays import MAX_BYTES, ItemArrays, Maker
from ihas.serving.grouped.item_overlay import ItemOverlay, ItemRows
from ihas.serving.grouped.model import NO_GATES, GroupedModel
from ihas.serving.grouped.sums import FieldSums

BLOCK_ROWS = 2_048
"""Fewer cost a step of Python for too few rows, and that step keeps others from the interpreter; more do not fit the cache."""
WORK_OF_A_BYTE = 8
"""How many multiply-adds of a graph take as long as to fetch and to add one byte of what is known of an item."""


@dataclass(frozen=True)
class CandidateLogits:
    """What candidates scored.

    Attributes:
        group: int32 (rows,). The group.
        logits: float32 (rows,).
        tasks: float32 (rows,) each. Logits of further labels; empty where there is one label.
    """

    group: np.ndarray
    logits: np.ndarray
    tasks: tuple[np.ndarray, ...] = ()

    @classmethod
    def join(cls, blocks: Sequence[CandidateLogits]) -> CandidateLogits:
        """Blocks of rows, end to end."""
        if len(blocks) == 1:
            return blocks[0]
        tasks = tuple(np.concatenate(own) for own in zip(*(block.tasks for block in blocks), strict=True))
        return cls(np.concatenate([block.group for block in blocks]), np.concatenate([block.logits for block in blocks]), tasks)


class CandidateModel:
    """The router and the group models of a bundle with an item table, in two sides: context and items."""

    def __init__(self, model: GroupedModel, bundle: Bundle, items: ItemTable, max_bytes: int = MAX_BYTES) -> None:
        """
        Args:
            model: the same router and models, for whole rows.
            bundle: verified bundle.
            items: its item table.
            max_bytes: memory for what is known of the items beforehand.
        """
        self.model, self._items = model, items
        encoder = bundle.encoder
        self._slots = encoder.slots_of("context"), encoder.slots_of("item")
        roles = [field.role for field in encoder.fields]
        sides = [[number for number, own in enumerate(roles) if own == role] for role in ("context", "item")]
        gated = any(one.gated for one in bundle.models)
        self._routing = candidate_routing(bundle.router, *sides, gated=gated)
        used = {*bundle.model_of_group, *model.tasks}
        self._source = [_source(number, bundle.models) if number in model.tasks else number for number in range(len(bundle.models))]
        used &= set(self._source)
        self._sums = [
            None
            if one.two_sided is None or number not in used
            else tuple(FieldSums(one, one.two_sided, model.layout, side) for side in sides)
            for number, one in enumerate(bundle.models)
        ]
        self._bias = [None if one.two_sided is None else one.two_sided.bias for one in bundle.models]
        makers: dict[str, Maker] = {_name(number): sums[1] for number, sums in enumerate(self._sums) if sums is not None}
        self._base = ItemArrays(items, makers | dict(self._routing.makers), max_bytes)
        self.arrays: ItemRows = self._base

    def with_items(self, items: ItemTable, changed: np.ndarray, before: tuple[ItemOverlay, np.ndarray] | None = None) -> CandidateModel:
        """The same with other items, of which only changed ones are computed; see `ItemOverlay`."""
        found = copy(self)
        found._items, found.arrays = items, ItemOverlay(self._base, items.ids, changed, before)
        return found

    @property
    def work_of_item(self) -> int:
        """About how many multiply-adds of a graph an item takes as long as."""
        return self.model.multiply_adds + self._routing.multiply_adds + WORK_OF_A_BYTE * self.arrays.bytes_of_item

    def score(self, context: np.ndarray, positions: np.ndarray) -> CandidateLogits:
        """Group and logit of a context with items.

        Args:
            context: int32 (slots of the context fields,).
            positions: int64 (rows,). Rows of the item table, at least one.
        """
        request = _Request(self, context)
        blocks = [request.score(positions[start : start + BLOCK_ROWS]) for start in range(0, len(positions), BLOCK_ROWS)]
        return CandidateLogits.join(blocks)

    def ids(self, context: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Whole rows, the context beside each item: int32 (rows, num_slots)."""
        ids = np.empty((len(positions), self.model.layout.num_slots), np.int32)
        ids[:, self._slots[0]] = context
        ids[:, self._slots[1]] = self._items.ids[positions]
        return ids

    def route(self, context: np.ndarray) -> ContextRoute:
        """The context's side of the routing."""
        return self._routing.context(context[None])

    def source(self, number: int) -> int:
        """The model whose sums a model's are: its own, but for a further label that shares the first layer of another."""
        return self._source[number]

    def context_sums(self, number: int, context: np.ndarray) -> np.ndarray | None:
        """The context's side of a model's sums with the bias, float32 (width,); None where it is not two-sided."""
        sums, bias = self._sums[number], self._bias[number]
        return None if sums is None or bias is None else np.asarray(sums[0](context[None])[0] + bias)


class _Request:
    """One context; its side of a model's sums is computed for the model's first candidate."""

    def __init__(self, model: CandidateModel, context: np.ndarray) -> None:
        self._model, self._context = model, context
        self._route = model.route(context)
        self._sums: dict[int, np.ndarray | None] = {}

    def score(self, positions: np.ndarray) -> CandidateLogits:
        route = self._route.route(self._model.arrays, positions)
        gates = NO_GATES if route.gates is None else route.gates
        if len(self._model.model.models) == 1:
            return CandidateLogits(route.group, self._logits(0, positions, gates))
        if tasks := self._model.model.tasks:
            others = tuple(self._logits(task, positions, gates) for task in tasks)
            return CandidateLogits(route.group, self._logits(0, positions, gates), others)
        model_of_row = self._model.model.model_of(route.group)
        used = np.flatnonzero(np.bincount(model_of_row)).tolist()
        if len(used) == 1:
            return CandidateLogits(route.group, self._logits(used[0], positions, gates))
        logits = np.empty(len(positions), np.float32)
        for number in used:
            rows = np.flatnonzero(model_of_row == number)
            logits[rows] = self._logits(number, positions[rows], gates[rows] if route.gates is not None else gates)
        return CandidateLogits(route.group, logits)

    def _logits(self, number: int, positions: np.ndarray, gates: np.ndarray) -> np.ndarray:
        source, whole = self._model.source(number), self._model.model.models[number]
        if source not in self._sums:
            self._sums[source] = self._model.context_sums(source, self._context)
        context = self._sums[source]
        if context is None:
            return whole.logits(self._model.ids(self._context, positions), gates)
        sums = self._model.arrays.take(_name(source), positions)
        sums += context
        return whole.logits_of_sums(sums)


def _source(number: int, models: Sequence[ExportedModel]) -> int:
    """The first model that has the same sums: hidden layers that several labels share begin alike."""
    return next(place for place in range(number + 1) if place == number or _sum_alike(models[place], models[number]))


def _sum_alike(one: ExportedModel, other: ExportedModel) -> bool:
    if one.two_sided is None or other.two_sided is None or one.two_sided.squares != other.two_sided.squares:
        return False
    pairs = [(one.mask, other.mask), (one.held, other.held), (one.two_sided.kernel, other.two_sided.kernel)]
    pairs += [(one.two_sided.bias, other.two_sided.bias), (one.table, other.table)]
    without = one.first_order is None and other.first_order is None
    return without and all(mine is its or np.array_equal(mine, its) for mine, its in pairs)


def _name(number: int) -> str:
    return f"sums-{number}"
