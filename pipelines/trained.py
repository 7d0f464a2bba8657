"""What a run has trained, before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass

from ihas.data.storage import Ingested
from ihas.grouping import Grouping
from ihas.retrain.stage import RetrainResult
from ihas.search.base import BaseModel
from ihas.search.stage import SearchResult


@dataclass(frozen=True)
class Trained:
    """Outputs of the stages.

    Attributes:
        data: encoded rows, encoder, schema, items.
        base: the plain model.
        found: the search.
        grouping: the groups.
        retrained: the groups' models.
    """

    data: Ingested
    base: BaseModel
    found: SearchResult
    grouping: Grouping
    retrained: RetrainResult
