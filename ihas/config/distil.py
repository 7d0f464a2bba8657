"""Settings `learning.distil`: the teacher."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count, Fraction


class DistilConfig(Config):
    """Distillation: a teacher, an ensemble of plain models, labels the rows that the search and all later stages learn from."""

    members: Annotated[int, Field(ge=0, le=64)] = 4
    """Number of plain models in the teacher. With 0 there is no teacher, and all stages learn from the clicks."""
    hidden: tuple[Count, ...] = (64, 32)
    """Minimum units of each hidden layer of a member. A teacher larger than the backbone can represent what a small backbone cannot."""
    copies: Annotated[int, Field(ge=0, le=16)] | None = None
    """Augmented rows for each training row: copies in which some fields' values come from other rows, labelled by the teacher. Without it,
    the number, from 1 to 8, that brings the table nearest to 200,000 augmented rows."""
    swap_fraction: Fraction = 0.1
    """Share of the fields of an augmented row whose value comes from another row."""
    l2_factor: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """Factor on `training.embedding_l2` when models learn from the teacher, whose labels leave less to overfit."""
