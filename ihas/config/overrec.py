"""Settings of the recurrent kernel and of the recommender that votes by it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, invalid
from ihas.config.data import DataConfig
from ihas.config.run import RunOptions

Sigma = Annotated[float, Field(ge=0.0, le=100.0)]


class KernelConfig(Config):
    """An infinitely wide recurrent network, as the kernel between item sequences that it is."""

    mode: Literal["exact", "reference"] = "exact"
    """`exact`: the network's limit; `reference`: what OverRec's released code computes, without normalisation and clipped."""
    function: Literal["ntk", "nngp"] = "ntk"
    """`ntk`: the network trained by gradient descent; `nngp`: its read-out alone trained."""
    activation: Literal["relu", "erf", "linear"] = "relu"
    """Activation of the hidden units."""
    num_layers: Annotated[int, Field(ge=1, le=8)] = 1
    """Recurrent layers."""
    pooling: Literal["last", "average"] = "last"
    """Whether the read-out sees the last hidden state or the average over time."""
    sigma_w: Sigma = 1.0
    """Deviation of the recurrent weights: how long a match is remembered."""
    sigma_u: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Deviation of the input weights."""
    sigma_b: Sigma = 0.0
    """Deviation of the biases."""
    sigma_v: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Deviation of the read-out weights."""
    sigma_h: Sigma = 0.0
    """Deviation of the initial hidden state, which every sequence draws for itself."""
    normalize: bool = False
    """Whether values are divided by the root of both sequences' values with themselves."""

    @model_validator(mode="after")
    def _the_released_code_knows_it(self) -> Self:
        if self.mode == "reference" and (self.activation == "erf" or self.sigma_h != 0.0):
            raise invalid(
                f"The reference formula has `relu` or `linear` and no `sigma_h`, but got ({self.activation!r}, {self.sigma_h}). "
                "Use the mode 'exact'."
            )
        return self


class OverRecConfig(Config):
    """Nearest prefixes vote for the item that came next; nothing is trained."""

    kernel: KernelConfig = KernelConfig()
    """What near means."""
    score: Literal["sum", "assign", "krr"] = "sum"
    """`sum`: an item's score is the sum of its neighbours' kernel values; `assign`: the largest of them (the released code, made
    deterministic); `krr`: kernel ridge regression on some of the prefixes."""
    num_neighbours: Annotated[int, Field(ge=1, le=1_000)] = 50
    """Prefixes that vote."""
    max_length: Annotated[int, Field(ge=1, le=200)] = 50
    """Most recent items of a history that are looked at."""
    krr_rows: Annotated[int, Field(ge=1, le=20_000)] = 4_000
    """Prefixes that `krr` is fitted on, drawn at random."""
    krr_ridge: Annotated[float, Field(gt=0.0)] = 0.1
    """Ridge of `krr`, as a multiple of the mean of the kernel's diagonal."""
    popularity: Annotated[float, Field(gt=0.0, lt=1.0)] = 1e-3
    """Share of the vote that goes by popularity, which orders items that no neighbour votes for."""
    hide_history: bool = True
    """Whether items of the history are left out of a recommendation."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Source of `krr`'s draw."""

    @model_validator(mode="after")
    def _neighbours_need_the_last_step(self) -> Self:
        if self.score != "krr" and self.kernel.pooling == "average":
            raise invalid(
                "Neighbours are found for `pooling = 'last'`, where only matches at equal distance from the end count, but got 'average'. "
                "Use `score = 'krr'`, or the other pooling."
            )
        return self


class OverRecLearning(Config):
    """What is tried on validation rows, and what is not."""

    recommender: OverRecConfig = OverRecConfig()
    """Settings; those that are tried are replaced by the best."""
    sigma_w: Annotated[tuple[Sigma, ...], Field(min_length=1)] = (0.3, 0.6, 1.0)
    """Deviations of the recurrent weights to try."""
    normalize: Annotated[tuple[bool, ...], Field(min_length=1)] = (False, True)
    """Whether to normalise, or both to try."""
    num_neighbours: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000)], ...], Field(min_length=1)] = (10, 50, 100, 200)
    """Numbers of neighbours to try; `krr` has none."""
    session_neighbours: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (50, 100, 200, 500)
    """Numbers of neighbours to try of SKNN, which is there to compare."""


class OverRecRecipe(Config):
    """One file that says what a run of the kind `overrec` is."""

    kind: Literal["overrec"] = "overrec"
    """What the run makes."""
    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model that comes out."""
    data: DataConfig
    """Where the sequences are: `format = "sequences"`, or `interactions`."""
    learning: OverRecLearning = OverRecLearning()
    """What is tried."""
    run: RunOptions = RunOptions()
    """How it is run."""
