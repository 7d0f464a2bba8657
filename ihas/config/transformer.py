"""Settings of the sequential transformer and of its training, and what an epoch of it is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Count, invalid
from ihas.config.data import DataConfig
from ihas.config.run import RunOptions

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class TransformerConfig(Config):
    """A decoder-only transformer on item ids."""

    max_length: Annotated[int, Field(ge=1, le=512)] = 50
    """Most recent items of a history that are read."""
    num_layers: Annotated[int, Field(ge=1, le=64)] = 2
    """Layers, L."""
    dim: Annotated[int, Field(ge=1, le=2048)] = 64
    """Size of an item's embedding and of the hidden states, d."""
    num_heads: Count = 1
    """Heads of each attention; they divide `dim`."""
    scale_embedding: bool = True
    """Whether an item's embedding is multiplied by sqrt(dim) before places are added (Vaswani et al. 2017); the output's is not."""
    dropout_first: Rate = 0.5
    """Dropout of the embedding and of the lowest layer."""
    dropout_last: Rate = 0.1
    """Dropout of the highest layer; layers between have rates on the straight line (layer-wise adaptive dropout)."""
    hide_history: bool = True
    """Whether items of the history are left out of rankings and recommendations; a target among them is then found last."""

    @model_validator(mode="after")
    def _heads_divide_the_dim(self) -> Self:
        if self.dim % self.num_heads:
            raise invalid(f"`num_heads` must divide `dim`, but got ({self.num_heads}, {self.dim}). Change one of them.")
        return self

    @property
    def num_parameters(self) -> int:
        """N = 12 L d^2: the kernels of attention (4 d^2) and of the hidden layer (8 d^2); embeddings, biases and norms do not count."""
        return 12 * self.num_layers * self.dim**2

    @property
    def embedding_factor(self) -> float:
        """What an item's embedding is multiplied by where it enters: sqrt(d), or 1."""
        return float(self.dim**0.5) if self.scale_embedding else 1.0

    def dropout(self, layer: int) -> float:
        """Rate of a layer, counted from 0 at the bottom; a single layer has `dropout_first`."""
        share = layer / max(self.num_layers - 1, 1)
        return (1.0 - share) * self.dropout_first + share * self.dropout_last


class TransformerTraining(Config):
    """How a sequential transformer is trained."""

    loss: Literal["full", "sampled", "gbce"] = "full"
    """`full`: softmax over all items; `sampled`: softmax over the target and drawn items; `gbce`: binary cross-entropy against drawn
    items with the target's logit calibrated (Petrov and Macdonald 2023)."""
    num_negatives: Count = 256
    """Items drawn for `sampled` and `gbce`, the same for all targets of a batch."""
    calibration: Annotated[float, Field(ge=0.0, le=1.0)] = 0.75
    """t of `gbce`: 0 for plain binary cross-entropy, 1 for scores as if all items had been drawn."""
    label_smoothing: Rate = 0.0
    """Share e of a target's probability that `full` spreads over all items (Szegedy et al. 2016)."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 1e-3
    """Adam's step size."""
    sgd_learning_rate: Annotated[float, Field(gt=0.0)] | None = 0.1
    """Step size of gradient descent, which takes over once Adam gets no better; absent for Adam alone."""
    batch_targets: Count = 2048
    """Targets of one step, about."""
    epochs: Count = 60
    """Most passes over the training sequences, both update rules together."""
    patience: Annotated[int, Field(ge=0)] = 3
    """Epochs of one update rule without a better validation value that are put up with; one more ends it."""
    stop_by: Literal["loss", "ndcg"] = "ndcg"
    """Validation value: NDCG@10 under full ranking, or the cross-entropy over all items, which scaling laws are fitted to."""
    valid_users: Count = 5_000
    """Most users whose validation items are looked at after each epoch, drawn once."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Source of every random draw."""

    @model_validator(mode="after")
    def _only_the_full_loss_is_smoothed(self) -> Self:
        if self.label_smoothing and self.loss != "full":
            raise invalid(
                f"`label_smoothing` needs the loss 'full', but got ({self.label_smoothing:g}, {self.loss!r}). Change one of them."
            )
        return self


class TransformerLearning(Config):
    """Everything that decides what is learnt."""

    transformer: TransformerConfig = TransformerConfig()
    """Sizes and dropout."""
    training: TransformerTraining = TransformerTraining()
    """The training."""


class TransformerRecipe(Config):
    """One file that says what a run of the kind `transformer` is."""

    kind: Literal["transformer"] = "transformer"
    """What the run makes."""
    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model that comes out."""
    data: DataConfig
    """Where the sequences are: `format = "sequences"`, or `interactions`."""
    learning: TransformerLearning = TransformerLearning()
    """What is learnt."""
    run: RunOptions = RunOptions()
    """How it is run."""


class TransformerEpoch(Config):
    """One pass over the training sequences."""

    epoch: int
    """Number, from 1."""
    rule: Literal["adam", "sgd"]
    """Update rule."""
    loss: float
    """Mean training loss of a target, in nats."""
    valid: float
    """Validation value: NDCG@10, or minus the cross-entropy; more is better."""
