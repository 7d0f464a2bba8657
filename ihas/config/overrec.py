"""Settings of the recurrent kernel and of the recommender that votes by it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, invalid
from ihas.config.data import DataConfig
from ihas.config.run import RunOptions

Sigma = Annotated[float, Field(ge=0.0, le=100.0)]


class KernelConfig(Config):
    """Kernel of an infinitely wide recurrent network, between item sequences."""

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
    """Standard deviation of the recurrent weights: how long a match is remembered."""
    sigma_u: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Standard deviation of the input weights."""
    sigma_b: Sigma = 0.0
    """Standard deviation of the biases."""
    sigma_v: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Standard deviation of the read-out weights."""
    sigma_h: Sigma = 0.0
    """Standard deviation of the initial hidden state, which every sequence draws for itself."""
    normalize: bool = False
    """Whether the kernel is normalised: divided by the square root of the product of both self-similarities."""

    @model_validator(mode="after")
    def _the_released_code_knows_it(self) -> Self:
        if self.mode == "reference" and (self.activation == "erf" or self.sigma_h != 0.0):
            raise invalid(
                f"The reference formula has `relu` or `linear` and no `sigma_h`, but got ({self.activation!r}, {self.sigma_h}). "
                "Use the mode 'exact'."
            )
        return self


class OverRecConfig(Config):
    """Nearest-neighbour recommender: the nearest prefixes vote for the item that came next. Nothing is trained."""

    kernel: KernelConfig = KernelConfig()
    """Similarity of two prefixes."""
    score: Literal["sum", "assign", "krr"] = "sum"
    """`sum`: an item's score is the sum of its neighbours' kernel values; `assign`: the largest of them (the released code, made
    deterministic); `krr`: kernel ridge regression on some of the prefixes."""
    num_neighbours: Annotated[int, Field(ge=1, le=1_000)] = 50
    """Number of neighbours: prefixes that vote."""
    max_length: Annotated[int, Field(ge=1, le=200)] = 50
    """Maximum number of items read from a history: the most recent ones."""
    krr_rows: Annotated[int, Field(ge=1, le=20_000)] = 4_000
    """Number of prefixes that `krr` is fitted on, drawn at random."""
    krr_ridge: Annotated[float, Field(gt=0.0)] = 0.1
    """Ridge penalty of `krr`, as a multiple of the mean of the kernel's diagonal."""
    popularity: Annotated[float, Field(gt=0.0, lt=1.0)] = 1e-3
    """Weight of popularity in the score. It orders items that no neighbour votes for."""
    hide_history: bool = True
    """Whether items of the history are excluded from recommendations."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of the prefixes drawn for `krr`."""

    @model_validator(mode="after")
    def _neighbours_need_the_last_step(self) -> Self:
        if self.score != "krr" and self.kernel.pooling == "average":
            raise invalid(
                "Neighbours are found for `pooling = 'last'`, where only matches at equal distance from the end count, but got 'average'. "
                "Use `score = 'krr'`, or the other pooling."
            )
        return self


class OverRecLearning(Config):
    """Hyperparameter search on validation rows."""

    recommender: OverRecConfig = OverRecConfig()
    """Settings; the searched ones are replaced by the best candidates."""
    sigma_w: Annotated[tuple[Sigma, ...], Field(min_length=1)] = (0.3, 0.6, 1.0)
    """Candidates of `kernel.sigma_w`."""
    normalize: Annotated[tuple[bool, ...], Field(min_length=1)] = (False, True)
    """Candidates of `kernel.normalize`."""
    num_neighbours: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000)], ...], Field(min_length=1)] = (10, 50, 100, 200)
    """Candidates of `num_neighbours`; not used by `krr`."""
    session_neighbours: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (50, 100, 200, 500)
    """Candidate numbers of neighbours of SKNN, the baseline method."""


class OverRecRecipe(Config):
    """Recipe of a run of the kind `overrec`."""

    kind: Literal["overrec"] = "overrec"
    """Kind of the recipe."""
    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model."""
    data: DataConfig
    """Where the sequences are: `format = "sequences"`, or `interactions`."""
    learning: OverRecLearning = OverRecLearning()
    """Hyperparameter search."""
    run: RunOptions = RunOptions()
    """Settings of the machine."""
