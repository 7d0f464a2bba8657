"""Settings of a size sweep, the same transformer in several sizes, and of a transfer between domains."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Fraction, invalid
from ihas.config.data import DataConfig
from ihas.config.run import RunOptions
from ihas.config.transformer import TransformerConfig, TransformerLearning, TransformerTraining

Size = Annotated[tuple[int, int, int], Field(description="Layers, dim and heads.")]


class SizeSweepLearning(Config):
    """Models to train, from which the scaling law of the loss is fitted."""

    sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=32)] = ((2, 8, 1), (2, 16, 1), (2, 32, 1))
    """Layers, dim and heads of each size."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1, max_length=32)] = (0, 1, 2)
    """Seeds that every size is trained with."""
    fractions: Annotated[tuple[Fraction, ...], Field(max_length=8)] = ()
    """Shares of the training users on which every size is trained too, for the joint law of size and data."""
    transformer: TransformerConfig = TransformerConfig()
    """Settings that all sizes share; `sizes` replaces layers, dim and heads."""
    training: TransformerTraining = TransformerTraining(stop_by="loss")
    """Training settings of every size; `seeds` replaces `seed`."""
    tasks: bool = False
    """Whether every size is also evaluated on long-tail items, short histories, disturbed histories, two items ahead, and coverage."""

    @model_validator(mode="after")
    def _every_size_is_one(self) -> Self:
        for size in self.sizes:
            self.config(size)
        if len({size[:2] for size in self.sizes}) < len(self.sizes):
            raise invalid(f"Sizes must differ in layers or dim, but got {self.sizes}. Leave all but one of them out.")
        if self.tasks and not self.transformer.hide_history:
            raise invalid("`tasks` rank the items that a history does not hold, so `transformer.hide_history` must be true. Change one.")
        return self

    def check_advisable(self) -> None:
        """ValueError where these sizes can tell no law, and so no advice."""
        different = {self.config(size).num_parameters for size in self.sizes}
        if len(different) < 3:
            raise invalid(f"Advice needs three sizes with different 12 L d^2 or more, but `sizes` has {sorted(different)}. Add some.")

    def config(self, size: tuple[int, int, int]) -> TransformerConfig:
        """Settings of one size."""
        layers, dim, heads = size
        return TransformerConfig.model_validate({**dict(self.transformer), "num_layers": layers, "dim": dim, "num_heads": heads})


class SizeSweepRecipe(Config):
    """Recipe of a size sweep. Its result is advice, not a model."""

    kind: Literal["size-sweep", "ladder"] = "size-sweep"
    """Kind of the recipe."""
    name: str = Field(default="ladder", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the size sweep."""
    data: DataConfig
    """Where the sequences are: `format = "sequences"`, or `interactions`."""
    learning: SizeSweepLearning = SizeSweepLearning()
    """What is trained."""
    seconds: Annotated[float, Field(gt=0.0)] | None = None
    """Maximum wall time of one training of the advised size, in seconds. Without it, no size is advised."""
    run: RunOptions = RunOptions()
    """How it is run."""

    @model_validator(mode="after")
    def _advice_needs_a_law(self) -> Self:
        if self.seconds is not None:
            self.learning.check_advisable()
        return self


class TransferRecipe(Config):
    """Recipe of a transfer study between two domains. Its result is metrics, not a model."""

    kind: Literal["transfer"] = "transfer"
    """Kind of the recipe."""
    name: str = Field(default="transfer", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the study."""
    data: DataConfig
    """Sequences of the domain that is evaluated. Without `other`, its items are split into both domains."""
    other: DataConfig | None = None
    """Sequences of the other domain, which shares neither users nor items. Without it, the items of `data` are split at random in two."""
    learning: TransformerLearning = TransformerLearning()
    """Model and training settings, the same with one domain and with both."""
    run: RunOptions = RunOptions()
    """How it is run."""
