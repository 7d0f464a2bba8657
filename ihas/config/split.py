"""Settings `learning.split`: how rows are divided into training, validation and test part."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Fraction, invalid


class SplitConfig(Config):
    """How rows are split into training, validation and test rows."""

    kind: Literal["random", "time", "given"] = "random"
    """`random`: a random split; `time`: the latest rows are test rows, those before them validation; `given`: see `column`."""
    valid_fraction: Fraction = 0.1
    """Share of validation rows, which decide early stopping, groups, thresholds and the served variant."""
    test_fraction: Fraction = 0.1
    """Share of test rows, which are read once, for the reported metrics."""
    column: str | None = None
    """Column whose cells are `train`, `valid` or `test`; only for `given`."""
    group: str | None = Field(default=None, exclude_if=lambda group: group is None)
    """Column, such as `user`, of whose values each falls into one part with all its rows; only for `random`. Parts then have these
    fractions of the values, about."""

    @model_validator(mode="after")
    def _fractions_leave_training_rows(self) -> Self:
        if self.valid_fraction + self.test_fraction >= 1.0:
            raise invalid(
                f"`valid_fraction + test_fraction < 1` must hold, but got ({self.valid_fraction}, {self.test_fraction}). "
                "Lower one of them so that rows are left to train on."
            )
        if (self.kind == "given") != (self.column is not None):
            raise invalid(f"`column` must be set exactly when `kind` is 'given', but got (kind={self.kind!r}, column={self.column!r}).")
        if self.group is not None and self.kind != "random":
            raise invalid(f"`group` must be set for a random split alone, but `kind` is {self.kind!r}. Leave one of them out.")
        return self
