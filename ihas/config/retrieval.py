"""Settings `learning.retrieval`: the towers that choose what is scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count


class RetrievalConfig(Config):
    """The retrieval tower: which items are scored where they are too many to score all."""

    when: Literal["large", "always", "never"] = "large"
    """`large`: trained where there are more items than a request may have scored."""
    width: Count = 32
    """Dimensions of an item's vector."""
    hidden: Count = 64
    """Hidden units of either tower."""
    epochs: Count = 10
    """Most passes over the clicked training rows; the one that retrieves best on validation rows is kept."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.003
    """Learning rate of Adam."""
