"""Stage 2: group instances by their deterministic gates, and give each group one mask.

groups      K-means on e * z of the training rows (Yu et al., CIKM 2023, figure 1)
K           the smallest whose validation log-loss is within one standard error of the best (our choice);
            K-means on z alone competes with it, because values of e can hide which gates are open (our choice)
mask        mean gate of the group >= threshold; the threshold is searched on the group's validation rows
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from ihas.cluster.points import assign, points_of, sum_masks
from ihas.cluster.thresholds import Scorer, search_thresholds
from ihas.config import ClusterConfig, LearningConfig
from ihas.data.dataset import Parts
from ihas.errors import ConfigError
from ihas.grouping import Grouping, PartGroups
from ihas.models.network import NetworkWeights
from ihas.results import GroupCountResult
from ihas.routing import Gates, PointsOf
from ihas.seeding import generator

RESTARTS = 4


@dataclass(frozen=True)
class Clustering:
    """What the stage works on: encoded rows, the search's weights and gates, the settings."""

    parts: Parts
    weights: NetworkWeights
    gates: Gates
    config: LearningConfig

    @property
    def table(self) -> np.ndarray:
        """Embedding columns of the table: float32 (num_rows, dim)."""
        return self.weights.table[:, : self.config.training.embedding_dim]


def cluster_instances(clustering: Clustering) -> Grouping:
    """Try every configured number of groups and keep the one that validation prefers.

    Raises:
        ConfigError: there are fewer training rows than groups, or every number of groups leaves one too small.
    """
    config, scorer = clustering.config.cluster, Scorer(clustering.parts, clustering.weights, clustering.config)
    groupings, losses, tried = [], [], []
    for num_groups in sorted(set(config.num_groups)):
        for on in config.on:
            grouping = form_groups(clustering, num_groups, on, scorer)
            losses.append(scorer.row_losses(grouping.masks, grouping.groups.valid))
            groupings.append(grouping)
            smallest = np.bincount(grouping.groups.train, minlength=num_groups).min() / len(grouping.groups.train)
            tried.append(GroupCountResult(num_groups=num_groups, on=on, log_loss=float(losses[-1].mean()), smallest_share=float(smallest)))
    chosen = choose_number(losses, tried, config)
    return replace(groupings[chosen], tried=tuple(tried))


def form_groups(clustering: Clustering, num_groups: int, on: PointsOf, scorer: Scorer) -> Grouping:
    """Groups by K-means on the given points, and their masks.

    Raises:
        ConfigError: there are fewer training rows than groups.
    """
    groups, centroids = find_groups(clustering, num_groups, on)
    return give_masks(clustering, groups, centroids, on, scorer)


def find_groups(clustering: Clustering, num_groups: int, on: PointsOf) -> tuple[PartGroups, np.ndarray]:
    """K-means on training rows; the group of every row of every part, and the centroids float32 (num_groups, N)."""
    parts, table, gates = clustering.parts, clustering.table, clustering.gates
    if num_groups > len(parts.train):
        raise ConfigError(
            f"`num_groups <= training rows` must hold, but got ({num_groups}, {len(parts.train)}). Lower `cluster.num_groups`."
        )
    rng = generator(clustering.config.seed, "cluster", on, str(num_groups))
    size = min(clustering.config.cluster.max_rows, len(parts.train))
    chosen = np.sort(rng.choice(len(parts.train), size=size, replace=False))
    kmeans = KMeans(num_groups, n_init=RESTARTS, random_state=int(rng.integers(2**31)))
    with threadpool_limits(1):  # sums in one order: the same groups to the bit on every run
        kmeans.fit(points_of(parts.train.ids[chosen], parts.train, table, gates, on))
    centroids = kmeans.cluster_centers_.astype(np.float32)
    train, valid, test = (assign(rows, table, gates, on, centroids) for rows in (parts.train, parts.valid, parts.test))
    return PartGroups(train, valid, test), centroids


def give_masks(clustering: Clustering, groups: PartGroups, centroids: np.ndarray, on: PointsOf, scorer: Scorer) -> Grouping:
    """Average each group's gates and search its threshold: centroids float32 (num_groups, N)."""
    num_groups, layout = len(centroids), clustering.parts.train.layout
    sums = sum_masks(clustering.parts.train, clustering.table, clustering.gates, groups.train, num_groups)
    counts = np.bincount(groups.train, minlength=num_groups)[:, None]
    mean_gates = (sums / np.maximum(counts, 1)).astype(np.float32)
    thresholds, masks = search_thresholds(mean_gates, groups.valid, scorer, clustering.config.cluster.thresholds)
    shape = (num_groups, layout.num_fields, -1)
    return Grouping(on, centroids, groups, mean_gates.reshape(shape), thresholds, masks.reshape(shape), ())


def random_groups(clustering: Clustering, num_groups: int, scorer: Scorer) -> Grouping:
    """Control: groups of equal size drawn at random, with masks found in the same way."""
    rng, parts = generator(clustering.config.seed, "random groups"), clustering.parts
    drawn = [rng.permutation(np.arange(len(rows), dtype=np.int32) % num_groups) for rows in (parts.train, parts.valid, parts.test)]
    centroids = np.zeros((num_groups, clustering.gates.mean.size), np.float32)
    return give_masks(clustering, PartGroups(*drawn), centroids, "masked", scorer)


def choose_number(losses: list[np.ndarray], tried: list[GroupCountResult], config: ClusterConfig) -> int:
    """Position of the number of groups to keep, given validation losses of each, float64 (rows,).

    Raises:
        ConfigError: every number of groups leaves a group below the smallest share.
    """
    allowed = [i for i, result in enumerate(tried) if result.smallest_share >= config.min_group_fraction]
    if not allowed:
        shares = [(result.num_groups, result.on, round(result.smallest_share, 4)) for result in tried]
        raise ConfigError(
            f"Each group must hold at least {config.min_group_fraction:g} of the training rows, but the smallest shares are {shares}. "
            "Lower `cluster.min_group_fraction`, or try fewer groups with `cluster.num_groups`."
        )
    best = min(allowed, key=lambda i: float(losses[i].mean()))
    for i in allowed:
        worse = losses[i] - losses[best]
        if worse.mean() <= worse.std() / np.sqrt(len(worse)):
            return i
    return best
