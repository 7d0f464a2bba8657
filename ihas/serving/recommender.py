"""Answers to requests: score rows, recommend items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ihas.bundle.values import Bundle
from ihas.data.schema import Schema
from ihas.errors import RequestError
from ihas.serving.answers import Explanation, Recommendation, RecommendedItem, RecommendRequest, Scored, UnknownValue
from ihas.serving.candidates import Catalogue
from ihas.serving.explanation import explain_rows
from ihas.serving.model import GroupedModel, RoutedLogits
from ihas.serving.ranking import best, probabilities
from ihas.serving.requests import check_recommend, check_rows


class Recommender(Protocol):
    """Anything that scores rows and recommends items; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def summary(self) -> dict[str, Any]:
        """What the run behind it found. JSON values only."""

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """Probability of a click for each row, in order.

        Args:
            rows: value of each field, context and item alike; a field left out is missing.
            explain: whether to say why.

        Raises:
            RequestError: with a pointer into `/rows`.
        """

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """The best items for a context.

        Args:
            request: which items, for whom.
            recommendation_id: name of the answer.

        Raises:
            RequestError: with a pointer into the request.
        """


class GroupedRecommender:
    """A bundle at work: route each row to its group, score it on the group's path."""

    def __init__(self, bundle: Bundle) -> None:
        """
        Args:
            bundle: verified bundle.

        Raises:
            BundleCorruptError: a path's graph cannot be loaded.
        """
        self.bundle = bundle
        self.model = GroupedModel(bundle)
        self._catalogue = None if bundle.items is None else Catalogue(bundle.items)
        self._context_fields = bundle.encoder.names_of("context")
        self._context_slots = bundle.encoder.slots_of("context")
        self._item_slots = bundle.encoder.slots_of("item")

    @property
    def name(self) -> str:
        """Model name."""
        return self.bundle.name

    @property
    def summary(self) -> dict[str, Any]:
        """What the run behind it found."""
        return self.bundle.summary

    @property
    def schema(self) -> Schema:
        """What a request may state."""
        return self.bundle.schema

    def score_ids(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group and logit of encoded rows: int32 (rows, num_slots) -> int32 (rows,), float32 (rows,)."""
        scored = self.model.score(ids)
        return scored.group, scored.logits

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """See `Recommender.score`."""
        check_rows(rows, explain)
        if not rows:
            return []
        ids = self.bundle.encoder.encode_rows(rows, pointer="/rows")
        scored = self.model.score(ids)
        cells = zip(
            probabilities(scored.logits).tolist(),
            scored.logits.tolist(),
            scored.group.tolist(),
            map(self._unknown_values, rows, ids),
            self._explanations(ids, scored, explain),
            strict=True,
        )
        return [Scored(*row) for row in cells]

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """See `Recommender.recommend`; ids that the item table does not hold are left out and reported."""
        check_recommend(request, self.bundle.schema)
        if self._catalogue is None:
            raise RequestError(f"Model {self.name!r} has no item table, for its schema names no item id. Score rows instead.")
        context = self.bundle.encoder.encode_row(request.context, self._context_fields, "/context")
        chosen = self._catalogue.choose(request.candidates, request.exclude)
        ids = self._ids(context, self._catalogue.items.ids[chosen.positions])
        scored = self.model.score(ids)
        names = [self._catalogue.items.names[position] for position in chosen.positions.tolist()]
        order = best(scored.logits, names, request.k)
        return Recommendation(
            recommendation_id=recommendation_id,
            model=self.name,
            items=self._items([names[row] for row in order.tolist()], ids[order], scored.take(order), request.explain),
            num_scored=len(ids),
            unknown_candidates=chosen.unknown,
            unknown_values=self._unknown_values(request.context, ids[0]),
        )

    def _ids(self, context: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The context beside each item: int32 (items, num_slots)."""
        ids = np.empty((len(items), self.model.layout.num_slots), np.int32)
        ids[:, self._context_slots] = context
        ids[:, self._item_slots] = items
        return ids

    def _items(self, names: Sequence[str], ids: np.ndarray, scored: RoutedLogits, explain: bool) -> tuple[RecommendedItem, ...]:
        cells = zip(
            names,
            probabilities(scored.logits).tolist(),
            range(1, len(names) + 1),
            scored.group.tolist(),
            self._explanations(ids, scored, explain),
            strict=True,
        )
        return tuple(RecommendedItem(*row) for row in cells)

    def _explanations(self, ids: np.ndarray, scored: RoutedLogits, explain: bool) -> Sequence[Explanation | None]:
        return explain_rows(self.model, self.bundle.encoder, ids, scored) if explain else [None] * len(ids)

    def _unknown_values(self, row: Mapping[str, Any], ids: np.ndarray) -> tuple[UnknownValue, ...]:
        """Stated fields of which a value is the unknown one."""
        layout = self.model.layout
        unknown = np.add.reduceat(ids == np.repeat(layout.first_rows, layout.slots), layout.first_slots, dtype=np.int64)
        return tuple(
            UnknownValue(layout.names[field], row[layout.names[field]]) for field in np.flatnonzero(unknown) if layout.names[field] in row
        )
