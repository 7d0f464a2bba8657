"""What every backbone answers: kept embedding dimensions in, one logit out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.errors import ConfigError
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf


@dataclass(frozen=True)
class KeptDims:
    """Which of the num_fields * dim embedding elements a backbone receives.

    Attributes:
        mask: bool (num_fields, dim). True where kept.
    """

    mask: np.ndarray

    @cached_property
    def positions(self) -> np.ndarray:
        """Kept elements of the concatenated embedding, ascending: int64 (kept,)."""
        return np.flatnonzero(self.mask)

    @property
    def num_kept(self) -> int:
        """Values that enter the backbone."""
        return len(self.positions)

    @property
    def num_fields(self) -> int:
        """Fields, whether they keep a dimension or not."""
        return int(self.mask.shape[0])

    @staticmethod
    def all(num_fields: int, dim: int) -> KeptDims:
        """Every dimension kept."""
        return KeptDims(np.ones((num_fields, dim), dtype=bool))


class Backbone(tf.Module, ABC):
    """Network above the embedding.

    Laws, tested for every backbone in tests/contracts/backbone.py: the gradient reaches every parameter and every
    value; a dropped element is the same as a zero element, f_kept(e[kept]) = f_all(e * mask)
    for `restrict`ed weights; a batch gives what its rows give one by one.
    """

    uses_first_order: ClassVar[bool] = False
    """Whether the embedding table carries one more column, a weight per value, that `__call__` receives."""

    def __init__(self, kept: KeptDims, config: BackboneConfig) -> None:
        super().__init__(config.kind)
        self.kept, self.config = kept, config

    @abstractmethod
    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        """Logits.

        Args:
            values: float32 (batch, num_kept). Kept elements of the embedding, fields in order.
            first_order: float32 (batch, num_fields). Weight of each field's value, the sum of the members' own, where `uses_first_order`.
            seed: int32 (2,) in training, for dropout; None otherwise.

        Returns:
            float32 (batch,).
        """

    def member_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        """Logits of each member (ensemble.py), of which the logit is the mean; one column where there is one model.

        Args:
            values: float32 (batch, num_kept).
            first_order: float32 (batch, num_fields, members). Each member's own weight of each field's value.
            seed: int32 (2,) in training; None otherwise.

        Returns:
            float32 (batch, members).
        """
        return self(values, None if first_order is None else first_order[..., 0], seed)[:, None]

    def task_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        """Logits of each member for each task (heads.py), (batch, members, tasks); of one task here. Arguments as in `member_logits`."""
        return self.member_logits(values, first_order, seed)[..., None]

    @abstractmethod
    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""

    @abstractmethod
    def multiply_adds(self) -> int:
        """Multiply-adds of one row."""

    @abstractmethod
    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        """Weights of a backbone on all elements, cut down to the kept ones."""

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided | None:  # noqa: ARG002
        """The arithmetic in two, sums over the fields and what is done with them (two_sided.py); None, as here, where it has no sums first.

        Args:
            weights: of the backbone on the kept dimensions, without batch normalisation.
            mask: bool (num_fields, dim). Kept dimensions.
            config: the backbone's.
        """
        return None

    def weights(self) -> Weights:
        """Copy of every variable."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}

    def assign(self, weights: Weights) -> None:
        """Set every variable.

        Raises:
            ConfigError: names or shapes are not this backbone's.
        """
        variables = self.named_variables()
        expected = {name: tuple(variable.shape) for name, variable in variables.items()}
        received = {name: value.shape for name, value in weights.items()}
        if expected != received:
            raise ConfigError(f"Weights must have the backbone's names and shapes {expected}, but got {received}.")
        for name, value in weights.items():
            variables[name].assign(value)

    def num_parameters(self) -> int:
        """Numbers stored."""
        return sum(int(np.prod(variable.shape)) for variable in self.named_variables().values())
