"""Encoded rows to groups and logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.bundle.values import Bundle
from ihas.routing import Route
from ihas.serving.paths import PathModel


@dataclass(frozen=True)
class RoutedLogits:
    """What rows scored, and the way they went.

    Attributes:
        route: embedding, gates, distances and group of each row.
        path: int64 (rows,). Position of the path that scored the row.
        logits: float32 (rows,).
    """

    route: Route
    path: np.ndarray
    logits: np.ndarray

    def take(self, rows: np.ndarray) -> RoutedLogits:
        """The given rows, in that order: int (n,)."""
        route = Route(self.route.embedded[rows], self.route.gates[rows], self.route.distances[rows], self.route.group[rows])
        return RoutedLogits(route, self.path[rows], self.logits[rows])


class GroupedModel:
    """The router and the paths of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """
        Args:
            bundle: verified bundle.

        Raises:
            BundleCorruptError: a path's graph cannot be loaded.
        """
        self.layout = bundle.encoder.layout
        self.router = bundle.router
        self.paths = tuple(PathModel(path, self.layout) for path in bundle.paths)
        self._path_of_group = np.array(bundle.path_of_group, np.int64)

    def score(self, ids: np.ndarray) -> RoutedLogits:
        """Route all rows, then score each path's rows together: ids int32 (rows, num_slots)."""
        route = self.router.route(ids)
        path = np.asarray(self._path_of_group[route.group])
        return RoutedLogits(route, path, self.path_logits(ids, route.gates, path))

    def path_logits(self, ids: np.ndarray, gates: np.ndarray, path: np.ndarray) -> np.ndarray:
        """Logits of rows on given paths: float32 (rows,).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates.
            path: int64 (rows,). Position of each row's path.
        """
        used = np.flatnonzero(np.bincount(path, minlength=len(self.paths)))
        if len(used) == 1:
            return self.paths[int(used[0])].logits(ids, gates)
        logits = np.empty(len(ids), np.float32)
        for position in used.tolist():
            rows = np.flatnonzero(path == position)
            logits[rows] = self.paths[position].logits(ids[rows], gates[rows])
        return logits
