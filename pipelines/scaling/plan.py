"""What a ladder trains: sizes x seeds on one file of sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ihas.config import Config, Fraction, RunOptions
from ihas.sequential.transformer_config import TransformerConfig, TransformerTraining
from pipelines.plan_file import beside, document_of

Size = Annotated[tuple[int, int, int], Field(description="Layers, dim and heads.")]


class LadderPlan(Config):
    """One ladder."""

    name: str
    """Name of the ladder."""
    sequences: Path
    """A user a line: the user, then items, oldest first."""
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)]
    """Layers, dim and heads of each size."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    """Seeds of every size."""
    fractions: tuple[Fraction, ...] = ()
    """Shares of the training users that every size is trained on too, for the joint law."""
    transformer: TransformerConfig = TransformerConfig()
    """Settings that all sizes share; layers, dim and heads are those of `sizes`."""
    training: TransformerTraining = TransformerTraining(stop_by="loss")
    """The training of every size; `seed` is that of `seeds`."""
    run: RunOptions = RunOptions()
    """How it is run."""

    def config(self, size: tuple[int, int, int]) -> TransformerConfig:
        """Settings of one size."""
        layers, dim, heads = size
        return TransformerConfig.model_validate({**dict(self.transformer), "num_layers": layers, "dim": dim, "num_heads": heads})


def read_ladder_plan(path: Path) -> LadderPlan:
    """Read a plan from TOML; a relative path starts at its folder, `$NAME` in it is the environment's.

    Raises:
        ConfigError: no such file, not TOML, or a setting breaks a law.
    """
    with document_of(path, "plan") as document:
        if "sequences" in document:
            document["sequences"] = beside(path, document["sequences"])
        plan = LadderPlan.model_validate({"name": path.stem, **document})
        for size in plan.sizes:
            plan.config(size)
        return plan
