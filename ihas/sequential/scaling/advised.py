"""Which size to train next, as values: what was measured, what is predicted, what is advised."""

from __future__ import annotations

from ihas.config.base import Config
from ihas.config.transformer import TransformerConfig
from ihas.results.run_result import Interval


class Measured(Config):
    """One size that was trained."""

    num_layers: int
    """Layers."""
    dim: int
    """Dimensions of an item's embedding and of the hidden states."""
    losses: tuple[float, ...]
    """Cross-entropy in nats, one a seed."""
    seconds: float
    """Mean wall time of a training."""
    ndcg: float | None = None
    """Mean NDCG@10 of the test items, where it was measured."""

    @property
    def parameters(self) -> int:
        """N = 12 L d^2."""
        return TransformerConfig(num_layers=self.num_layers, dim=self.dim).num_parameters


class Advised(Config):
    """A size with what it is expected to bring."""

    num_layers: int
    """Layers."""
    dim: int
    """Dimensions of an item's embedding and of the hidden states."""
    parameters: int
    """N."""
    seconds: float
    """Predicted wall time of a training."""
    loss: Interval | None
    """Loss by the law with its 95 % interval over seeds; absent where no law could be fitted."""
    measured: bool
    """Whether this size was trained already."""


class SizeOptimum(Config):
    """Where the performance law of NDCG@10 over layers and dim is largest."""

    num_layers: float
    """N*, not rounded."""
    dim: float
    """d*, not rounded."""
    inside: bool
    """Whether both lie within the sizes that were trained; otherwise it is a guess beyond the data."""


class Advice(Config):
    """What to train, and why."""

    choice: Advised
    """The size."""
    considered: tuple[Advised, ...]
    """All sizes that the budget allows, smallest first."""
    exponent: Interval | None
    """alpha with its interval; absent where the losses follow no law."""
    reason: str
    """A sentence for a person."""
    optimum: SizeOptimum | None = None
    """Where ranking would be best by the performance law; absent where the sizes do not tell it."""
    optimum_reason: str = ""
    """What the sizes say of ranking, or why they say nothing."""
