"""Stage 2: group instances by their deterministic gates, and give each group one mask.

groups      K-means on e * z of the training rows (Yu et al., CIKM 2023, figure 1); an additive router is fitted to them and
            assigns every row from then on, before masks are formed (our choice). Where it agrees with K-means on less
            than 95 % of the validation rows, both are candidates
candidates  2, 3 and 4 groups unless numbers are stated, and one more, up to 16, while the most of them is chosen (our choice)
K           the smallest whose validation log-loss, after one epoch of training under its masks, the best does
            not beat by more than 1.96 standard errors; K-means on how open each field's gates are, and on the values
            of one field, compete with it, because values of e can hide which gates are open (our choice)
mask        mean gate of the group >= threshold; the threshold is searched on the group's validation rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ihas.config.cluster import ClusterConfig
from ihas.results.run_result import GroupCountResult
from ihas.routing.grouping import Grouping, PartGroups
from ihas.routing.router import PointsOf
from ihas.seeding import generator
from ihas.stages.cluster.assignment import (
    Assignment,
    Clustering,
    Division,
    assign,
    count_open,
    divide,
    divide_values,
    gated_blocks,
    rows_seen,
    with_sums,
)
from ihas.stages.cluster.thresholds import Scorer, adapted_row_losses, search_thresholds
from ihas.training.parallel import train_in_parallel
from ihas.training.trainer import EpochListener

CHANCE = 1.96  # standard errors that chance explains 19 times of 20
FIRST_NUMBERS, MAX_GROUPS = (2, 3, 4), 16
LOSS_DIGITS = 6  # of a mean log-loss; what is less is the order of a sum
AGREEMENT = 0.95  # of an additive router with K-means, from which on K-means itself is no candidate


class Candidate(NamedTuple):
    """A grouping, what validation rows lose under it, float64 (rows,), and the record of it."""

    grouping: Grouping
    losses: np.ndarray
    result: GroupCountResult


def cluster_instances(clustering: Clustering, max_groups: int = MAX_GROUPS) -> Grouping:
    """Try numbers of groups and keep the one that validation prefers; one group where none is large enough.

    Where none are stated, none above `max_groups` is tried, nor above the rows that K-means sees.
    """
    config, scorer = clustering.config.cluster, Scorer(clustering.parts, clustering.weights, clustering.config)
    most = min(max_groups, rows_seen(clustering.config, len(clustering.parts.train)))
    candidates = _evaluate(clustering, sorted(set(config.num_groups or [number for number in FIRST_NUMBERS if number <= most])), scorer)
    while config.num_groups is None and (number := next_number(candidates, config, most)):
        candidates += _evaluate(clustering, [number], scorer)
    chosen = _chosen(candidates, config)
    kept = one_group(clustering) if chosen is None else chosen.grouping
    return replace(kept, tried=tuple(each.result for each in candidates))


def one_group(clustering: Clustering) -> Grouping:
    """All rows in one group, with the mask of all."""
    scorer = Scorer(clustering.parts, clustering.weights, clustering.config)
    return form_groups(clustering, [(1, "masked")], scorer)[0]


def _evaluate(clustering: Clustering, numbers: list[int], scorer: Scorer) -> list[Candidate]:
    parts, weights, config = clustering.parts, clustering.weights, clustering.config

    def adapt(grouping: Grouping, _: EpochListener) -> np.ndarray:  # it may travel to another machine, without a network
        return adapted_row_losses(parts, weights, config, grouping.masks, grouping.groups)

    groupings = form_candidates(clustering, [(number, on) for number in numbers for on in config.cluster.on], scorer)
    tasks = [partial(adapt, each) for each in groupings]
    losses = train_in_parallel(tasks, parts.train, config, lambda _: None)
    return [Candidate(grouping, loss, _record(grouping, loss)) for grouping, loss in zip(groupings, losses, strict=True)]


def _record(grouping: Grouping, loss: np.ndarray) -> GroupCountResult:
    sizes = np.bincount(grouping.groups.train, minlength=grouping.num_groups)
    return GroupCountResult(
        num_groups=grouping.num_groups,
        on=grouping.on,
        log_loss=float(loss.mean()),
        smallest_share=float(sizes.min() / sizes.sum()),
        router="centroids" if grouping.sums is None else "additive",
        agreement=grouping.agreement,
    )


def next_number(candidates: list[Candidate], config: ClusterConfig, max_groups: int) -> int | None:
    """One group more than the largest candidate has, where that is chosen and below `max_groups`."""
    chosen, most = _chosen(candidates, config), max((each.result.num_groups for each in candidates), default=max_groups)
    return most + 1 if chosen is not None and chosen.result.num_groups == most < max_groups else None


def _chosen(candidates: list[Candidate], config: ClusterConfig) -> Candidate | None:
    position = choose_number([each.losses for each in candidates], [each.result for each in candidates], config)
    return None if position is None else candidates[position]


class ByPart(NamedTuple):
    """What a division makes of each part."""

    train: Assignment
    valid: Assignment
    test: Assignment


def assign_parts(clustering: Clustering, divisions: list[Division]) -> list[ByPart]:
    """Group of every row of each part under each division."""
    parts = clustering.parts
    train, valid, test = (assign(rows, clustering, divisions) for rows in (parts.train, parts.valid, parts.test))
    return [ByPart(*assigned) for assigned in zip(train, valid, test, strict=True)]


def form_groups(clustering: Clustering, wanted: Sequence[tuple[int, PointsOf]], scorer: Scorer) -> list[Grouping]:
    """For each number of groups and kind of points: groups by K-means, every row in that of the nearest centroid, and their masks."""
    divisions = [divide(clustering, num_groups, on) for num_groups, on in wanted]
    pairs = zip(divisions, assign_parts(clustering, divisions), strict=True)
    return [give_masks(clustering, division, assigned, scorer) for division, assigned in pairs]


def form_candidates(clustering: Clustering, wanted: Sequence[tuple[int, PointsOf]], scorer: Scorer) -> list[Grouping]:
    """The same, every row in the group that an additive router says, or both ways, as `cluster.router` and agreement have it."""
    by_rows = [(number, on) for number, on in wanted if on != "values"]
    if clustering.config.cluster.router == "centroids":
        return form_groups(clustering, by_rows, scorer)
    by_values = divide_values(clustering, [number for number, on in wanted if on == "values"])  # first, for they cost least
    divisions = [*by_values.values(), *(divide(clustering, num_groups, on) for num_groups, on in by_rows)]
    nearest = assign_parts(clustering, divisions)
    fitted = [
        with_sums(clustering, division, own.train.group, own.valid.group) if len(division.centroids) > 1 and not division.sums else division
        for division, own in zip(divisions, nearest, strict=True)
    ]
    candidates: list[tuple[Division, ByPart]] = []
    for division, own, assigned in zip(fitted, nearest, assign_parts(clustering, fitted), strict=True):
        if division.sums is not None and clustering.config.cluster.router == "auto" and (division.agreement or 0.0) < AGREEMENT:
            candidates.append((replace(division, sums=None), own))
        candidates.append((division, assigned))
    return [give_masks(clustering, division, assigned, scorer) for division, assigned in candidates]


def random_groups(clustering: Clustering, num_groups: int, scorer: Scorer) -> Grouping:
    """Control: groups of equal size drawn at random, with masks found in the same way."""
    rng, parts = generator(clustering.config.seed, "random groups"), clustering.parts
    drawn = [rng.permutation(np.arange(len(rows), dtype=np.int32) % num_groups) for rows in (parts.train, parts.valid, parts.test)]
    counts = np.zeros((num_groups, clustering.gates.mean.size))
    for block, _, logits in gated_blocks(parts.train, clustering):
        counts += count_open(logits > 0.0, drawn[0][block], num_groups)
    assigned = ByPart(*(Assignment(group, counts) for group in drawn))
    return give_masks(clustering, Division("masked", np.zeros_like(counts, np.float32)), assigned, scorer)


def give_masks(clustering: Clustering, division: Division, assigned: ByPart, scorer: Scorer) -> Grouping:
    """Average each group's gates over its training rows and search its threshold."""
    train, valid, test = assigned
    num_groups = len(division.centroids)
    counts = np.bincount(train.group, minlength=num_groups)[:, None]
    mean_gates = (train.open_counts / np.maximum(counts, 1)).astype(np.float32)
    thresholds, masks = search_thresholds(mean_gates, valid.group, scorer, clustering.config.cluster.thresholds)
    shape = (num_groups, clustering.parts.train.layout.num_fields, -1)
    groups = PartGroups(train.group, valid.group, test.group)
    formed = Grouping(division.on, division.centroids, groups, mean_gates.reshape(shape), thresholds, masks.reshape(shape), ())
    return replace(formed, sums=division.sums, agreement=division.agreement)


def choose_number(losses: list[np.ndarray], results: list[GroupCountResult], config: ClusterConfig) -> int | None:
    """Position of the grouping to keep, given validation losses of each, float64 (rows,): the best of the smallest good number.

    Of those that are equally good the first. None where every number of groups leaves one empty, or smaller than the least share.
    """
    allowed = [i for i, result in enumerate(results) if result.smallest_share >= max(config.min_group_fraction, 1e-12)]
    if not allowed:
        return None
    best = min(allowed, key=lambda i: float(losses[i].mean()))
    good = [i for i in allowed if _within_chance(losses[i] - losses[best])]
    return min(good, key=lambda i: (results[i].num_groups, round(float(losses[i].mean()), LOSS_DIGITS)))


def _within_chance(worse: np.ndarray) -> bool:
    return bool(worse.mean() <= CHANCE * worse.std() / np.sqrt(len(worse)))
