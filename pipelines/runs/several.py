"""Runs with several labels: what stands in the place of search, groups and retraining, which learn one label alone.

Every gate is open, all rows are one group, and the model of that group is the one that the search would have started from; none of it is
compared or served.
"""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Splits
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupModel
from ihas.routing.grouping import Grouping, PartGroups
from ihas.routing.router import open_gates
from ihas.stages.mask_diversity import mask_diversity
from ihas.stages.retrain import RetrainResult
from ihas.stages.search import SearchResult


def no_search(parts: Splits, start: NetworkWeights, dim: int) -> SearchResult:
    """The start, every gate open."""
    gates = open_gates(parts.train.layout.num_fields, dim)
    return SearchResult(start, gates, mask_diversity(parts.valid, start.table[:, :dim], gates), ())


def no_groups(parts: Splits, dim: int) -> Grouping:
    """All rows in one group that keeps every dimension."""
    fields = parts.train.layout.num_fields
    groups = PartGroups(*(np.zeros(len(rows), np.int32) for rows in (parts.train, parts.valid, parts.test)))
    gates = np.ones((1, fields, dim), np.float32)
    return Grouping("masked", np.zeros((1, fields * dim), np.float32), groups, gates, (0.5,), gates > 0.0, ())


def no_retraining(parts: Splits, start: NetworkWeights, dim: int) -> RetrainResult:
    """The start for all rows."""
    return RetrainResult((GroupModel("shared", start, np.ones((parts.train.layout.num_fields, dim), bool)),), ())
