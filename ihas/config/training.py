"""Settings `learning.training`: the training loop that every stage shares."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count

FIRST_RATE, FIRST_L2 = 6e-3, 1e-4


class TrainingConfig(Config):
    """The training loop, shared by all stages."""

    embedding_dim: Annotated[int, Field(ge=1, le=512)] = 16
    """Dimensions of every field's embedding before the search, D."""
    initial_deviation: Annotated[float, Field(gt=0.0)] = 0.01
    """Standard deviation of the normal distribution that initialises the embedding table."""
    batch_size: Count | None = None
    """Rows of one training step. Without it, the power of two nearest to 1/200 of the training rows, from 32 to 4,096."""
    learning_rate: Annotated[float, Field(gt=0.0)] | None = None
    """Initial learning rate. Without it, the plain model is trained with several, and validation chooses."""
    embedding_l2: Annotated[float, Field(ge=0.0)] | None = None
    """Weight of half the squared norm of the embedding table in the loss. Without it, validation chooses."""
    epochs: Count = 60
    """Maximum number of epochs."""
    patience: Count = 3
    """Number of epochs without a better validation AUC after which one more ends training (early stopping). The best weights are kept.
    The first 15 epochs do not count as long as the AUC has not left chance (.53, or two standard errors where rows are few). Under
    `averaging` training also ends where the rate has fallen below .03 of the first one, so that more patience than falls until then
    (three by `plateau_factor` = .3) changes nothing."""
    plateau_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """Factor on the learning rate after each epoch without a better validation AUC, from which training then goes on; under `averaging`
    it goes on from the best average instead. 1 for a rate that never falls: `patience` alone ends training then."""
    averaging: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.8
    """What is ranked and kept after an epoch is the average of epochs, in which earlier ones weigh at most this much together. An epoch
    that is no better than the average lowers the learning rate, and training goes on from the average. 0 for each epoch by itself."""
    optimizer: Literal["adam", "sgd", "adagrad", "adadelta", "rmsprop"] = "adam"
    """Update rule (ihas/optim/optimizer.py). Each rule needs its own learning rates; the defaults are Adam's."""
    overparameterisation: Literal["none", "scalar", "vector", "matrix"] = "none"
    """Whether the embedding is trained as a product with a scalar or vector per row or a matrix per field, and folded afterwards."""

    @property
    def rate(self) -> float:
        """`learning_rate`, or the value that its search starts from."""
        return FIRST_RATE if self.learning_rate is None else self.learning_rate

    @property
    def l2(self) -> float:
        """`embedding_l2`, or the value that its search starts from."""
        return FIRST_L2 if self.embedding_l2 is None else self.embedding_l2
