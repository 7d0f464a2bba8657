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


def one_model(parts: Splits, start: NetworkWeights, dim: int) -> tuple[SearchResult, Grouping, RetrainResult]:
    """What search, grouping and retraining would have left.

    Args:
        parts: encoded rows.
        start: the model that the search would have started from.
        dim: dimensions of a field's embedding.
    """
    fields = parts.train.layout.num_fields
    gates, kept = open_gates(fields, dim), np.ones((1, fields, dim), bool)
    found = SearchResult(start, gates, mask_diversity(parts.valid, start.table[:, :dim], gates), ())
    groups = PartGroups(*(np.zeros(len(rows), np.int32) for rows in (parts.train, parts.valid, parts.test)))
    grouping = Grouping("masked", np.zeros((1, fields * dim), np.float32), groups, kept.astype(np.float32), (0.5,), kept, ())
    return found, grouping, RetrainResult((GroupModel("shared", start, kept[0]),), ())
