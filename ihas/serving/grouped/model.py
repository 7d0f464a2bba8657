"""Encoded rows to groups and logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from ihas.bundle.values import Bundle
from ihas.serving.grouped.group_model import ServedGroupModel

BLOCK_ROWS = 512
"""Rows scored at a time, so that memory does not grow with the request."""

FLOAT_BYTES = 4
NO_GATES = np.zeros((0, 0), bool)
"""Gates of rows that no model reads the gates of."""


@dataclass(frozen=True)
class RoutedLogits:
    """What rows scored, and the way they went.

    Attributes:
        gates: bool (rows, N). Open gates; N is 0 where the router has none.
        distances: float32 (rows, num_groups). Euclidean distance to each centroid; of width 0 where sums say the group.
        scores: int32 (rows, num_groups). Sums that say the group, in grid units; of width 0 where the nearest centroid does.
        group: int32 (rows,). The group.
        model: int64 (rows,). Position of the model that scored the row.
        logits: float32 (rows,).
    """

    gates: np.ndarray
    distances: np.ndarray
    scores: np.ndarray
    group: np.ndarray
    model: np.ndarray
    logits: np.ndarray

    def take(self, rows: np.ndarray) -> RoutedLogits:
        """The given rows, in that order: int (n,)."""
        return RoutedLogits(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def join(cls, blocks: Sequence[RoutedLogits]) -> RoutedLogits:
        """Blocks of rows, end to end."""
        if len(blocks) == 1:
            return blocks[0]
        return cls(*(np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(cls)))


class GroupedModel:
    """The router and the group models of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """
        Args:
            bundle: verified bundle.

        Raises:
            BundleCorruptError: a model's graph cannot be loaded.
        """
        self.layout = bundle.encoder.layout
        self.router, self.dim = bundle.router, bundle.dim
        self.models = tuple(ServedGroupModel(exported, self.layout) for exported in bundle.models)
        self._model_of_group = np.array(bundle.model_of_group, np.int64)
        self.tasks = tuple(task.model for task in bundle.tasks)
        self._alone = bundle.router.num_groups == 1 and len(bundle.models) == 1 + len(self.tasks) and not bundle.models[0].gated

    @cached_property
    def multiply_adds(self) -> int:
        """About how many multiply-adds a candidate takes: the numbers in the largest graph that it runs through, once a label."""
        used = [self.models[number].exported for number in set(self._model_of_group.tolist())]
        largest = max(len(one.graph if one.two_sided is None else one.two_sided.graph) for one in used)
        return (1 + len(self.tasks)) * largest // FLOAT_BYTES

    def model_of(self, group: np.ndarray) -> np.ndarray:
        """Position of the model that serves each group: int32 (rows,) -> int64 (rows,)."""
        return np.asarray(self._model_of_group[group])

    def logits(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group and logit of rows, without what only explanations read: int32 (rows, num_slots) -> int32 (rows,), float32 (rows,)."""
        if not self._alone:
            scored = self.score(ids)
            return scored.group, scored.logits
        starts = range(0, max(len(ids), 1), BLOCK_ROWS)
        logits = [self.models[0].logits(ids[start : start + BLOCK_ROWS], NO_GATES) for start in starts]
        return np.zeros(len(ids), np.int32), logits[0] if len(logits) == 1 else np.concatenate(logits)

    def task_logits(self, ids: np.ndarray) -> list[np.ndarray]:
        """Logits of rows for each further label: int32 (rows, num_slots) -> float32 (rows,) each; nothing where there is one label."""
        blocks = [ids[start : start + BLOCK_ROWS] for start in range(0, max(len(ids), 1), BLOCK_ROWS)] if self.tasks else []
        return [np.concatenate([self.models[task].logits(block, NO_GATES) for block in blocks]) for task in self.tasks]

    def score(self, ids: np.ndarray) -> RoutedLogits:
        """Route rows, then score each model's rows together: ids int32 (rows, num_slots)."""
        starts = range(0, max(len(ids), 1), BLOCK_ROWS)
        return RoutedLogits.join([self._score_block(ids[start : start + BLOCK_ROWS]) for start in starts])

    def _score_block(self, ids: np.ndarray) -> RoutedLogits:
        route = self.router.route(ids)
        model = self.model_of(route.group)
        return RoutedLogits(route.gates, route.distances, route.scores, route.group, model, self.model_logits(ids, route.gates, model))

    def model_logits(self, ids: np.ndarray, gates: np.ndarray, model: np.ndarray) -> np.ndarray:
        """Logits of rows by the given models: float32 (rows,).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates; N is 0 where the router has none.
            model: int64 (rows,). Position of each row's model.
        """
        used = np.flatnonzero(np.bincount(model, minlength=len(self.models)))
        if len(used) == 1:
            return self.models[int(used[0])].logits(ids, gates)
        logits = np.empty(len(ids), np.float32)
        for position in used.tolist():
            rows = np.flatnonzero(model == position)
            logits[rows] = self.models[position].logits(ids[rows], gates[rows])
        return logits
