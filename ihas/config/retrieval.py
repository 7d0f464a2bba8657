"""Settings `learning.retrieval`: the towers that choose what is scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count


class RetrievalConfig(Config):
    """Two-tower retrieval, which selects the items that are scored when there are too many to score all."""

    when: Literal["large", "always", "never"] = "large"
    """When the towers are trained. `large`: if there are more items than one request may score."""
    width: Count = 32
    """Dimensions of the towers' output vectors."""
    hidden: Count = 64
    """Hidden units of each tower."""
    epochs: Count = 10
    """Maximum number of epochs over the clicked training rows. The weights of the epoch with the best validation hit rate are kept."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.003
    """Learning rate of Adam."""
