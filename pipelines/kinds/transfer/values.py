"""Result of a run of the kind `transfer`, as one JSON document."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config
from ihas.results.next_steps import more_rows
from ihas.results.run_result import Interval
from ihas.sequential.data.ranking import RankingMetrics


class Transfer(Config):
    """Gain of a domain from another one."""

    kind: Literal["transfer"] = "transfer"
    """Kind of the run."""
    name: str = "transfer"
    """Name of the study."""
    task: str
    """`mixed` or `disjoint`."""
    alone: RankingMetrics
    """Metrics after training on the domain alone."""
    both: RankingMetrics
    """Metrics after training on both."""
    gain: float
    """NDCG@10 of both over that of the domain alone, minus 1."""
    difference: Interval
    """NDCG@10 of both minus that of the domain alone, on the same rows, with its 95 % interval over rows."""

    @property
    def verdict(self) -> str:
        """The result in a line."""
        alone, both, by = self.alone.ndcg[10], self.both.ndcg[10], self.difference
        line = f"{self.task}: NDCG@10 {alone:.4f} alone, {both:.4f} with both ({self.gain:+.1%}; {by.low:+.4f} to {by.high:+.4f})"
        if by.low > 0.0:
            return f"{line}. Next: train on both."
        alone_is_better = "Next: train on the domain alone."
        return f"{line}. {alone_is_better if by.high < 0.0 else more_rows('both', by, self.both.rows, alone_is_better)}"
