"""Every knob, on one page.

`LearningConfig` is what is learnt: it decides the result and travels inside the bundle. `RunOptions` is how
a run is carried out on a machine: it changes no more than the order of sums. The same classes are read from a recipe
(TOML), from an HTTP body (JSON; it names an uploaded table instead of files) and from Python.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

FIRST_RATE, FIRST_L2 = 6e-3, 1e-4
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]


class Config(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_written_as_such(cls, values: Any) -> Any:
        """`true` is no 1 and "3" no 3: whoever writes that means something else."""
        for name, kinds in _number_fields(cls).items() if isinstance(values, dict) else ():
            if name in values and _mistaken(values[name], kinds):
                raise ValueError(f"`{name}` must be {'true or false' if kinds == {bool} else 'a number'}, but got {values[name]!r}")
        return values


@functools.cache
def _number_fields(model: type[BaseModel]) -> dict[str, frozenset[Any]]:
    """Fields that hold numbers or truth values and nothing else, with their types."""
    kinds = {name: _plain_kinds(field.annotation) for name, field in model.model_fields.items()}
    return {name: found for name, found in kinds.items() if found and found <= {int, float, bool}}


def _plain_kinds(annotation: Any) -> frozenset[Any]:
    """Types that an annotation is made of, containers and None left out."""
    if annotation in (None, type(None), ...):
        return frozenset()
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain_kinds(parts[0])
    if origin is Literal:
        return frozenset(map(type, parts))
    return frozenset().union(*map(_plain_kinds, parts)) if parts else frozenset({annotation})


def _mistaken(value: Any, kinds: frozenset[Any]) -> bool:
    if isinstance(value, list | tuple):
        return any(_mistaken(one, kinds) for one in value)
    if isinstance(value, bool):
        return bool not in kinds
    return isinstance(value, str) or (kinds == {bool} and isinstance(value, int | float))


class SchemaConfig(Config):
    """What the user states about the columns; everything left out is inferred and shown."""

    label: str | None = None
    """Column that holds the click: 0 or 1."""
    categorical: tuple[str, ...] = ()
    """Columns to read as categories even where they look numeric."""
    numeric: tuple[str, ...] = ()
    """Columns to read as numbers; each is cut into buckets at its training quantiles."""
    multivalued: dict[str, str] = {}
    """Columns that hold several values in one cell, each with its separator."""
    ignored: tuple[str, ...] = ()
    """Columns that no model may see."""
    item: tuple[str, ...] = ()
    """Columns that describe the item; every other field describes the context (user, time, place)."""
    item_id: str | None = None
    """Column whose value names the item; it has the role item."""
    time: str | None = None
    """Column that orders the rows for a split by time; it is not a field unless also listed as one."""


class InteractionColumns(Config):
    """Columns of a table of interactions, which is read as a sequence of items for each user."""

    user: str = "user"
    """Who."""
    item: str = "item"
    """Took what."""
    time: str | None = "time"
    """When: numbers, or ISO 8601 dates or times; without it, rows are in order of time."""


class DataConfig(Config):
    """Where the rows are, and how to read them."""

    path: Path
    """CSV, Parquet or JSON-lines file, optionally compressed with gzip or zstd."""
    valid_path: Path | None = None
    """File of validation rows with the same columns; without it they are drawn from `path`."""
    test_path: Path | None = None
    """File of test rows with the same columns; without it they are drawn from `path`."""
    format: Literal["auto", "csv", "parquet", "jsonl", "sequences"] = "auto"
    """Format of the files; `auto` goes by the file name's suffix. `sequences`: a user a line, then item ids, oldest first."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between CSV cells; without it, it is told from the header."""
    columns: SchemaConfig = SchemaConfig()
    """What is known about the columns."""
    interactions: InteractionColumns | None = None
    """Where set, the file is a table of interactions (who, what, when) and not of clicks."""

    @property
    def holds_sequences(self) -> bool:
        """Whether the file is read as sequences of items, and not as rows with a label."""
        return self.format == "sequences" or self.interactions is not None


class EncodingConfig(Config):
    """How cells become ids."""

    min_count: Count = 2
    """Values seen in fewer training rows than this get the unknown id, 0."""
    num_buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Buckets of a numeric field, cut at the training quantiles."""
    max_values: Count = 8
    """Values kept of a cell with several; the rest of the cell is dropped."""


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
            raise ValueError(
                f"`valid_fraction + test_fraction < 1` must hold, but got ({self.valid_fraction}, {self.test_fraction}). "
                "Lower one of them so that rows are left to train on."
            )
        if (self.kind == "given") != (self.column is not None):
            raise ValueError(f"`column` must be set exactly when `kind` is 'given', but got (kind={self.kind!r}, column={self.column!r}).")
        return self


class BackboneConfig(Config):
    """The network above the embedding."""

    kind: Literal["mlp", "lr", "fm", "wide_deep", "deepfm", "dcn", "ipnn", "xdeepfm", "autoint", "finalmlp"] = "mlp"
    """`mlp`: hidden layers on the concatenated embedding; `dcn`: DCN-v2, cross layers beside them; `lr`: logistic regression, the sum of
    the embedding (one dimension is enough); `fm`: factorisation machine; `wide_deep` and `deepfm`: first-order weights, or a factorisation
    machine, beside hidden layers; `ipnn`: hidden layers that also see inner products; `xdeepfm`: a compressed interaction network beside
    `wide_deep`; `autoint`: self-attention between fields beside hidden layers; `finalmlp`: two streams of hidden layers, multiplied."""
    hidden: tuple[Count, ...] = (16, 8)
    """Units of each hidden layer, from the input up; empty for a linear model on the embedding, or attention alone."""
    num_cross_layers: Annotated[int, Field(ge=0, le=16)] = 2
    """Cross layers of `dcn`."""
    cin_maps: Annotated[tuple[Count, ...], Field(min_length=1)] = (16,)
    """Maps of each layer of `xdeepfm`'s compressed interaction network."""
    num_attention_layers: Annotated[int, Field(ge=1, le=16)] = 2
    """Attention layers of `autoint`."""
    attention_dim: Count = 32
    """Values of a field that leave each attention layer, all heads together."""
    attention_heads: Count = 2
    """Heads of each attention layer."""
    second_hidden: Annotated[tuple[Count, ...], Field(min_length=1)] = (16, 8)
    """Units of each hidden layer of `finalmlp`'s second stream; `hidden` are those of the first."""
    selection_hidden: tuple[Count, ...] = (16,)
    """Hidden units of what weights the embedding for each of `finalmlp`'s streams."""
    fusion_heads: Count = 1
    """Heads of the product of `finalmlp`'s streams."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of hidden units set to zero in a training step."""
    batch_norm: bool = True
    """Whether each hidden layer is batch-normalised before its activation."""
    batch_norm_epsilon: Annotated[float, Field(gt=0.0)] = 1e-3
    """Added to the variance that batch normalisation divides by."""

    @model_validator(mode="after")
    def _heads_divide_what_they_share(self) -> Self:
        if self.kind == "autoint" and self.attention_dim % self.attention_heads:
            raise ValueError(
                f"`attention_heads` must divide `attention_dim`, but got ({self.attention_heads}, {self.attention_dim}). "
                "Change one of them."
            )
        if self.kind == "finalmlp" and not self.hidden:
            raise ValueError(
                "`finalmlp` must have a hidden layer in each stream, but `hidden` is empty. Write for example `hidden = [16, 8]`."
            )
        if self.kind == "finalmlp" and any(units % self.fusion_heads for units in (self.hidden[-1], self.second_hidden[-1])):
            raise ValueError(
                f"`fusion_heads` must divide the last of `hidden` and of `second_hidden`, "
                f"but got {self.fusion_heads} for ({self.hidden[-1]}, {self.second_hidden[-1]}). Lower `fusion_heads`."
            )
        return self


class TrainingConfig(Config):
    """The one training loop, shared by every stage."""

    embedding_dim: Annotated[int, Field(ge=1, le=512)] = 16
    """Dimensions of every field's embedding before the search, D."""
    initial_deviation: Annotated[float, Field(gt=0.0)] = 0.01
    """Standard deviation of the normal draws that the embedding table starts from."""
    batch_size: Count | None = None
    """Rows of one step; without it, the power of two nearest to a two-hundredth of the training rows, from 32 to 4,096."""
    learning_rate: Annotated[float, Field(gt=0.0)] | None = None
    """Step size at the start; without it, the plain model is trained with several and validation chooses."""
    embedding_l2: Annotated[float, Field(ge=0.0)] | None = None
    """Weight of half the squared norm of the embedding table in the loss; without it, validation chooses too."""
    epochs: Count = 60
    """Most passes over the training rows."""
    patience: Count = 3
    """Epochs without a better validation AUC that are put up with; one more ends training, and the best weights are kept."""
    plateau_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """Factor on the learning rate after each epoch that is not better."""
    optimizer: Literal["adam", "sgd", "adagrad", "adadelta", "rmsprop"] = "adam"
    """How weights follow their gradients (ihas/optimizer.py); each needs learning rates of its own, and the defaults are Adam's."""
    overparameterisation: Literal["none", "scalar", "vector", "matrix"] = "none"
    """Whether the embedding is trained as a product with a scalar or vector per row or a matrix per field, and folded afterwards."""

    @property
    def rate(self) -> float:
        """`learning_rate`, or where the trials for one start."""
        return FIRST_RATE if self.learning_rate is None else self.learning_rate

    @property
    def l2(self) -> float:
        """`embedding_l2`, or where the trials for one start."""
        return FIRST_L2 if self.embedding_l2 is None else self.embedding_l2


class DistilConfig(Config):
    """Before the search: several plain models together, the teacher, label the rows that everything after learns from."""

    members: Annotated[int, Field(ge=0, le=64)] = 4
    """Plain models in the teacher; 0 for none: all learn from the clicks alone."""
    hidden: tuple[Count, ...] = (64, 32)
    """Least units of each hidden layer of a member, so that a teacher sees what a small backbone cannot tell."""
    copies: Annotated[int, Field(ge=0, le=16)] | None = None
    """Rows added for each training row, with some fields' values taken from other rows, which the teacher labels; without it,
    as many as bring a small table near 200,000 added rows, from 1 to 8."""
    swap_fraction: Fraction = 0.1
    """Share of an added row's fields that are taken from another row."""
    l2_factor: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """What remains of `training.embedding_l2` under the teacher, whose labels leave less to overfit."""


class SearchConfig(Config):
    """Stage 1: Bernoulli gates over embedding dimensions, per instance."""

    gate: Literal["full", "field", "mlp"] = "full"
    """What a gate sees: the whole embedding, its own field, or the whole embedding through a hidden layer."""
    gate_hidden: Count = 32
    """Hidden units of the `mlp` gate."""
    standardize: bool = True
    """Whether gates see the embedding standardised by its running mean and deviation; raw input makes them collapse."""
    detach: bool = True
    """Whether the gates' gradient stops before the embedding."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Temperature of the straight-through sigmoid."""
    regularizer: Literal["information", "polarization"] = "information"
    """`information` asks for decided gates that differ between instances; `polarization` for decided gates (Zhuang et al. 2020)."""
    strength: Annotated[float, Field(ge=0.0)] = 0.01
    """Weight of the regulariser."""
    keep_ratio: Fraction = 0.7
    """Share of gates that the regulariser pulls towards keeping."""
    warm_start: bool = True
    """Whether the search starts from the trained base model; otherwise from fresh weights."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 1
    """Without a warm start: epochs with every gate open before sampling begins."""
    epochs: Count = 10
    """Most passes over the training rows."""


class ClusterConfig(Config):
    """Stage 2: groups of instances by their deterministic gate outputs."""

    num_groups: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """Numbers of groups to try, validation chooses; without it 2, 3 and 4, and one more, up to 16, while the most is chosen."""
    on: Annotated[tuple[Literal["masked", "mask", "openness"], ...], Field(min_length=1)] = ("masked", "openness")
    """What K-means may see: the masked embedding e*z (the paper's method), the gates z alone, or how open the gates of each field are;
    validation chooses."""
    min_group_fraction: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.05
    """Smallest share of training rows a group may have; with a smaller one, that number of groups is not chosen;
    where none is left, all rows are one group."""
    max_rows: Count = 50_000
    """Training rows that K-means is fitted on; the rest are assigned to the nearest centroid."""
    thresholds: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    """Candidates of the threshold searcher: a group keeps the dimensions whose mean gate reaches the threshold."""


class RetrainConfig(Config):
    """Stage 3: a model per group."""

    mode: Literal["specialise", "inherit", "scratch"] = "specialise"
    """`specialise`: one model on all rows under the groups' masks, then a copy per group where validation prefers it;
    `inherit`: per group from the search's weights; `scratch`: per group from fresh weights (the paper's figure)."""
    epochs: Count = 10
    """Most passes over a group's training rows."""


class EvaluateConfig(Config):
    """Stage 4: the figures."""

    controls: bool = True
    """Whether to train the controls too: random groups, K-means on e, and K-means on what validation did not choose."""
    num_golden_rows: Count = 32
    """Test rows whose scores travel in the bundle and must be met before it serves."""
    fallback: bool = True
    """Whether the plain model travels with groups' models, to serve a group whose own fails its check; no figure counts it."""


class RetrievalConfig(Config):
    """The retrieval tower: which items are scored where they are too many to score all."""

    when: Literal["large", "always", "never"] = "large"
    """`large`: trained where there are more items than a request may have scored."""
    width: Count = 32
    """Dimensions of an item's vector."""
    hidden: Count = 64
    """Hidden units of either tower."""
    epochs: Count = 10
    """Most passes over the clicked training rows; the one that retrieves best on validation rows is kept."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.003
    """Learning rate of Adam."""


class LearningConfig(Config):
    """Everything that decides what is learnt."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Source of every random draw."""
    encoding: EncodingConfig = EncodingConfig()
    """How cells become ids."""
    split: SplitConfig = SplitConfig()
    """How rows are divided."""
    backbone: BackboneConfig = BackboneConfig()
    """The network above the embedding."""
    training: TrainingConfig = TrainingConfig()
    """The training loop."""
    distil: DistilConfig = DistilConfig()
    """The teacher."""
    search: SearchConfig = SearchConfig()
    """Stage 1."""
    cluster: ClusterConfig = ClusterConfig()
    """Stage 2."""
    retrain: RetrainConfig = RetrainConfig()
    """Stage 3."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """Stage 4."""
    retrieval: RetrievalConfig = RetrievalConfig()
    """The retrieval tower."""

    def with_training(self, **changes: float) -> Self:
        """The same with other values, valid ones, in `training`."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})


class RunOptions(Config):
    """How a run is carried out."""

    num_threads: Annotated[int, Field(ge=0)] = 0
    """Threads of arithmetic, a large table's rows and trainings at once, 0 for one per core; equal results to the bit need as many."""


class BudgetConfig(Config):
    """What a run must keep within; a limit left out is none. The result certifies every limit, and a run that cannot keep one fails."""

    wall_s: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Seconds that one attempt may take."""
    parameters: Count | None = None
    """Parameters that the served variant may store, router and all paths."""
    groups: Count | None = None
    """Groups that the served variant may have; no more are tried unless `cluster.num_groups` states them."""
    p99_ms: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Milliseconds within which the bundle must score one row, 99 times of 100, on the machine of the run, alone and without HTTP."""


class Recipe(Config):
    """One file that says what a run is: the data, what is learnt, how it is run."""

    name: str = Field(default="run", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    """Name of the model that comes out."""
    data: DataConfig
    """Where the rows are."""
    learning: LearningConfig = LearningConfig()
    """What is learnt."""
    run: RunOptions = RunOptions()
    """How it is run."""
    budget: BudgetConfig = BudgetConfig()
    """What it must keep within."""
