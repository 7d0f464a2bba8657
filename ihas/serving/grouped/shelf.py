"""The items of a bundle at work; a frozen value, so that other items take over by one assignment and no request sees half of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ihas.serving.answers import RecommendRequest, Retrieved
from ihas.serving.filters.candidates import Candidates, Catalogue
from ihas.serving.filters.item_fields import ItemFields
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.item_ages import ItemAges
from ihas.serving.requests import MAX_ROWS
from ihas.serving.retrieval.retriever import Retriever


def none_put() -> np.ndarray:
    """No items: bool (0,)."""
    return np.zeros(0, bool)


@dataclass(frozen=True)
class Shelf:
    """Items that can be recommended.

    Attributes:
        catalogue: the item table, by item id.
        fields: what the items say.
        candidates: scores them.
        retriever: chooses those to be scored; None where all are.
        ages: how old items are at the time of a request.
        put: bool (num_items,). Items that retrieval has no vectors of as they are now, and that are scored whatever it finds; empty for
            none.
    """

    catalogue: Catalogue
    fields: ItemFields
    candidates: CandidateModel
    retriever: Retriever | None
    ages: ItemAges
    put: np.ndarray = field(default_factory=none_put)

    @property
    def num_items(self) -> int:
        """Items."""
        return len(self.catalogue.items.names)

    @property
    def num_put(self) -> int:
        """Items that are scored beside those that are retrieved."""
        return int(self.put.sum())

    def chosen(self, context: np.ndarray, request: RecommendRequest, seen: np.ndarray) -> tuple[Candidates, Retrieved | None]:
        """What is scored, and how it was retrieved; candidates, all items, or those that retrieval chooses.

        Args:
            context: int32 (slots of the context fields,).
            request: names candidates, exclusions and the filter.
            seen: int32. Positions of items that are left out beside.

        Raises:
            RequestError: the filter is none, or nothing is left.
        """
        wanted = None if request.filter is None else self.fields.meet(request.filter)
        excluded = self.catalogue.excluded(request.exclude) | set(seen.tolist())
        if self.retriever is None or request.candidates is not None:
            return self.catalogue.choose(request.candidates, excluded, wanted), None
        left = self.catalogue.left(excluded, wanted)
        number = self.retriever.wanted(request, len(left))
        if number is None:
            return Candidates(left[:MAX_ROWS], ()), None
        if not len(self.put):
            found = self.retriever.retrieve(context, number, left)
            return Candidates(found, ()), Retrieved(len(found), len(left), self.retriever.method)
        put = self.put[left]
        found = self.retriever.retrieve(context, number, left[~put & (left < self.retriever.num_items)])
        both = np.concatenate([found, left[put]])
        return Candidates(both, ()), Retrieved(len(both), len(left), self.retriever.method, len(both) - len(found))
