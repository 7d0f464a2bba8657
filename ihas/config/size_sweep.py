"""Settings of a ladder, the same transformer in several sizes, and of a transfer between domains."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Fraction, invalid
from ihas.config.data import DataConfig
from ihas.config.run import RunOptions
from ihas.config.transformer import TransformerConfig, TransformerLearning, TransformerTraining

Size = Annotated[tuple[int, int, int], Field(description="Layers, dim and heads.")]


class SizeSweepLearning(Config):
    """What is trained to learn how the loss falls with size."""

    sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=32)] = ((2, 8, 1), (2, 16, 1), (2, 32, 1))
    """Layers, dim and heads of each size."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1, max_length=32)] = (0, 1, 2)
    """Seeds of every size."""
    fractions: Annotated[tuple[Fraction, ...], Field(max_length=8)] = ()
    """Shares of the training users that every size is trained on too, for the joint law."""
    transformer: TransformerConfig = TransformerConfig()
    """Settings that all sizes share; layers, dim and heads are those of `sizes`."""
    training: TransformerTraining = TransformerTraining(stop_by="loss")
    """The training of every size; `seed` is that of `seeds`."""
    tasks: bool = False
    """Whether every size is also asked for long-tail items, short histories, disturbed histories, two items ahead, and coverage."""

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
    """One file that says what a ladder is; it makes advice, and no model."""

    kind: Literal["size-sweep", "ladder"] = "size-sweep"
    """What it makes."""
    name: str = Field(default="ladder", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the ladder."""
    data: DataConfig
    """Where the sequences are: `format = "sequences"`, or `interactions`."""
    learning: SizeSweepLearning = SizeSweepLearning()
    """What is trained."""
    seconds: Annotated[float, Field(gt=0.0)] | None = None
    """Wall time that one training of the advised size may take; without it, nothing is advised."""
    run: RunOptions = RunOptions()
    """How it is run."""

    @model_validator(mode="after")
    def _advice_needs_a_law(self) -> Self:
        if self.seconds is not None:
            self.learning.check_advisable()
        return self


class TransferRecipe(Config):
    """One file that says between which domains a transformer carries over; it makes figures, and no model."""

    kind: Literal["transfer"] = "transfer"
    """What it makes."""
    name: str = Field(default="transfer", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the study."""
    data: DataConfig
    """Sequences of the domain that is judged; without `other`, both halves of its items."""
    other: DataConfig | None = None
    """Sequences of the other domain, which shares neither users nor items; without it, the items of `data` are drawn into two halves."""
    learning: TransformerLearning = TransformerLearning()
    """The training, the same alone and with both."""
    run: RunOptions = RunOptions()
    """How it is run."""
