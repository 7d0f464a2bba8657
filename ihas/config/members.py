"""Settings `learning.members`: several small models beside the plain one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config

Several = Annotated[int, Field(ge=2, le=16)]


class MembersConfig(Config):
    """Several small embeddings and networks, trained together, whose mean logit counts."""

    counts: tuple[Several, ...] = (2, 4)
    """Numbers of members tried at the plain model's cost: the embedding's dimensions are divided among them, and hidden layers shrink
    until the members together cost no more. Validation chooses. Empty for the plain model alone."""
    larger: tuple[Several, ...] = (2, 4)
    """Factors on the embedding's dimensions: models of members of half the plain one's dimensions each, which cost more than it does, for
    the frontier. They are served only where `budget.multiply_adds` or `budget.candidates_p99_ms` admits them. Where `budget.multiply_adds`
    is stated, the most members, up to 16, that keep within twice as much are tried too, under hidden layers of one, two and four times the
    units."""
    prune: bool = True
    """Whether larger models, and members with hidden layers of half as many units again, drop their least sensitive dimensions until they
    cost as little as the plain model, in multiply-adds and in parameters, or keep within `budget.multiply_adds` and `budget.parameters`
    where these are stated."""
