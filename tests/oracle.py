"""The oracle's tribes, searched, grouped and retrained once for all tests that look at the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.retrain import RetrainConfig
from ihas.config.search import SearchConfig
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import Oracle, make_tribes
from ihas.metrics import auc
from ihas.models.prediction import GroupedRows, predict_groups
from ihas.results.run_result import EpochMetrics
from ihas.routing.grouping import Grouping
from ihas.stages.cluster.assignment import Clustering
from ihas.stages.cluster.stage import cluster_instances
from ihas.stages.retrain import Retraining, RetrainResult, retrain_groups
from ihas.stages.search import SearchResult, search_gates
from ihas.training.plain import PlainModel, train_plain


@dataclass(frozen=True)
class Solved:
    """An oracle and what each stage made of it."""

    oracle: Oracle
    config: LearningConfig
    base: PlainModel
    found: SearchResult
    clustering: Clustering
    grouping: Grouping
    retrained: RetrainResult

    def test_auc(self) -> float:
        """Pooled test AUC of the groups' models."""
        rows = GroupedRows(self.oracle.parts.test, self.grouping.groups.test)
        return auc(predict_groups(self.retrained.models, rows, self.config), rows.rows.labels) or 0.0


GIVEN = SplitConfig(kind="given", column="part")
"""Split of a table with the column of `parts_of`."""


def parts_of(rows: int) -> tuple[list[str], slice]:
    """Part of each row, and the rows that are judged, those of validation: a known best AUC is of the rows that are judged."""
    valid = slice(rows * 7 // 10, rows * 19 // 20)
    return ["valid" if valid.start <= row < valid.stop else "train" if row < valid.start else "test" for row in range(rows)], valid


def ignore(figures: EpochMetrics) -> None:
    """Listens to no epoch."""


def tribes_config() -> LearningConfig:
    """Settings for tribes: a linear model, too small to tell which taste counts."""
    return LearningConfig(
        backbone=BackboneConfig(hidden=()),
        training=TrainingConfig(embedding_dim=4, batch_size=256, learning_rate=0.01, embedding_l2=1e-4, epochs=12),
        search=SearchConfig(epochs=8),
        retrain=RetrainConfig(epochs=5),
    )


@cache
def solved_tribes(num_tribes: int) -> Solved:
    """The oracle with so many tribes, taken through all stages."""
    rows = 20_000 if num_tribes < 5 else 60_000  # a third of a tribe's rows do not show its taste
    oracle, config = make_tribes(np.random.default_rng(7), num_tribes, (rows, 5_000, 5_000)), tribes_config()
    base = train_plain(oracle.parts, config, "base", ignore)
    found = search_gates(oracle.parts, base.weights, config, ignore)
    clustering = Clustering(oracle.parts, found.weights, found.gates, config)
    grouping = cluster_instances(clustering)
    retrained = retrain_groups(Retraining(oracle.parts, grouping, found.weights, config, "grouped"), ignore)
    return Solved(oracle, config, base, found, clustering, grouping, retrained)
