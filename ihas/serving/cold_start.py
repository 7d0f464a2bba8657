"""A trained model with a cold-start model, which answers for users that the trained one does not know, from the nearest histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ihas.serving.answers import Recommendation, RecommendedItem, RecommendRequest, Scored
from ihas.serving.capabilities import ColdStartModel, DescribesItems, RowModel
from ihas.serving.next_item.recommender import HISTORY, USER
from ihas.serving.protocol import Recommender
from ihas.serving.requests import check_rows


class ColdStartRecommender(Recommender):
    """A `Recommender` of two models: the trained model answers for users that it knows, and where there is no history."""

    def __init__(self, name: str, model: Recommender, cold_start_model: ColdStartModel, user_field: str) -> None:
        """
        Args:
            name: model name.
            model: the trained model.
            cold_start_model: answers from histories; items are named as the model names them.
            user_field: field of the model's context that names the user.
        """
        self._name, self.model, self.cold_start_model, self.user_field = name, model, cold_start_model, user_field
        self._describe_items()

    def _describe_items(self) -> None:
        """Let filters ask of the cold-start model's items what the trained model says of them."""
        described = None if self.model.table is None else self.model.table.described_items
        if described is not None:
            self.cold_start_model.describe_items(*described)

    @property
    def name(self) -> str:
        """Model name."""
        return self._name

    @property
    def summary(self) -> dict[str, Any]:
        """What the runs behind both found."""
        return {"model": self.model.summary, "front": self.cold_start_model.summary}

    @property
    def degraded(self) -> Mapping[int, str]:
        """Groups of the trained model that its shared model serves."""
        return self.model.degraded

    @property
    def rows(self) -> RowModel | None:
        """Rows of the trained model; a history is no part of them."""
        return self.model.rows

    @property
    def item_updates(self) -> DescribesItems | None:
        """See `Recommender.item_updates`: of the trained model, and of what filters know of the cold-start model's items."""
        of_model = self.model.item_updates
        return None if of_model is None else _UpdatesOfBoth(of_model, self._describe_items)

    def score(self, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        """See `Recommender.score`: the trained model scores, because only it gives probabilities of a click; histories are not read."""
        check_rows(rows, explain)
        return self.model.score([_without_history(row) for row in rows], explain)

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """See `Recommender.recommend`; the context may also state `history`, items from the oldest on."""
        plain = msgspec.structs.replace(request, context=_without_history(request.context))
        answer = self.model.recommend(plain, recommendation_id)
        reason = self._reason(request.context, answer)
        if reason is None:
            return msgspec.structs.replace(answer, model=self.name)
        context = {name: value for name, value in {HISTORY: request.context.get(HISTORY)}.items() if value is not None}
        if self.user_field in request.context:
            context[USER] = request.context[self.user_field]
        answered = self.cold_start_model.recommend(msgspec.structs.replace(request, context=context), recommendation_id)
        items = tuple(_explained(item, reason) for item in answered.items)
        return msgspec.structs.replace(answered, model=self.name, items=items, unknown_values=answer.unknown_values)

    def _reason(self, context: Mapping[str, Any], answer: Recommendation) -> str | None:
        """Why the cold-start model answers; None where the trained model does."""
        user, history = context.get(self.user_field), context.get(HISTORY)
        if not (history or (history is None and self.cold_start_model.knows(user))):
            return None
        if user is None:
            return f"No `{self.user_field}` is named, so the history is answered by the nearest ones."
        if any(part.field == self.user_field for part in answer.unknown_values):
            return f"The model knows no `{self.user_field}` {user!r}, so the history is answered by the nearest ones."
        return None


class _UpdatesOfBoth:
    """Item fields of the trained model, which are then told to the cold-start model; see `DescribesItems`."""

    def __init__(self, updates: DescribesItems, tell: Callable[[], None]) -> None:
        self._updates, self._tell = updates, tell
        self.check, self.fitting, self.shown = updates.check, updates.fitting, updates.shown

    @property
    def item_fields(self) -> tuple[str, ...]:
        """See `DescribesItems.item_fields`."""
        return self._updates.item_fields

    @property
    def revision(self) -> int | None:
        """See `DescribesItems.revision`."""
        return self._updates.revision

    def describe(self, fields: Mapping[str, Mapping[str, Any]], revision: int | None) -> None:
        """See `DescribesItems.describe`."""
        self._updates.describe(fields, revision)
        self._tell()


def _without_history(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != HISTORY}


def _explained(item: RecommendedItem, reason: str) -> RecommendedItem:
    if item.explanation is None:
        return item
    explanation = msgspec.structs.replace(item.explanation, sentence=f"{reason} {item.explanation.sentence}")
    return msgspec.structs.replace(item, explanation=explanation)
