"""Answers to requests: score rows, recommend items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from ihas.bundle.reference import Reference
from ihas.bundle.values import Bundle
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Schema
from ihas.errors import RequestError
from ihas.serving.answers import Explanation, Recommendation, RecommendedItem, RecommendRequest, Retrieved, Scored, UnknownValue
from ihas.serving.capabilities import (
    BatchScoring,
    DescribesItems,
    GroupAnswer,
    GroupRouting,
    Observed,
    ReadRows,
    RoutingObserver,
    TableModel,
)
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.filters.item_fields import ItemFields
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.every_group import ask_every_group
from ihas.serving.grouped.explanation import explain_rows
from ihas.serving.grouped.item_ages import ItemAges
from ihas.serving.grouped.item_arrays import MAX_BYTES
from ihas.serving.grouped.item_updates import ItemUpdates
from ihas.serving.grouped.model import GroupedModel
from ihas.serving.grouped.observation import observe
from ihas.serving.grouped.profiles import Profiles
from ihas.serving.grouped.row_reader import RowReader
from ihas.serving.grouped.several import Answered, Labels
from ihas.serving.grouped.shelf import Shelf
from ihas.serving.protocol import Recommender
from ihas.serving.ranking import best, expected, probabilities
from ihas.serving.requests import MAX_ROWS, check_recommend, check_rows
from ihas.serving.retrieval.retriever import Retriever

QUICK_WORK = 60_000_000
"""About two milliseconds, in multiply-adds. What takes less is not worth a thread, which waits for the interpreter as long."""
WORK_OF_A_SEARCHED_NUMBER = 8
"""Of retrieval: fetched from memory, and multiplied once."""
WORK_OF_A_NAME = 40_000
"""Of an item that is excluded, or that is answered: looked up, and written down."""
WORK_OF_A_FILTERED_ITEM = 2_000
"""Of the item table, when a filter is asked for."""


class GroupedRecommender(Recommender):
    """A bundle at work: route each row to its group, score it by the group's model."""

    def __init__(self, bundle: Bundle, max_item_bytes: int = MAX_BYTES, degraded: Mapping[int, str] | None = None) -> None:
        """
        Args:
            bundle: verified bundle.
            max_item_bytes: memory for what is known of the items beforehand.
            degraded: groups that the fallback serves because their own model failed its check, each with the reason.

        Raises:
            BundleCorruptError: a model's graph cannot be loaded.
        """
        self.bundle, self._degraded_groups = bundle, dict(degraded or {})
        self.model = GroupedModel(bundle)
        self._rows = RowReader(bundle.encoder, bundle.encoder.layout.names)
        self._context = RowReader(bundle.encoder, bundle.encoder.names_of("context"))
        self._bounds, self._labels = bundle.schema.numbers, Labels(bundle)
        self._profiles = None if bundle.users is None else Profiles(bundle.users, str(bundle.schema.user_id))
        self._updates = None if bundle.items is None else ItemUpdates(bundle, _shelf(self.model, bundle, bundle.items, max_item_bytes))

    @property
    def name(self) -> str:
        """Model name."""
        return self.bundle.name

    @property
    def summary(self) -> dict[str, Any]:
        """What the run behind it found."""
        return self.bundle.summary

    @property
    def degraded(self) -> Mapping[int, str]:
        """See `Recommender.degraded`."""
        return self._degraded_groups

    @property
    def batches(self) -> BatchScoring:
        """See `Recommender.batches`."""
        return self

    @property
    def groups(self) -> GroupRouting:
        """See `Recommender.groups`."""
        return self

    @property
    def routing(self) -> RoutingObserver | None:
        """See `Recommender.routing`; None where the bundle does not say how its training rows were routed."""
        return None if self.bundle.reference is None else self

    @property
    def table(self) -> TableModel:
        """See `Recommender.table`."""
        return self

    @property
    def schema(self) -> Schema:
        """See `TableModel.schema`."""
        return self.bundle.schema

    @property
    def context_fields(self) -> tuple[str, ...]:
        """See `TableModel.context_fields`."""
        return tuple(self.bundle.encoder.names_of("context"))

    @property
    def described_items(self) -> tuple[Mapping[str, FieldValues], Sequence[str]] | None:
        """See `TableModel.described_items`."""
        shelf = self._shelf
        return None if shelf is None else (shelf.fields.fields, shelf.catalogue.items.names)

    @property
    def item_updates(self) -> DescribesItems | None:
        """See `Recommender.item_updates`."""
        return self._updates

    @property
    def _shelf(self) -> Shelf | None:
        """The items as they are now; a request looks once."""
        return None if self._updates is None else self._updates.shelf

    @property
    def num_groups(self) -> int:
        """See `GroupRouting.num_groups`."""
        return self.bundle.router.num_groups

    @property
    def training_shares(self) -> Mapping[int, float]:
        """See `GroupRouting.training_shares`."""
        if self.bundle.reference is not None:
            return dict(enumerate(self.bundle.reference.shares.tolist()))
        return {int(group["group"]): float(group["share"]) for group in self.summary.get("groups", ())}

    @property
    def reference(self) -> Reference:
        """See `RoutingObserver.reference`."""
        if self.bundle.reference is None:
            raise RequestError(f"Model {self.name!r} does not say how its training rows were routed. Train it again to compare with them.")
        return self.bundle.reference

    @property
    def field_names(self) -> tuple[str, ...]:
        """See `RoutingObserver.field_names`."""
        return self.bundle.encoder.layout.names

    def score_ids(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group and logit of encoded rows: int32 (rows, num_slots) -> int32 (rows,), float32 (rows,)."""
        return self.model.logits(ids)

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """See `Recommender.score`."""
        if not explain:
            return self.score_read([self.read(rows)])[0]
        check_rows(rows, explain)
        if not rows:
            return []
        ids, unknown = self._rows.read_all(rows, "/rows")
        scored = self.model.score(ids)
        reasons = explain_rows(self.model, self.bundle, ids, scored)
        answered = self._labels.answer(scored.logits, self.model.task_logits(ids))
        return _scores(scored.group, answered, unknown, self._degraded(reasons, scored.group), self._bounds)

    def read(self, rows: Sequence[Mapping[str, Any]]) -> ReadRows:
        """See `BatchScoring.read`."""
        check_rows(rows, explain=False)
        return ReadRows(*self._rows.read_all(rows, "/rows"))

    def score_read(self, requests: Sequence[ReadRows]) -> list[list[Scored]]:
        """See `BatchScoring.score_read`."""
        full = [request.ids for request in requests if len(request.unknown)]
        if not full:
            return [[] for _ in requests]
        ids = full[0] if len(full) == 1 else np.concatenate(full)
        group, logits = self.model.logits(ids)
        told = [unknown for request in requests for unknown in request.unknown]
        answered = self._labels.answer(logits, self.model.task_logits(ids))
        scores = iter(_scores(group, answered, told, [None] * len(logits), self._bounds))
        return [list(islice(scores, len(request.unknown))) for request in requests]

    def group_of(self, stated: Mapping[str, Any]) -> int | None:
        """See `GroupRouting.group_of`; what is left out is missing."""
        try:
            ids = self._rows.read(self.completed(stated), "").ids
        except RequestError:
            return None
        return int(self.model.router.route(np.array([ids], np.int32)).group[0])

    def ask_every_group(self, row: Mapping[str, Any]) -> tuple[int, tuple[GroupAnswer, ...]]:
        """See `GroupRouting.ask_every_group`."""
        return ask_every_group(self.bundle, self.model, row)

    def observe(self, stated: Sequence[Mapping[str, Any]], items: Sequence[str] | None) -> Observed | None:
        """See `RoutingObserver.observe`."""
        if self.bundle.reference is None or not stated:
            return None
        shelf = self._shelf
        if items is None:
            ids = self._rows.read_all(stated, "/rows")[0]
        elif shelf is None or not items:
            return None
        else:
            known = self.completed(stated[0])
            context = np.array(self._context.read(known, "/context").ids, np.int32)
            ids = shelf.ages.ids(shelf.candidates, context, known, shelf.catalogue.choose(items, ()).positions)
        return observe(self.bundle.router, self.bundle.reference, ids)

    def is_quick(self, request: RecommendRequest) -> bool:
        """See `BatchScoring.is_quick`."""
        shelf = self._shelf
        items, retriever = (0, None) if shelf is None else (shelf.num_items, shelf.retriever)
        candidates = min(items, MAX_ROWS) if request.candidates is None else len(request.candidates)
        retrieved = None if retriever is None else retriever.wanted(request, items)
        scored = candidates if retrieved is None or shelf is None else retrieved + shelf.num_put
        work = 0 if shelf is None else scored * shelf.candidates.work_of_item
        searched = 0 if retrieved is None or retriever is None else retriever.multiply_adds
        work += WORK_OF_A_SEARCHED_NUMBER * searched + WORK_OF_A_NAME * (len(request.exclude) + min(request.k, candidates))
        if request.filter is not None:
            work += WORK_OF_A_FILTERED_ITEM * items
        return not request.explain and request.diversity is None and work <= QUICK_WORK

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """See `Recommender.recommend`; ids that the item table does not hold are left out and reported."""
        check_recommend(request, self.bundle.schema)
        shelf = self._shelf
        if shelf is None:
            raise RequestError(f"Model {self.name!r} has no item table, for its schema names no item id. Score rows instead.")
        names, known = shelf.catalogue.items.names, self.completed(request.context)
        read = self._context.read(known, "/context")
        context, seen = np.array(read.ids, np.int32), self._seen(request)
        shown = shelf.fields.shown(request.fields)
        chosen, retrieved = shelf.chosen(context, request, seen)
        scored = shelf.ages.score(shelf.candidates, context, known, chosen.positions)
        ranks = self._labels.ranks(scored.logits, scored.tasks)
        order = shelf.fields.first(lambda k: best(ranks, lambda row: names[chosen.positions[row]], k), chosen.positions, request)
        explanations: Sequence[Explanation | None] = [None] * len(order)
        if request.explain:
            ids = shelf.ages.ids(shelf.candidates, context, known, chosen.positions[order])
            explanations = [_told(why, place, retrieved) for why, place in zip(self._explained(ids), order.tolist(), strict=True)]
        return Recommendation(
            recommendation_id=recommendation_id,
            model=self.name,
            items=_items(
                [names[item] for item in chosen.positions[order].tolist()],
                self._labels.answer(scored.logits[order], [own[order] for own in scored.tasks]),
                scored.group[order],
                explanations,
                [shown(item) for item in chosen.positions[order].tolist()] if request.fields else None,
                self._bounds,
            ),
            num_scored=len(chosen.positions),
            unknown_candidates=chosen.unknown,
            unknown_values=read.unknown,
            retrieved=retrieved,
            degraded_groups=tuple(self.degraded),
            profile_fields=tuple(name for name in known if name not in request.context),
            seen_excluded=len(seen),
        )

    def completed(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `RowModel.completed`."""
        return context if self._profiles is None else self._profiles.completed(context)

    def _seen(self, request: RecommendRequest) -> np.ndarray:
        """Positions of items that the request's user has clicked, where they are to be left out: int32 (n,)."""
        if not request.exclude_seen:
            return np.zeros(0, np.int32)
        if self._profiles is None:
            law = (
                f"`exclude_seen` needs a model that knows its users, but {self.name!r} has none. Set `columns.user_id` and train it again."
            )
            raise RequestError(law, "/exclude_seen")
        return self._profiles.clicked(request.context)

    def _explained(self, ids: np.ndarray) -> list[Explanation]:
        scored = self.model.score(ids)
        return self._degraded(explain_rows(self.model, self.bundle, ids, scored), scored.group)

    def _degraded(self, reasons: list[Explanation], group: np.ndarray) -> list[Explanation]:
        """The reasons; those of a degraded group say that the shared model answers."""
        if not self.degraded:
            return reasons
        pairs = zip(reasons, group.tolist(), strict=True)
        return [_said(why, f"The own model of group {own} failed its check.") if own in self.degraded else why for why, own in pairs]


def _shelf(model: GroupedModel, bundle: Bundle, items: ItemTable, max_bytes: int) -> Shelf:
    """The items of a bundle as it says."""
    retriever = None if bundle.retrieval is None else Retriever(bundle, bundle.retrieval)
    fields = ItemFields(items, str(bundle.schema.item_id))
    return Shelf(Catalogue(items), fields, CandidateModel(model, bundle, items, max_bytes), retriever, ItemAges(bundle.encoder, items))


def _told(explanation: Explanation, place: int, retrieved: Retrieved | None) -> Explanation:
    """The reason, and how the item came to be scored: its place among the retrieved, from 0."""
    if retrieved is None:
        return explanation
    if place >= retrieved.items - retrieved.put:
        return _said(explanation, "Its fields were put after the training, so that it was scored whatever retrieval finds.")
    how = f"Retrieval put it at place {place + 1:,} of {retrieved.of_items:,} items, of which {retrieved.items:,} were scored."
    return _said(explanation, how)


def _said(explanation: Explanation, more: str) -> Explanation:
    return msgspec.structs.replace(explanation, sentence=f"{explanation.sentence} {more}")


def _scores(
    group: np.ndarray,
    answered: Answered,
    unknown: Sequence[tuple[UnknownValue, ...]],
    explanations: Sequence[Explanation | None],
    bounds: tuple[float, float] | None,
) -> list[Scored]:
    scores, logits = probabilities(answered.log_odds), answered.log_odds.tolist()
    cells = zip(scores.tolist(), logits, group.tolist(), unknown, explanations, _values(scores, bounds), answered.scores, strict=True)
    return [Scored(*row) for row in cells]


def _items(
    names: Sequence[str],
    answered: Answered,
    group: np.ndarray,
    explanations: Sequence[Explanation | None],
    shown: Sequence[dict[str, str | tuple[str, ...]]] | None,
    bounds: tuple[float, float] | None,
) -> tuple[RecommendedItem, ...]:
    scores, ranks = probabilities(answered.log_odds), range(1, len(names) + 1)
    fields = [{} for _ in names] if shown is None else shown
    values = _values(scores, bounds)
    cells = zip(names, scores.tolist(), ranks, group.tolist(), explanations, fields, values, answered.scores, strict=True)
    return tuple(RecommendedItem(*row) for row in cells)


def _values(scores: np.ndarray, bounds: tuple[float, float] | None) -> Sequence[float | msgspec.UnsetType]:
    """Number expected of each row, where the label is one."""
    return [msgspec.UNSET] * len(scores) if bounds is None else expected(scores, bounds).tolist()
