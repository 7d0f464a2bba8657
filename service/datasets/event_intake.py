"""Events as they are reported: what belongs to an answer or to a model is kept, and the rest is rejected, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ihas.data.cells import cell_number, cell_text
from ihas.data.schema import Field
from ihas.extensions.suggest import did_you_mean
from ihas.serving.capabilities import RowModel
from ihas_service.storage.contexts import MAX_CONTEXT_BYTES, kept_context, user_of
from ihas_service.storage.direct_events import DirectEvent
from ihas_service.storage.feedback import CLICK, KEPT_ITEMS, Answer, Deed

SKEW_S = 300.0
"""Seconds that a reporter's clock may be ahead of the database's, or behind it."""


class Reported(Protocol):
    """An event as it was reported."""

    recommendation_id: str | None
    model: str | None
    context: dict[str, Any] | None
    item_id: str
    kind: str
    value: float | None
    at: float | None


class Sorted(NamedTuple):
    """A report that was looked through.

    Attributes:
        deeds: events on answers.
        direct: events without an answer.
        rejected: index and reason.
    """

    deeds: list[tuple[Deed, Answer]]
    direct: list[DirectEvent]
    rejected: list[tuple[int, str]]


@dataclass(frozen=True)
class Intake:
    """Looks through events of one tenant.

    Attributes:
        now: seconds since 1970 by the database's clock.
        kept_s: seconds that events are kept.
        answers: answers that the events refer to, by id.
        model: the rows of a model; None where there is no such model, and a reason where it takes no such events.
    """

    tenant: str
    now: float
    kept_s: float
    answers: Mapping[str, Answer]
    model: Callable[[str], RowModel | None]

    def sort(self, events: Iterable[Reported]) -> Sorted:
        """What is kept of events, and what is not."""
        found = Sorted([], [], [])
        for index, event in enumerate(events):
            reason = self._too_far(event) or (
                self._take_direct(event, found.direct) if event.recommendation_id is None else self._take_deed(event, found.deeds)
            )
            if reason is not None:
                found.rejected.append((index, reason))
        return found

    def _too_far(self, event: Reported) -> str | None:
        if event.at is None:
            return None
        if event.at > self.now + SKEW_S:
            return f"`at` lies {event.at - self.now:,.0f} s in the future. Correct the clock, or the unit: seconds since 1970, or RFC 3339."
        if event.at < self.now - self.kept_s:
            return f"`at` lies more than {self.kept_s:,.0f} s back, and older events are not kept (IHAS_FEEDBACK_KEPT_S)."
        return None

    def _take_deed(self, event: Reported, deeds: list[tuple[Deed, Answer]]) -> str | None:
        answer = self.answers.get(str(event.recommendation_id))
        if answer is None:
            return f"There is no recommendation {event.recommendation_id!r}, or it has expired."
        if event.item_id not in answer.items:
            return _not_kept(answer, event.item_id)
        if event.at is not None and event.at < answer.at - SKEW_S:
            return f"`at` lies {answer.at - event.at:,.0f} s before the recommendation. Correct it, or leave it out."
        deeds.append((Deed(answer.id, event.item_id, event.kind, event.value, event.at), answer))
        return None

    def _take_direct(self, event: Reported, direct: list[DirectEvent]) -> str | None:
        name, stated = str(event.model), event.context or {}
        model = self.model(name)
        if model is None:
            return f"There is no model {name!r} whose rows events could become."
        item, context = cell_text(event.item_id), kept_context(stated)
        if context is None:
            return f"The context must have at most {MAX_CONTEXT_BYTES:,} bytes as JSON. State fewer values."
        if item is None or "\0" in item:
            return f"`item_id` must name an item, but got {event.item_id[:80]!r}."
        reason = unfit(model, stated)
        if reason is None and event.at is not None:
            user = user_of(model.schema.user_id, stated) if event.kind == CLICK else None
            direct.append(DirectEvent(self.tenant, name, context, stated, item, event.kind, event.value, event.at, user))
        return reason


def _not_kept(answer: Answer, item_id: str) -> str:
    if len(answer.items) < KEPT_ITEMS:
        return f"The recommendation did not contain item {item_id!r}."
    return f"Of a recommendation the first {KEPT_ITEMS} items are kept, and {item_id!r} is none of them."


def unfit(model: RowModel, stated: Mapping[str, Any]) -> str | None:
    """Why a context is none of the model's; None where it is one."""
    fields = {field.name: field for field in (*model.schema.stated_fields, *model.schema.fields) if field.role == "context"}
    for name, value in stated.items():
        field = fields.get(name)
        if field is None:
            return f"`context` has no field {name[:80]!r}.{did_you_mean(name, tuple(fields)) or ' There are ' + ', '.join(fields) + '.'}"
        if not _fits(field, value):
            wanted = {
                "categorical": "one value",
                "numeric": "a number",
                "multivalued": "values",
                "text": "a text",
                "vector": "a list of numbers",
            }[field.kind]
            return f"`context` must hold {wanted} for {name!r}, but got {repr(value)[:80]}."
    return None


def _fits(field: Field, value: Any) -> bool:
    """Whether a row can hold a stated value."""
    if field.kind == "vector":
        return value is None or (isinstance(value, list) and len(value) == field.dim and all(map(_is_number, value)))
    if field.kind == "multivalued" and isinstance(value, list):
        return all(map(_is_scalar, value))
    text = cell_text(value) if _is_scalar(value) else None
    if field.kind == "numeric" and text is not None and text not in field.missing:
        return cell_number(text) is not None
    return _is_scalar(value)


def _is_number(value: Any) -> bool:
    text = cell_text(value) if _is_scalar(value) else None
    return text is not None and cell_number(text) is not None


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
