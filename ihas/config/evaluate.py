"""Settings `learning.evaluate`: what is compared and recorded."""

from __future__ import annotations

from ihas.config.base import Config, Count


class EvaluateConfig(Config):
    """Stage 4: the figures."""

    controls: bool = True
    """Whether to train the controls too: random groups, K-means on e, and K-means on what validation did not choose."""
    num_golden_rows: Count = 32
    """Test rows whose scores travel in the bundle and must be met before it serves."""
    fallback: bool = True
    """Whether the plain model travels with groups' models, to serve a group whose own fails its check; no figure counts it."""
