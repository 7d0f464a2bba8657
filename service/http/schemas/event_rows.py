"""Requests for rows of what was shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ihas.config.base import Config
from ihas.errors import RequestError
from ihas_service.datasets.event_files import FileForm
from ihas_service.http.schemas.instants import Instant
from ihas_service.storage.positive import Positive
from ihas_service.storage.shown_rows import RowsAsked

DAY_S, YEAR_S = 86_400.0, 31_536_000.0
Window = Annotated[float, Field(ge=0.0, le=YEAR_S, allow_inf_nan=False)]
Rule = Annotated[str, Field(min_length=1, max_length=80)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RowsQuery(BaseModel):
    """Which rows of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: FileForm = "parquet"
    """Parquet, which the service needs pyarrow for, or `jsonl`, a JSON object a line."""
    since: Instant | None = None
    """Earliest time of a row; without it, all that is kept."""
    until: Instant | None = None
    """Rows lie before this time; until now without it."""
    as_of: Instant | None = None
    """Reports after this time are not seen, and windows must have ended by it: the same question has the same rows. Now by default."""
    window_s: Window = DAY_S
    """Attribution window in seconds: an event belongs to an answer where it happened at most as long after it."""
    positive: Rule = "click"
    """What makes a row positive: a kind of event, or a kind compared with a number, such as `rating >= 4`."""
    open: bool = False
    """Whether rows come whose window has not ended: they may still become positive."""
    details: bool = False
    """Whether rows say where and by what an item was shown: rank, score, propensity, version, group, canary, explored."""
    version: Number | None = None
    """The version whose columns the rows have; the one that serves without it."""


class EventDataset(Config):
    """A data set to make from what was shown."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Display name."""
    since: Instant | None = None
    """Earliest time of a row; without it, all that is kept."""
    until: Instant | None = None
    """Rows lie before this time; until now without it."""
    as_of: Instant | None = None
    """Reports after this time are not seen, and windows must have ended by it. Now by default."""
    window_s: Window = DAY_S
    """Attribution window in seconds."""
    positive: Rule = "click"
    """What makes a row positive: a kind of event, or a kind compared with a number, such as `rating >= 4`."""
    open: bool = False
    """Whether rows come whose window has not ended."""
    details: bool = False
    """Whether rows say where and by what an item was shown; such columns are stored, and searches do not read them."""
    version: Number | None = None
    """The version whose columns the rows have; the one that serves without it."""


def rows_asked(asked: RowsQuery | EventDataset, tenant: str, model: str, now: float) -> RowsAsked:
    """The question with its times.

    Raises:
        RequestError: the rule for positive rows is none, or times are in no order.
    """
    as_of = now if asked.as_of is None else asked.as_of
    if as_of > now:
        raise RequestError(f"`as_of` must not lie in the future, but lies {as_of - now:,.0f} s ahead. Leave it out for now.", "/as_of")
    since, until = asked.since or 0.0, as_of if asked.until is None else asked.until
    if since >= until:
        raise RequestError(f"`since` must lie before `until`, but they are {since:,.0f} and {until:,.0f} s since 1970.", "/since")
    return RowsAsked(tenant, model, since, until, as_of, asked.window_s, Positive.read(asked.positive), asked.open)
