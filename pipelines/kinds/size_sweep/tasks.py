"""A trained transformer put to the evaluations that need one domain alone, on the test items of leave-one-out."""

from __future__ import annotations

from functools import partial

import numpy as np

from ihas.config.base import Config
from ihas.seeding import generator
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.data.sequences import LeaveOneOut, Sequences
from ihas.sequential.scaling.evaluators import cold_start, coverage, long_tail, popularity_groups, robustness, roll_out
from ihas.sequential.transformer.full_ranking import history_scores
from ihas.sequential.transformer.model import Transformer

SHORT_HISTORIES = (1, 2, 5)
SHARES = (0.1, 0.3)
HORIZON = 2
"""Validation and test item: those before were trained on."""


class TaskMetrics(Config):
    """What else a trained model can do."""

    popularity: dict[int, RankingMetrics]
    """Metrics of the targets of each quarter of the interactions, 0 the most popular items, 3 the least."""
    cold_start: dict[int, RankingMetrics]
    """Metrics where only so many last items of each history are seen."""
    deleted: dict[float, float]
    """Relative loss of NDCG@10 by share of history items deleted."""
    replaced: dict[float, float]
    """Relative loss of NDCG@10 by share of history items replaced by items drawn at random."""
    roll_out: dict[int, RankingMetrics]
    """Metrics 1 and 2 items ahead, the model's own best item appended in between."""
    coverage: float
    """Share of items that are among the ten best of some test history."""

    def row(self) -> dict[str, float]:
        """NDCG@10 of each task, relative losses and coverage by short names, as columns of a table."""
        parts = (("quarter", self.popularity), ("last", self.cold_start), ("ahead", self.roll_out))
        ranked = {f"{name} {key}": figures.ndcg[10] for name, found in parts for key, figures in found.items()}
        shares = (("deleted", self.deleted), ("replaced", self.replaced))
        return (
            ranked | {f"{share:.0%} {name}": lost for name, found in shares for share, lost in found.items()} | {"coverage": self.coverage}
        )


def task_metrics(network: Transformer, parts: LeaveOneOut, num_items: int, seed: int) -> TaskMetrics:
    """Metrics of all tasks; `seed` draws what is disturbed.

    Raises:
        ConfigError: the model finds no target at all, so that nothing can be lost.
    """
    scores, groups = partial(history_scores, network), popularity_groups(parts.train, num_items)
    whole = Sequences.of([np.append(history, target) for history, target in zip(parts.test.histories, parts.test.targets, strict=True)])
    return TaskMetrics(
        popularity=long_tail(scores, parts.test, groups),
        cold_start=cold_start(scores, parts.test, SHORT_HISTORIES),
        deleted=robustness(scores, parts.test, SHARES, generator(seed, "deleted")),
        replaced=robustness(scores, parts.test, SHARES, generator(seed, "replaced"), num_items),
        roll_out=roll_out(scores, whole, HORIZON),
        coverage=coverage(scores, parts.test.histories),
    )
