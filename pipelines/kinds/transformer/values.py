"""What a run of the kind `transformer` found, as one JSON document."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config
from ihas.config.transformer import TransformerEpoch, TransformerLearning
from ihas.results.run_result import Interval
from ihas.sequential.data.ranking import RankingMetrics


class TransformerResult(Config):
    """Everything that a run found. Metrics: leave-one-out, full ranking, history hidden, ties against the target."""

    kind: Literal["transformer"] = "transformer"
    """What the run made."""
    name: str
    """Model name."""
    users: int
    """Users."""
    items: int
    """Items."""
    interactions: int
    """Items of all sequences together."""
    parameters: int
    """N = 12 layers d^2, without embeddings."""
    verdict: str
    """What the metrics mean, in a sentence or two for a person."""
    history: tuple[TransformerEpoch, ...]
    """Epochs."""
    test: RankingMetrics
    """Test metrics."""
    loss: float
    """Cross-entropy of the test items over all items, in nats."""
    popularity: RankingMetrics
    """Test metrics of ranking all items by how often they were taken."""
    gain: Interval
    """Test NDCG@10 minus popularity's on the same rows."""
    seconds: dict[str, float]
    """Wall time by stage."""
    learning: TransformerLearning
    """Settings of the run."""
