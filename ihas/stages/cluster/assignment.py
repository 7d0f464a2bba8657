"""K-means on what instances look like to the gates, the sums that say the same groups, and the group of every row.

A pass over the rows embeds each block once and serves every division that is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import scattered, spans
from ihas.errors import ConfigError
from ihas.models.network import NetworkWeights
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import Gates, PointsOf, embed, nearest, points
from ihas.seeding import generator
from ihas.stages.cluster.additive_fit import fit_additive, rows_fitted
from ihas.stages.cluster.by_value import deciding_field, group_values

RESTARTS = {"openness": 32}  # its points have a number a field, so that more starts cost little
FEW_RESTARTS = 4
BLOCK_ROWS = 65_536


@dataclass(frozen=True)
class Clustering:
    """What the stage works on: encoded rows, the search's weights and gates, the settings."""

    parts: Splits
    weights: NetworkWeights
    gates: Gates
    config: LearningConfig

    @property
    def dim(self) -> int:
        """Dimensions of a field's embedding."""
        return self.config.training.embedding_dim

    @property
    def table(self) -> np.ndarray:
        """Embedding columns of the table: float32 (num_rows, dim)."""
        return self.weights.table[:, : self.dim]


@dataclass(frozen=True)
class Division:
    """What says the group of a row.

    Attributes:
        on: what the centroids are centroids of.
        centroids: float32 (num_groups, N).
        sums: says the group: fitted to the nearest centroid, or formed of values; None where the nearest centroid does.
        agreement: share of validation rows of which the sums and the nearest centroid say the same; None where no sums were fitted.
    """

    on: PointsOf
    centroids: np.ndarray
    sums: AdditiveRouter | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class Assignment:
    """What one division makes of one part.

    Attributes:
        group: int32 (rows,). Nearest centroid, or what the sums say.
        open_counts: float64 (num_groups, N). In how many of the group's rows each gate is open.
    """

    group: np.ndarray
    open_counts: np.ndarray


def check_numbers(config: LearningConfig, num_rows: int) -> None:
    """That there are rows enough for the numbers of groups that are stated.

    Raises:
        ConfigError: K-means would see fewer training rows than groups.
    """
    most, seen = max(config.cluster.num_groups or (1,)), rows_seen(config, num_rows)
    if most > seen:
        raise ConfigError(
            f"`num_groups <= training rows that K-means sees` must hold, but got ({most}, {seen}). "
            "Lower `cluster.num_groups`, or raise `cluster.max_rows` if there are more rows."
        )


def rows_seen(config: LearningConfig, num_rows: int) -> int:
    """How many of so many training rows K-means is fitted on."""
    return min(config.cluster.max_rows, num_rows)


def divide(clustering: Clustering, num_groups: int, on: PointsOf) -> Division:
    """K-means on at most `max_rows` training rows, the same rows for every division of a run."""
    _, embedded = _sample(clustering)
    draws = generator(clustering.config.seed, "cluster", on, str(num_groups))
    kmeans = KMeans(num_groups, n_init=RESTARTS.get(on, FEW_RESTARTS), random_state=int(draws.integers(2**31)))
    copies = clustering.dim if on == "openness" else 1  # of each column, which change no distance but for a factor
    with threadpool_limits(1), warnings.catch_warnings():  # one thread sums in one order: the same groups to the bit on every run
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different points than groups: seen by the smallest share
        kmeans.fit(points(embedded, clustering.gates.logits(embedded), on, clustering.dim)[:, ::copies])
    return Division(on, np.repeat(kmeans.cluster_centers_.astype(np.float32), copies, axis=1))


def divide_values(clustering: Clustering, numbers: Iterable[int]) -> dict[int, Division]:
    """K-means on the values of the field that tells most of the gates, for each number of groups of which it has enough values."""
    ids, embedded = _sample(clustering)
    layout, divisions = clustering.parts.train.layout, {}
    values = deciding_field(ids, clustering.gates.open(embedded), layout)
    for number in numbers:
        if number > 1 and values and (formed := group_values(values, number, layout, clustering.config.seed)):
            divisions[number] = Division("values", *formed, agreement=1.0)
    return divisions


def _sample(clustering: Clustering) -> tuple[np.ndarray, np.ndarray]:
    """The training rows that groups are formed of: ids, int32 (rows, num_slots), and embeddings, float32 (rows, N)."""
    train = clustering.parts.train
    size = rows_seen(clustering.config, len(train))
    chosen = np.sort(generator(clustering.config.seed, "cluster").choice(len(train), size=size, replace=False))
    ids = scattered(train.ids, chosen)
    return ids, embed(ids, clustering.table, train.layout)


def assign(rows: Dataset, clustering: Clustering, divisions: list[Division]) -> list[Assignment]:
    """Group of every row under each division."""
    assignments = [Assignment(np.empty(len(rows), np.int32), np.zeros_like(division.centroids, np.float64)) for division in divisions]
    for block, embedded, logits in gated_blocks(rows, clustering):
        for division, assignment in zip(divisions, assignments, strict=True):
            if division.sums is None:
                group = nearest(points(embedded, logits, division.on, clustering.dim), division.centroids)[1]
            else:
                group = division.sums.route(rows.ids[block]).group
            assignment.group[block] = group
            assignment.open_counts[:] += count_open(logits > 0.0, group, len(division.centroids))
    return assignments


def with_sums(clustering: Clustering, division: Division, train: np.ndarray, valid: np.ndarray) -> Division:
    """The division by an additive router that was fitted to it; itself where one of its groups has no row that is fitted on.

    Args:
        clustering: rows and settings.
        division: by centroids.
        train: int32 (training rows,). Nearest centroid.
        valid: int32 (validation rows,). The same.
    """
    rows, layout = clustering.parts.train, clustering.parts.train.layout
    chosen = generator(clustering.config.seed, "router").choice(len(rows), size=rows_fitted(len(rows), layout), replace=False)
    chosen.sort()
    sums = fit_additive(scattered(rows.ids, chosen), train[chosen], len(division.centroids), layout)
    if sums is None:
        return division
    others = np.concatenate([sums.route(clustering.parts.valid.ids[block]).group for block in spans(len(valid), BLOCK_ROWS)])
    return replace(division, sums=sums, agreement=float((others == valid).mean()))


def gated_blocks(rows: Dataset, clustering: Clustering) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Blocks of rows with their embedding and gate logits, float32 (block, N) each."""
    for block in spans(len(rows), BLOCK_ROWS):
        embedded = embed(rows.ids[block], clustering.table, rows.layout)
        yield block, embedded, clustering.gates.logits(embedded)


def count_open(gates: np.ndarray, group: np.ndarray, num_groups: int) -> np.ndarray:
    """Rows of each group in which each gate is open: bool (rows, N), int32 (rows,) -> float64 (num_groups, N)."""
    member = (group == np.arange(num_groups)[:, None]).astype(np.float32)  # (num_groups, rows)
    return np.asarray((member @ gates.astype(np.float32)).astype(np.float64))
