"""What a run of the kind `overrec` found, as one JSON document."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ihas.config.base import Config
from ihas.config.overrec import OverRecConfig, OverRecLearning
from ihas.results.run_result import Interval
from ihas.sequential.data.ranking import RankingMetrics


class Trial(Config):
    """Settings that were evaluated on the validation rows."""

    sigma_w: float
    """Deviation of the recurrent weights."""
    normalize: bool
    """Whether values were normalised."""
    num_neighbours: int
    """Prefixes that voted."""
    valid: RankingMetrics
    """Metrics on the validation rows."""


class RankedMethod(Config):
    """A way of recommending the next item."""

    name: str
    """`popularity`, `sknn` or `overrec`."""
    description: str
    """A sentence for a person."""
    valid: RankingMetrics
    """Metrics on the validation rows, on which its settings were chosen."""
    test: RankingMetrics
    """Metrics on the test rows."""
    gain: Interval | None
    """Test NDCG@10 minus popularity's on the same rows; absent for popularity itself."""


class OverRecResult(Config):
    """Everything that a run found."""

    kind: Literal["overrec"] = "overrec"
    """What the run made."""
    name: str
    """Model name."""
    users: int
    """Users."""
    items: int
    """Items."""
    interactions: int
    """Items of all sequences together."""
    chosen: OverRecConfig
    """Settings that the bundle serves."""
    verdict: str
    """What the metrics mean, in a sentence or two for a person."""
    contenders: tuple[RankedMethod, ...]
    """Popularity, SKNN and OverRec."""
    over_sknn: Interval | None = Field(default=None, exclude_if=lambda over_sknn: over_sknn is None)
    """Test NDCG@10 of OverRec minus SKNN's on the same rows; absent in results of version 0.1.0."""
    trials: tuple[Trial, ...]
    """Settings tried, in order."""
    seconds: dict[str, float]
    """Wall time by stage."""
    learning: OverRecLearning
    """Settings of the run."""
