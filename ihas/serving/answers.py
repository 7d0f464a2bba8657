"""Requests and answers, as values that `msgspec` writes to JSON and reads from it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class DiversityRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How alike the answers may be.

    Attributes:
        field: an item field.
        at_most: most items of one of its values. From the best on, an item is passed over where one of its values is used up; an item
            without a value uses up none (greedy; our choice).
    """

    field: str
    at_most: int


class RecommendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which items, for whom.

    Attributes:
        context: value of each context field; a field left out is missing.
        candidates: items to choose from, by id; without it, the item table.
        k: most items to return.
        exclude: items that must not be returned.
        explain: whether each item says why it is where it is.
        filter: what the item fields must say of an item: `year >= 1990 and genre in ("Drama", "War")`.
        diversity: how alike the answers may be.
        exclude_seen: whether items that the user has clicked, as far as the bundle knows, are left out.
        fields: item fields, and columns that are only displayed, whose values each item is answered with.
        retrieve: items that retrieval chooses to be scored, where the model has it and `candidates` is left out; without it, all items
            are scored where they are 10,000 or fewer, and else 1,000 are retrieved, or more for a large `k` or `diversity`.
    """

    context: dict[str, Any] = {}
    candidates: tuple[str | int | float, ...] | None = None
    k: int = 10
    exclude: tuple[str | int | float, ...] = ()
    explain: bool = False
    filter: str | None = None
    diversity: DiversityRule | None = None
    retrieve: int | None = None
    exclude_seen: bool = False
    fields: tuple[str, ...] = ()


class UnknownValue(msgspec.Struct, frozen=True):
    """A value that the training rows did not hold, or too rarely: its field, and the value as it was given."""

    field: str
    value: Any


class Contribution(msgspec.Struct, frozen=True):
    """What one field does to one score.

    Attributes:
        field: its name.
        values: what the cell holds, as the encoder understood it.
        logit: logit of the row minus the logit of the same row with this field's value unknown; above 0, the value
            raises the score. Group and gates stay as they were (occlusion; our choice). Of the model's own logits, before calibration.
    """

    field: str
    values: tuple[str, ...]
    logit: float


class Explanation(msgspec.Struct, frozen=True):
    """Why a row was scored as it was.

    Attributes:
        sentence: the reason in words.
        distances: Euclidean distance of the row's masked embedding to every group's centroid; empty where sums say the group.
        runner_up: second nearest group, or that of the second largest sum; None where there is one group only.
        margin: distance to the runner-up minus distance to the row's group; where sums say the group, its sum minus the runner-up's, the
            log-odds of the two.
        path: name of the model that scored the row.
        dim: dimensions of a field's embedding before the search.
        gates_open: open gates of each field, out of `dim`; empty where no gates are computed.
        kept_dims: dimensions of each field that this model reads, out of `dim`.
        contributions: what each field does to the score, in the order of the fields.
        group_scores: sum of the row for every group, in log-odds, of which the largest says the group; empty where the nearest centroid
            does.
        group_bias: what speaks for the row's group against the runner-up in every row alike, in log-odds; None without `group_scores`.
        group_contributions: what each field adds to the margin, in log-odds; with `group_bias` they add up to it exactly.
    """

    sentence: str
    distances: tuple[float, ...]
    runner_up: int | None
    margin: float | None
    path: str
    dim: int
    gates_open: dict[str, int]
    kept_dims: dict[str, int]
    contributions: tuple[Contribution, ...]
    group_scores: tuple[float, ...] = ()
    group_bias: float | None = None
    group_contributions: dict[str, float] = {}


class Scored(msgspec.Struct, frozen=True):
    """A row's score.

    Attributes:
        score: probability of a click, in (0, 1); where the label is a number, the place of the expected one in its range.
        logit: log-odds of the score.
        group: the row's group.
        unknown_values: values that the model does not know.
        explanation: present where it was asked for.
        value: number expected; present where the label is a number.
        scores: probability of each label by its name; present where there are several. `score` is the product of them to their exponents.
    """

    score: float
    logit: float
    group: int
    unknown_values: tuple[UnknownValue, ...]
    explanation: Explanation | None = None
    value: float | msgspec.UnsetType = msgspec.UNSET
    scores: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


class RecommendedItem(msgspec.Struct, frozen=True):
    """An item in its place.

    Attributes:
        id: item id.
        score: probability of a click, in (0, 1); where the label is a number, the place of the expected one in its range.
        rank: place, from 1.
        group: group that the context with this item falls into.
        explanation: present where it was asked for.
        fields: values of the fields that were asked for, in the order of their names in the request; a missing one is left out.
        value: number expected; present where the label is a number.
        scores: probability of each label by its name; present where there are several. `score` is the product of them to their exponents.
    """

    id: str
    score: float
    rank: int
    group: int
    explanation: Explanation | None = None
    fields: dict[str, str | tuple[str, ...]] = {}
    value: float | msgspec.UnsetType = msgspec.UNSET
    scores: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


class Retrieved(msgspec.Struct, frozen=True):
    """That not all items were scored.

    Attributes:
        items: that were retrieved, and then scored.
        of_items: that they were chosen from, after exclusions and the filter.
        method: `exact`, or `approximate` where there are more than a million items.
        put: those of them that were scored because their fields were put after the training.
    """

    items: int
    of_items: int
    method: Literal["exact", "approximate"]
    put: int = 0


class Recommendation(msgspec.Struct, frozen=True):
    """The best items, best first; ties in the order of their ids.

    Attributes:
        recommendation_id: name of this answer, given by the caller.
        model: name of the model that answered.
        items: at most k items.
        num_scored: candidates that were scored.
        unknown_candidates: candidates that are not in the item table; they were left out.
        unknown_values: context values that the model does not know.
        retrieved: how the scored items were chosen; None where no retrieval was needed.
        degraded_groups: groups whose own model failed its check; the shared model scored their items.
        profile_fields: fields of the context that the request left out, and that are known of its user.
        seen_excluded: items that were left out because the user has clicked them.
    """

    recommendation_id: str | None
    model: str
    items: tuple[RecommendedItem, ...]
    num_scored: int
    unknown_candidates: tuple[str, ...]
    unknown_values: tuple[UnknownValue, ...]
    retrieved: Retrieved | None = None
    degraded_groups: tuple[int, ...] = ()
    profile_fields: tuple[str, ...] = ()
    seen_excluded: int = 0
