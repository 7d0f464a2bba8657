"""Settings `learning.split`: how rows are divided into training, validation and test part."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from ihas.config.base import Config, Fraction, invalid


class SplitConfig(Config):
    """How rows are divided into training, validation and test part."""

    kind: Literal["random", "time", "given"] = "random"
    """`random` shuffles; `time` gives the latest rows to test, the ones before to validation; `given` reads `column`."""
    valid_fraction: Fraction = 0.1
    """Share of the rows used to choose: early stopping, groups, thresholds, the winning variant."""
    test_fraction: Fraction = 0.1
    """Share of the rows touched once, for the reported figures."""
    column: str | None = None
    """For `given`: the column whose cells are `train`, `valid` or `test`."""

    @model_validator(mode="after")
    def _fractions_leave_training_rows(self) -> Self:
        if self.valid_fraction + self.test_fraction >= 1.0:
            raise invalid(
                f"`valid_fraction + test_fraction < 1` must hold, but got ({self.valid_fraction}, {self.test_fraction}). "
                "Lower one of them so that rows are left to train on."
            )
        if (self.kind == "given") != (self.column is not None):
            raise invalid(f"`column` must be set exactly when `kind` is 'given', but got (kind={self.kind!r}, column={self.column!r}).")
        return self
