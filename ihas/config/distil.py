"""Settings `learning.distil`: the teacher."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count, Fraction


class DistilConfig(Config):
    """Before the search: several plain models together, the teacher, label the rows that everything after learns from."""

    members: Annotated[int, Field(ge=0, le=64)] = 4
    """Plain models in the teacher; 0 for none: all learn from the clicks alone."""
    hidden: tuple[Count, ...] = (64, 32)
    """Least units of each hidden layer of a member, so that a teacher sees what a small backbone cannot tell."""
    copies: Annotated[int, Field(ge=0, le=16)] | None = None
    """Rows added for each training row, with some fields' values taken from other rows, which the teacher labels; without it,
    as many as bring a small table near 200,000 added rows, from 1 to 8."""
    swap_fraction: Fraction = 0.1
    """Share of an added row's fields that are taken from another row."""
    l2_factor: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """What remains of `training.embedding_l2` under the teacher, whose labels leave less to overfit."""
