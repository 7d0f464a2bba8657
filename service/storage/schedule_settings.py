"""When a model is refreshed by itself, and on what."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from ihas.config.base import Config, Count
from ihas.config.data import WindowConfig
from ihas.config.refresh import RefreshConfig
from ihas.errors import RequestError
from ihas_service.cron import MAX_CHARACTERS, MIN_GAP_S, check_cron, check_zone
from ihas_service.storage.positive import Positive
from ihas_service.storage.promotion_settings import AutoPromote

HOUR_S = 3_600.0
YEAR_S = 366 * 86_400.0


class Triggers(Config):
    """Figures of which one is enough to start a run, as long as the data set has a version that is newer than the one learnt from."""

    new_rows: Annotated[int, Field(ge=1, le=2**53)] | None = None
    """Rows of the newest valid version beyond those of the version learnt from, at least."""
    drift_above: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    """Population stability index, of a field in newly appended rows beyond what chance gives, or of the groups of served rows, above which
    a run starts. 0.25 is a large change."""
    click_through_below: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Clicks per impression of the version that serves, below which a run starts."""
    within_s: Annotated[float, Field(ge=HOUR_S, le=YEAR_S)] = 86_400.0
    """Seconds over which clicks and impressions are counted."""
    impressions: Count = 1_000
    """Impressions within that time, or served rows, of which fewer say nothing."""
    pause_s: Annotated[float, Field(ge=MIN_GAP_S, le=YEAR_S)] = HOUR_S
    """Seconds between two runs, at least."""

    @model_validator(mode="after")
    def _something_triggers(self) -> Self:
        if self.new_rows is None and self.drift_above is None and self.click_through_below is None:
            raise ValueError("`triggers` must state `new_rows`, `drift_above` or `click_through_below`, but states none.")
        return self


class ScheduledRefresh(Config):
    """The refresh that a schedule starts: the version that serves is carried on, or the newest one where none serves."""

    dataset_id: Annotated[str, Field(min_length=1, max_length=64)]
    """Data set with the columns that the model was trained on; its newest valid version is read."""
    window: WindowConfig | None = None
    """Only the newest rows count; all by default."""
    settings: RefreshConfig = RefreshConfig()
    """How the model learns on."""
    auto_promote: AutoPromote | None = None
    """Whether the version goes live without a person: `first`, `passing`, if it meets the gates, or `never`. By default as the model's
    settings say, and IHAS_AUTO_PROMOTE."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Jobs of higher priority start first."""


class AppendedEvents(Config):
    """What was shown since the last run, as rows that are appended to the data set before a refresh; with `triggers` also between runs."""

    positive: Annotated[str, Field(min_length=1, max_length=80)] = "click"
    """What makes a row positive: a kind of event, or a kind compared with a number, such as `rating >= 4`."""
    window_s: Annotated[float, Field(ge=0.0, le=YEAR_S, allow_inf_nan=False)] = 86_400.0
    """Attribution window in seconds: an event belongs to an answer where it happened at most so long after it. Rows whose window has not
    ended wait for the next run."""
    since: Annotated[float, Field(ge=0.0, le=2**33, allow_inf_nan=False)] = 0.0
    """Earliest time of a row, in seconds since 1970, at the first run; all that is kept by default. Later runs go on where the last one
    ended."""

    every_s: Annotated[float, Field(ge=600.0, le=YEAR_S, allow_inf_nan=False)] = 86_400.0
    """With `triggers`: seconds after which what was shown is appended though no figure asks for a run, so that those of the data set see
    it."""

    @field_validator("positive")
    @classmethod
    def _is_a_rule(cls, positive: str) -> str:
        try:
            Positive.read(positive)
        except RequestError as error:
            raise ValueError(str(error)) from None
        return positive


class ScheduleSettings(Config):
    """When a model is refreshed by itself, and on what: at times (`cron`), or when a figure asks for it (`triggers`)."""

    cron: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    """Minute, hour, day of the month, month and day of the week, such as `0 3 * * 1`; ten minutes or more between two runs."""
    zone: str = "UTC"
    """Time zone in which `cron` is read, such as `Europe/Berlin`."""
    triggers: Triggers | None = None
    """Figures that start a run; looked at every minute."""
    refresh: ScheduledRefresh
    """What runs."""
    append_events: AppendedEvents | None = None
    """Append what was shown since the last run to the data set, and refresh once the new version is valid."""

    @field_validator("cron")
    @classmethod
    def _comes(cls, cron: str | None) -> str | None:
        if cron is not None:
            check_cron(cron)
        return cron

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        check_zone(zone)
        return zone

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cron is None) == (self.triggers is None):
            found = "none is" if self.cron is None else "both are"
            raise ValueError(f"A schedule states either `cron` or `triggers`, but {found} stated.")
        return self
