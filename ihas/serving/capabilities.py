"""What recommenders can do beyond scoring and recommending: one protocol for each capability, and the values that they exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ihas.bundle.reference import NUM_BINS, Reference
from ihas.data.item_table import FieldValues
from ihas.data.schema import Schema
from ihas.serving.answers import Recommendation, RecommendRequest, Scored, UnknownValue


def no_margins() -> np.ndarray:
    """Counts of margins where the nearest centroid says the group: float64 (0, bins)."""
    return np.zeros((0, NUM_BINS))


@dataclass(frozen=True)
class ReadRows:
    """Rows of one request, as the model reads them.

    Attributes:
        ids: int32 (rows, num_slots).
        unknown: values of each row that the model does not know.
    """

    ids: np.ndarray
    unknown: Sequence[tuple[UnknownValue, ...]]


@dataclass(frozen=True)
class Observed:
    """Counts of routed rows; fractions where old rows were weighed down.

    Attributes:
        rows: float64 (num_groups,). Rows of each group.
        far: float64 (num_groups,). Those of them that are far from every group.
        gates: float64 (N,). Rows with each gate open; N is 0 where no gates are computed.
        margins: float64 (num_fields + 1, bins). Rows whose field's part of the margin, and whose margin, lies in each bin of the
            reference; no rows where the nearest centroid says the group.
    """

    rows: np.ndarray
    far: np.ndarray
    gates: np.ndarray
    margins: np.ndarray = field(default_factory=no_margins)

    @property
    def total(self) -> float:
        """Rows."""
        return float(self.rows.sum())

    def plus(self, other: Observed) -> Observed:
        """Both together."""
        return Observed(self.rows + other.rows, self.far + other.far, self.gates + other.gates, self.margins + other.margins)

    def times(self, weight: float) -> Observed:
        """Every count multiplied by `weight`."""
        return Observed(self.rows * weight, self.far * weight, self.gates * weight, self.margins * weight)


@dataclass(frozen=True)
class GroupAnswer:
    """What the model of one group answers for a row.

    Attributes:
        group: number of the group.
        model: name of the model that scores the group's rows.
        score: probability of a click.
        distance: Euclidean distance of the row's masked embedding to the group's centroid; None where sums say the group.
        group_score: sum of the row for the group, in log-odds, of which the largest says the group; None where the nearest centroid does.
    """

    group: int
    model: str
    score: float
    distance: float | None
    group_score: float | None = None


class BatchScoring(Protocol):
    """Scores the rows of several requests in one call."""

    def read(self, rows: Sequence[Mapping[str, Any]]) -> ReadRows:
        """Rows of one request; RequestError as `Recommender.score`."""

    def score_read(self, requests: Sequence[ReadRows]) -> list[list[Scored]]:
        """What `Recommender.score` gives for each request."""

    def is_quick(self, request: RecommendRequest) -> bool:
        """Whether `Recommender.recommend` takes less time than handing it to a thread."""


class GroupRouting(Protocol):
    """Routes each row to one of several groups, each with a model."""

    @property
    def num_groups(self) -> int:
        """Number of groups, at least 1."""

    @property
    def training_shares(self) -> Mapping[int, float]:
        """Share of the training rows of each group; empty where it is not known."""

    def group_of(self, stated: Mapping[str, Any]) -> int | None:
        """Group of what a request states, its item or its context alone; None where it cannot be read."""

    def ask_every_group(self, row: Mapping[str, Any]) -> tuple[int, tuple[GroupAnswer, ...]]:
        """Group of a row, and what the model of every group answers for it, by group.

        Raises:
            RequestError: with a pointer into `/row`.
        """


class RoutingObserver(Protocol):
    """Counts how rows are routed, for comparison with the training rows."""

    @property
    def reference(self) -> Reference:
        """How the training rows were routed."""

    @property
    def field_names(self) -> tuple[str, ...]:
        """Fields whose gates are counted, in the order of the gates."""

    def observe(self, stated: Sequence[Mapping[str, Any]], items: Sequence[str] | None) -> Observed | None:
        """How rows are routed; None where there is nothing to count.

        Args:
            stated: rows, or one context.
            items: ids of recommended items of the item table; None for rows.

        Raises:
            RequestError: they cannot be read.
        """


class RowModel(Protocol):
    """Says what the rows that it learnt from looked like, so that what it showed becomes such rows."""

    @property
    def schema(self) -> Schema:
        """What a request may state."""

    @property
    def described_items(self) -> tuple[Mapping[str, FieldValues], Sequence[str]] | None:
        """Item fields that filters may ask for, and names of the items; None without an item table."""

    def completed(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """The context with what is known of its user in the place of fields that it leaves out."""


@dataclass(frozen=True)
class PutItem:
    """What a version makes of fields that are put of an item.

    Attributes:
        new: whether its item table does not hold the item.
        unknown_values: values that the model does not know.
        left_out: fields that the version does not have, or that cannot have such a value.
    """

    new: bool
    unknown_values: tuple[UnknownValue, ...]
    left_out: tuple[str, ...] = ()


class DescribesItems(Protocol):
    """Takes fields of items in the place of those of its item table, and items that the table does not hold."""

    @property
    def item_fields(self) -> tuple[str, ...]:
        """Fields that may be put: of the item, of its timestamps, and those that are displayed."""

    @property
    def revision(self) -> int | None:
        """Of what was put last; None where nothing was."""

    def check(self, item: str, fields: Mapping[str, Any], pointer: str) -> PutItem:
        """What would become of fields of an item; nothing changes.

        Raises:
            RequestError: there is no such field, or it cannot have such a value; points behind `pointer`.
        """

    def fitting(self, item: str, fields: Mapping[str, Any]) -> PutItem:
        """What becomes of fields that were put for another version, maybe."""

    def shown(self, item: str) -> Mapping[str, Any] | None:
        """Values of an item's fields as they count now; None of an item that is not known."""

    def describe(self, fields: Mapping[str, Mapping[str, Any]], revision: int | None) -> None:
        """Let these fields count, by item, and no others that were put before; requests see all of it or nothing.

        Fields that the version does not have, and values that they cannot have, are left out.

        Args:
            fields: of an item that has not changed, the same object as before.
            revision: of them; nothing is done where it is that of what was put last. None has none.
        """


class TableModel(RowModel, Protocol):
    """Trained on a table of clicks: reads fields of a context and of an item."""

    @property
    def context_fields(self) -> tuple[str, ...]:
        """Names of the context's fields."""


class AppendsInteractions(Protocol):
    """Holds the interactions that it recommends from, and takes more of them without training."""

    def with_interactions(self, name: str, pairs: Sequence[tuple[str, str]], note: Mapping[str, Any]) -> Callable[[Path], None]:
        """What writes a bundle that holds more interactions into a folder.

        Args:
            name: model name of the bundle.
            pairs: user and item of each interaction, oldest first.
            note: what the bundle's summary says of the addition. JSON values only.

        Raises:
            RequestError: there is none, or a name is empty; points into `/interactions`.
        """


class ColdStartModel(Protocol):
    """Recommends from histories for users whom another model does not know."""

    @property
    def summary(self) -> dict[str, Any]:
        """What the run behind it found."""

    def knows(self, user: Any) -> bool:
        """Whether it holds a history of this user."""

    def describe_items(self, fields: Mapping[str, FieldValues], names: Sequence[str]) -> None:
        """Take over the item fields of the model that it complements, so that filters may ask for them.

        Args:
            fields: values of each item field, in the order of `names`.
            names: ids of the items.
        """

    def recommend(self, request: RecommendRequest, recommendation_id: str | None = None) -> Recommendation:
        """See `Recommender.recommend`."""
