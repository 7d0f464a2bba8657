"""Requests and responses about what another version would have earned."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from ihas.config.base import Config
from ihas_service.http.schemas.event_rows import DAY_S, YEAR_S, Number, Rule, Window
from ihas_service.models.experiments import off_policy
from ihas_service.models.experiments.replay import Replayed

WEEK_S = 7 * DAY_S
MAX_ANSWERS = 20_000


class OffPolicyQuery(BaseModel):
    """Which version, on which answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Number | None = None
    """The version; the one that serves without it."""
    within_s: Annotated[float, Field(gt=0.0, le=YEAR_S, allow_inf_nan=False)] = WEEK_S
    """Seconds back from now."""
    window_s: Window = DAY_S
    """Attribution window in seconds: an event belongs to an answer where it happened at most as long after it."""
    positive: Rule = "click"
    """What counts: a kind of event, or a kind compared with a number, such as `rating >= 4`."""
    open: bool = False
    """Whether answers count whose window has not ended."""
    answers: Annotated[int, Field(ge=1, le=MAX_ANSWERS)] = 5_000
    """Newest answers that are read."""
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.95
    """Of the intervals."""


class EstimateOnline(Config):
    """An estimate, in positive items per answer."""

    value: float
    """The estimate."""
    low: float | None
    """Lower end of its interval, which holds at one look; absent where the answers say nothing."""
    high: float | None
    """Upper end."""
    effective: float
    """Effective number of shown items, (sum of weights)^2 / sum of squared weights (Kish 1965); of `served`, the number of answers."""

    @classmethod
    def of(cls, found: off_policy.Estimate) -> Self:
        """The wire form of an estimate."""
        low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
        return cls(value=found.value, low=low, high=high, effective=found.effective)


class OffPolicy(Config):
    """What a version would have earned on the answers that were given while orders were drawn (`explore` of the traffic)."""

    model: str
    """The model."""
    version: int
    """The version that ranks the items of each answer's pool anew."""
    within_s: float
    """Length of the period until now in seconds."""
    answers: int
    """Answers that the estimates are made of."""
    explored: int
    """Of these, with an order that was drawn."""
    left_out: int
    """Answers without a context, or with one that the version cannot read."""
    served: EstimateOnline
    """Mean of what was shown, over the same answers."""
    ips: EstimateOnline
    """Inverse propensity scoring (Horvitz and Thompson 1952): unbiased."""
    snips: EstimateOnline
    """Self-normalised (Swaminathan and Joachims 2015): a small bias, a smaller variance."""
    doubly_robust: EstimateOnline
    """With the version's scores as the model of rewards (Dudik, Langford and Li 2011): unbiased, whatever they are."""

    @classmethod
    def of(cls, model: str, version: int, within_s: float, found: Replayed) -> Self:
        """The wire form of estimates."""
        return cls(
            model=model,
            version=version,
            within_s=within_s,
            answers=found.answers,
            explored=found.explored,
            left_out=found.left_out,
            served=EstimateOnline.of(found.served),
            ips=EstimateOnline.of(found.ips),
            snips=EstimateOnline.of(found.snips),
            doubly_robust=EstimateOnline.of(found.doubly_robust),
        )
