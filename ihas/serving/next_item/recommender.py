"""A model of what comes next, at work: from a stated history, or that of a user that it knows, to items.

What model it is, a subclass says: `ihas.serving.next_item.overrec`, `ihas.serving.next_item.transformer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ihas.data.cells import cell_text
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Field, Schema
from ihas.errors import RequestError
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.serving.answers import Explanation, Recommendation, RecommendedItem, RecommendRequest, Scored, UnknownValue
from ihas.serving.capabilities import RowModel
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.filters.item_fields import ItemFields
from ihas.serving.protocol import Recommender
from ihas.serving.ranking import MAX_LOGIT, probabilities
from ihas.serving.requests import check_recommend, check_rows

USER, HISTORY, ITEM = "user", "history", "item"
SCHEMA = Schema(
    label="taken",
    fields=(
        Field(name=USER, kind="categorical"),
        Field(name=HISTORY, kind="multivalued"),
        Field(name=ITEM, kind="categorical", role="item"),
    ),
    item_id=ITEM,
)
"""What a request may state: who, or what came before; and in rows to score, the item that may come next."""


@dataclass(frozen=True)
class Asked:
    """A context as the model reads it.

    Attributes:
        history: int32 (length,). Items, oldest first; -1 for one that the model does not know.
        unknown: values that it does not know.
    """

    history: np.ndarray
    unknown: tuple[UnknownValue, ...]


class NextItemBundle(Protocol):
    """What is needed of a bundle."""

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def data(self) -> UserSequences:
        """Users, items and sequences."""

    @property
    def summary(self) -> dict[str, Any]:
        """What the run found."""


class NextItemRecommender(Recommender, ABC):
    """A `Recommender` of what comes after a history."""

    def __init__(self, bundle: NextItemBundle, *, hide_history: bool) -> None:
        """
        Args:
            bundle: verified bundle.
            hide_history: whether items of the history are left out of a recommendation.
        """
        self._bundle, self._hide_history = bundle, hide_history
        data = bundle.data
        self._items = {name: number for number, name in enumerate(data.items)}
        self._users = {name: number for number, name in enumerate(data.users)}
        no_fields = np.empty((data.num_items, 0), np.int32)
        items = ItemTable(data.items, no_fields, data.sequences.counts(data.num_items).astype(np.int32), {})
        self._catalogue, self._fields = Catalogue(items), ItemFields(items, ITEM)
        self._name_ranks = np.argsort(np.argsort(np.array(data.items, dtype=object), kind="stable"), kind="stable")

    @abstractmethod
    def _probabilities(self, histories: Sequences) -> np.ndarray:
        """Probability of each item to come next: float64 (histories, num_items); unknown items of a history are -1."""

    @abstractmethod
    def _explanations(self, history: np.ndarray, items: Sequence[int], logits: np.ndarray) -> Sequence[Explanation]:
        """Why each of the items scored as it did after a history int32 (length,); `logits` are float64 (num_items,)."""

    @property
    def name(self) -> str:
        """Model name."""
        return self._bundle.name

    @property
    def schema(self) -> Schema:
        """What a request may state."""
        return SCHEMA

    @property
    def described_items(self) -> None:
        """See `RowModel.described_items`: rows of such a model describe no items."""

    def completed(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `RowModel.completed`: users are known by what they took, and have no fields."""
        return context

    @property
    def rows(self) -> RowModel:
        """See `Recommender.rows`: whom, after what, and which item."""
        return self

    @property
    def summary(self) -> dict[str, Any]:
        """What the run found."""
        return self._bundle.summary

    def describe_items(self, fields: Mapping[str, FieldValues], names: Sequence[str]) -> None:
        """Let filters ask of the items what another model knows of them: its item fields, and its items' names."""
        position = {name: number for number, name in enumerate(names)}
        items = np.array([position.get(name, -1) for name in self._bundle.data.items], np.int64)
        self._fields = ItemFields(self._catalogue.items, ITEM, {name: values.take(items) for name, values in fields.items()})

    def knows(self, user: Any) -> bool:
        """Whether there is a history of this user."""
        return self._user(user) is not None

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """See `Recommender.score`: the probability that the row's item comes next."""
        check_rows(rows, explain)
        read = [self._row(row, f"/rows/{number}") for number, row in enumerate(rows)]
        if not read:
            return []
        logits = self._logits([stated.history for stated, _, _ in read])
        found = []
        for number, (stated, item, unknown) in enumerate(read):
            logit = float(logits[number, item]) if item is not None else float(logits[number].min())
            why = self._explanations(stated.history, [item], logits[number])[0] if explain and item is not None else None
            found.append(Scored(float(probabilities(np.array([logit]))[0]), logit, 0, (*stated.unknown, *unknown), why))
        return found

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """See `Recommender.recommend`. Without candidates, all items but, where the settings say so, those of the history."""
        check_recommend(request, SCHEMA)
        stated = self._context(request.context, "/context")
        positions, unknown = self._chosen(request, stated.history)
        logits = self._logits([stated.history])[0]
        ranked = np.lexsort((self._name_ranks[positions], -logits[positions]))
        order = positions[self._fields.first(lambda k: ranked[:k], positions, request)]
        reasons: Sequence[Explanation | None] = [None] * len(order)
        if request.explain:
            reasons = self._explanations(stated.history, order.tolist(), logits)
        names, shown = [self._bundle.data.items[item] for item in order.tolist()], self._fields.shown(request.fields)
        cells = zip(names, probabilities(logits[order]).tolist(), range(1, len(names) + 1), [0] * len(names), reasons, strict=True)
        return Recommendation(
            recommendation_id=recommendation_id,
            model=self.name,
            items=tuple(RecommendedItem(*cell, shown(item)) for cell, item in zip(cells, order.tolist(), strict=True)),
            num_scored=len(positions),
            unknown_candidates=unknown,
            unknown_values=stated.unknown,
            seen_excluded=len(set(stated.history[stated.history >= 0].tolist())) if request.exclude_seen else 0,
        )

    def _logits(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """Log-odds of each item to come next: float64 (histories, num_items)."""
        shares = self._probabilities(Sequences.of(histories))
        with np.errstate(divide="ignore"):
            return np.asarray(np.clip(np.log(shares) - np.log1p(-shares), -MAX_LOGIT, MAX_LOGIT))

    def _chosen(self, request: RecommendRequest, history: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        meeting, known = None if request.filter is None else self._fields.meet(request.filter), history[history >= 0]
        if request.candidates is not None:
            excluded = self._catalogue.excluded(request.exclude) | set(known.tolist() if request.exclude_seen else ())
            chosen = self._catalogue.choose(request.candidates, excluded, meeting)
            return chosen.positions, chosen.unknown
        wanted = np.ones(self._bundle.data.num_items, bool) if meeting is None else meeting.copy()
        wanted[[number for number in map(self._item, request.exclude) if number is not None]] = False
        if self._hide_history or request.exclude_seen:
            wanted[known] = False
        if not wanted.any():
            by_filter = "" if meeting is None else " or filtered out"
            law = f"At least one item must be left, but all {len(wanted)} are excluded or in the history{by_filter}."
            raise RequestError(f"{law} Exclude fewer, or name candidates.", "/exclude" if meeting is None else "/filter")
        return np.flatnonzero(wanted), ()

    def _row(self, row: Mapping[str, Any], pointer: str) -> tuple[Asked, int | None, tuple[UnknownValue, ...]]:
        stated = self._context({name: value for name, value in row.items() if name != ITEM}, pointer)
        item = row.get(ITEM)
        if not isinstance(item, str | int | float) or cell_text(item) is None:
            raise RequestError(f"A row must name the item that may come next, but got {item!r}. Set `{ITEM}`.", f"{pointer}/{ITEM}")
        number = self._item(item)
        return stated, number, () if number is not None else (UnknownValue(ITEM, item),)

    def _context(self, context: Mapping[str, Any], pointer: str) -> Asked:
        """The stated history, or else that of the stated user."""
        for name in context:
            if name not in (USER, HISTORY):
                place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
                raise RequestError(f"Model {self.name!r} reads `{USER}` and `{HISTORY}`, but got `{name}`. Leave it out.", place)
        user = _scalar(context.get(USER), f"{pointer}/{USER}")
        known = self._user(user)
        unknown = [UnknownValue(USER, user)] if user is not None and known is None else []
        if context.get(HISTORY) is None:
            return Asked(np.empty(0, np.int32) if known is None else self._bundle.data.sequences[known], tuple(unknown))
        names = _names(context[HISTORY], f"{pointer}/{HISTORY}")
        numbers = [self._item(name) for name in names]
        strange = [name for name, number in zip(names, numbers, strict=True) if number is None]
        unknown += [UnknownValue(HISTORY, strange)] if strange else []
        return Asked(np.array([-1 if number is None else number for number in numbers], np.int32), tuple(unknown))

    def _user(self, name: Any) -> int | None:
        if not isinstance(name, str | int | float):
            return None
        return self._users.get(str(name), self._users.get(cell_text(name) or ""))

    def _item(self, name: Any) -> int | None:
        number = self._items.get(name) if isinstance(name, str) else None
        return number if number is not None else self._items.get(cell_text(name) or "")


def _scalar(value: Any, pointer: str) -> Any:
    if value is not None and not isinstance(value, str | int | float):
        raise RequestError(f"The user must be a text or a number, but got {value!r}.", pointer)
    return value


def _names(value: Any, pointer: str) -> list[Any]:
    names = [value] if isinstance(value, str | int | float) else value
    if not isinstance(names, Sequence):
        raise RequestError(f"A history must be a list of item ids, oldest first, but got {value!r}.", pointer)
    for place, name in enumerate(names):
        if name is not None and not isinstance(name, str | int | float):
            raise RequestError(f"An item id must be a text or a number, but got {name!r}.", f"{pointer}/{place}")
    return [name for name in names if name is not None]
