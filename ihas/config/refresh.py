"""Settings of a refresh: a finished run carried on with newer rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config, Count


class RefreshConfig(Config):
    """How a model learns on. Everything else is as in the run that is refreshed."""

    epochs: Count = 2
    """Maximum number of epochs."""
    shrink: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Factor on the embedding table before a model learns on: 1 goes on from it as it is, 0 forgets it."""
    regroup_above: Annotated[float, Field(ge=0.0)] = 0.25
    """Group drift, the population stability index of the newest rows' groups against the training rows', above which groups and masks are
    formed anew from the search's gates; else they are kept."""
