"""What a run found: the metrics of every variant, every group and every stage, as one JSON document."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ihas.config.base import Config
from ihas.config.learning import LearningConfig
from ihas.config.negatives import NegativesConfig
from ihas.results.calibration import CalibrationResult


class ClickMetrics(Config):
    """How well scores meet labels on some rows."""

    rows: int
    """Rows scored."""
    auc: float | None
    """Area under the ROC curve, pooled over the rows; absent where the rows have one label only. Where labels are numbers of a range, the
    concordance index, the share of pairs with different labels that are ordered right; so are differences of AUC."""
    log_loss: float | None
    """Mean negative log-likelihood in nats; absent where there are no rows. Of numbers of a range, cross-entropy, which is above 0 even
    where every number is predicted exactly."""
    calibration: float | None
    """Mean score divided by the rate of clicks, or by the mean label; 1 is calibrated, absent where there are no clicks."""
    user_auc: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """GAUC: mean over users of the AUC within a user's rows, weighted by rows; absent where the table names no user id, or no user has rows
    of both labels."""
    user_ndcg: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """NDCG@10: mean over users with a click of how high their rows with one stand among their own rows; absent as `user_auc`. Where labels
    are numbers of a range, the gain of a row is its place in the range, from 0 to 1."""
    rmse: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Root mean squared error of the expected values, in units of the label; absent unless labels are numbers of a range."""
    mae: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Mean absolute error, in units of the label; absent as `rmse`."""
    r2: float | None = Field(default=None, exclude_if=lambda value: value is None)
    """Share of the labels' variance on these rows that is predicted: 0 for their mean; absent as `rmse`."""


class Interval(Config):
    """A paired difference with its 95 % interval."""

    difference: float
    """Estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


class Cost(Config):
    """What a variant stores and computes."""

    parameters_per_path: float
    """Parameters of the path that serves a row, averaged over the training rows."""
    parameters_total: int
    """Parameters stored: router (table, gates, centroids) and all paths."""
    multiply_adds: float
    """Multiply-adds of scoring one row, routing included, averaged over the training rows."""
    kept_dims: float
    """Embedding dimensions that a row's path reads, averaged over the training rows."""


class VariantResult(Config):
    """One way of serving the same rows."""

    name: str
    """`base`, `static`, `supernet`, `grouped`, or a control's name."""
    description: str
    """A sentence for a person."""
    role: Literal["candidate", "control"]
    """Candidates may be chosen; controls are there to compare."""
    num_groups: int
    """Groups."""
    valid: ClickMetrics
    """Metrics on the validation rows, on which the choice is made."""
    test: ClickMetrics
    """Metrics on the test rows."""
    gain: Interval | None
    """Test AUC minus the base's on the same rows; absent for the base itself."""
    cost: Cost
    """What it stores and computes."""


class GroupResult(Config):
    """One group of the clustering stage."""

    group: int
    """Number, from 0."""
    share: float
    """Share of the training rows."""
    click_rate: float
    """Rate of clicks among the group's training rows; where labels are numbers of a range, their mean place in it, from 0 to 1."""
    kept_dims: tuple[int, ...]
    """Kept dimensions of each field."""
    mean_gates: tuple[tuple[float, ...], ...]
    """Mean deterministic gate, (num_fields, dim)."""
    mask: tuple[tuple[bool, ...], ...]
    """Kept dimensions, (num_fields, dim)."""
    threshold: float
    """Threshold that the searcher chose."""
    path: str
    """Path that serves the group."""
    test: ClickMetrics
    """Metrics of the chosen variant on the group's test rows."""
    base_test: ClickMetrics
    """Metrics of the base model on the same rows."""
    gain: Interval | None = None
    """AUC of the chosen variant minus the base's on the same rows; none where the base was chosen or a label has fewer than two rows."""
    typical: tuple[str, ...]
    """Values that are most over-represented in the group, as `field = value (x times as often)`."""


class Diversity(Config):
    """Whether the masks differ between instances."""

    rows: int
    """Rows looked at."""
    distinct_masks: int
    """Different masks among them."""
    kept_fraction: float
    """Share of gates that are open."""
    mean_variance: float
    """Variance of a gate over the rows, averaged over gates; 0.25 is the most."""
    mutual_information: float
    """H(mean pi) - mean H(pi), averaged over gates, in nats; ln 2 is the most, 0 is one mask for all."""


class GroupCountResult(Config):
    """One number of groups that the clustering stage tried."""

    num_groups: int
    """Groups."""
    on: Literal["masked", "mask", "openness", "embedding", "values"] = "masked"
    """What K-means saw: e * z, z, the mean gate activation of each field (`openness`), e, or the mean z of each of one field's `values`."""
    log_loss: float
    """Validation log-loss of the supernet under the groups' masks, after one epoch of training under them."""
    smallest_share: float
    """Share of training rows of the smallest group."""
    router: Literal["centroids", "additive"] = "centroids"
    """What assigned the rows: the nearest centroid of K-means, or sums of numbers per id that were fitted to it."""
    agreement: float | None = None
    """Share of validation rows of which the fitted sums and the nearest centroid say the same; absent where none were fitted."""


class EpochMetrics(Config):
    """One epoch of one training."""

    model: str
    """`base`, `search`, `grouped/shared`, `grouped/group-0`, ..."""
    epoch: int
    """Number, from 1."""
    loss: float
    """Mean training loss, the gates' penalty included."""
    auc: float
    """Validation AUC."""


class KindTrial(Config):
    """A kind of backbone that `backbone.kind = "auto"` tried on some of the rows."""

    kind: str
    """Kind of backbone."""
    embedding_l2: float
    """L2 weight."""
    learning_rate: float
    """Learning rate."""
    rows: int
    """Training rows it was tried on."""
    epochs: int
    """Epochs."""
    auc: float
    """Best validation AUC of these."""
    multiply_adds: int
    """Multiply-adds of a row."""


class Point(Config):
    """A training row in the plane."""

    x: float
    """First principal component of what was clustered."""
    y: float
    """Second principal component."""
    group: int
    """Its group."""


class Certificate(Config):
    """One limit of the budget, and what was measured against it."""

    limit: Literal["wall_s", "parameters", "multiply_adds", "groups", "p99_ms", "candidates_p99_ms", "memory_bytes"]
    """Name of the limit in `budget`."""
    at_most: float
    """The limit."""
    measured: float
    """What the run measured."""
    met: bool
    """Whether it keeps the limit; a run that succeeded keeps every one."""


class FrontierPoint(Config):
    """A candidate that may be served instead, without training: one that no other beats, or the chosen one."""

    name: str
    """Name of the candidate, by which it is chosen."""
    dominated: bool = False
    """Whether another candidate is at least as good on validation rows and costs no more; only the chosen one may be."""
    num_groups: int
    """Groups."""
    valid: ClickMetrics
    """Metrics on the validation rows, by which points are compared."""
    test: ClickMetrics
    """Metrics on the test rows."""
    multiply_adds: float
    """Multiply-adds of scoring one row, routing included, averaged over the training rows."""
    parameters: int
    """Parameters stored: router and all group models."""
    memory_bytes: int
    """Bytes of the tables, graphs and item arrays that the service holds in memory; vocabularies, alike for every point, not counted."""
    row_p99_us: float
    """Measured 99th percentile of the time to score one row, in microseconds, on the machine of the run, without HTTP."""
    candidates: int
    """Candidates of one context, of the next figure."""
    candidates_p99_us: float
    """Measured 99th percentile of the time to score so many candidates of one context, in microseconds."""


class RetrievalMetrics(Config):
    """How much of the best of all items retrieval lets through, on contexts of test rows."""

    items: int
    """Items of the item table."""
    contexts: int
    """Contexts asked about."""
    best: int
    """Items that the served model puts first when it scores all: those that are looked for."""
    retrieved: tuple[int, ...]
    """Numbers of items retrieved."""
    recall: tuple[float, ...]
    """Share of the best that are among the retrieved, for each number; retrieved by chance it is that number's share of all items."""
    click_recall: tuple[float, ...]
    """Share of clicked test rows whose item is among the retrieved."""


class CatalogueRanking(Config):
    """How high the served model ranks items that users took in test rows, among all items but those that the user took otherwise."""

    items: int
    """Items of the item table."""
    rows: int
    """Positive test rows looked at; one of an item that training rows do not show counts as not found."""
    unknown_items: int
    """How many of them are of such an item."""
    numbers: tuple[int, ...]
    """Lengths of a list of the highest ranked."""
    recall: tuple[float, ...]
    """Share of the rows whose item is in such a list."""
    ndcg: tuple[float, ...]
    """Mean of 1 / log2(rank + 1) of those in such a list, 0 of the others."""
    popularity_recall: tuple[float, ...]
    """The recall of items in the order of their training rows, for comparison."""


class Refit(Config):
    """The chosen model after it was trained once more, on training and validation rows together."""

    rows: int
    """Rows that it learnt from."""
    test: ClickMetrics
    """Its metrics on the test rows."""
    base: ClickMetrics
    """Metrics of the plain model, trained once more in the same way."""
    gain: Interval | None
    """Test AUC minus that of this plain model; absent where the plain model is chosen, or the test rows have one label."""


class Refreshed(Config):
    """What a refresh made of a model: it learnt on from its own weights, and is served where it is no worse than before."""

    model: str
    """Name of the variant that learnt on, as the search named it."""
    new_values: dict[str, int]
    """Values that the vocabulary of each field gained; fields without any are left out."""
    silent_values: dict[str, int]
    """Known values of each field of which the new training rows have none; they keep their ids."""
    groups: Literal["none", "kept", "formed anew"]
    """Whether groups and masks stayed; `none` where one model serves all rows."""
    group_drift: float | None
    """Population stability index of the newest rows' groups against those of the training rows before; absent where there are none."""
    retrieval: Literal["none", "trained anew"]
    """What became of the retrieval towers."""
    valid_gain: Interval
    """Validation AUC of the model that learnt on, minus that of the model as it was, on the same rows."""
    was: ClickMetrics
    """Metrics of the model in the run before, on that run's test rows."""
    epochs: int
    """Epochs that were trained."""
    anew: bool = False
    """Whether the model that learnt from fresh weights, under the same settings, was better than the one that learnt on."""


class TaskResult(Config):
    """One of several labels, as the served model predicts it on the rows where it is known."""

    name: str
    """Its column."""
    exponent: float
    """Exponent of its probability in the score that rows are ranked by."""
    valid: ClickMetrics
    """Metrics on validation rows, before they were learnt from and before calibration."""
    test: ClickMetrics
    """Metrics on test rows, before calibration."""
    valid_error: float | None
    """Expected calibration error on validation rows, before calibration; absent where none has the label."""
    calibration: CalibrationResult | None
    """Calibration error and log-loss on test rows, before and after calibration; absent where they have one class."""


class RunResult(Config):
    """Everything that a run found."""

    name: str
    """Model name."""
    rows: dict[Literal["train", "valid", "test"], int]
    """Rows of each part."""
    fields: tuple[str, ...]
    """Field names, in the layout's order."""
    roles: tuple[Literal["context", "item"], ...]
    """Role of each field."""
    dim: int
    """Embedding dimensions before the search."""
    chosen: str
    """Name of the variant that the bundle serves."""
    verdict: str
    """What the choice means, in a sentence or two for a person."""
    variants: tuple[VariantResult, ...]
    """All variants, the base first."""
    groups: tuple[GroupResult, ...]
    """The groups."""
    diversity: Diversity
    """Mask diversity of the supernet on validation rows."""
    group_counts: tuple[GroupCountResult, ...]
    """Numbers of groups tried."""
    grouped_on: Literal["masked", "mask", "openness", "embedding", "values"]
    """What the groups kept were formed on: e * z, z, the mean gate activation of each field (`openness`), e, or the mean z of each of one
    field's `values`."""
    grouped_by: Literal["centroids", "additive"] = "centroids"
    """What assigns rows to them: the nearest centroid of K-means, or sums of numbers per id that were fitted to it."""
    router_agreement: float | None = None
    """Share of validation rows of which the fitted sums and the nearest centroid say the same; absent where none were fitted."""
    history: tuple[EpochMetrics, ...]
    """Every epoch of the plain model, the search and the groups' models."""
    points: tuple[Point, ...]
    """Some training rows in the plane."""
    seconds: dict[str, float]
    """Wall time of each stage."""
    learning: LearningConfig
    """Settings of the run."""
    certificates: tuple[Certificate, ...] = ()
    """Every limit of the budget, measured."""
    retrieval: RetrievalMetrics | None = None
    """What retrieval lets through; absent where all items are scored."""
    label_range: tuple[float, float] | None = Field(default=None, exclude_if=lambda label_range: label_range is None)
    """Least and largest number of the label, which scores of 0 and 1 stand for; absent where labels are clicks."""
    tasks: tuple[TaskResult, ...] = Field(default=(), exclude_if=lambda tasks: not tasks)
    """Each of several labels, the first one first; empty where there is one label."""
    negatives: NegativesConfig | None = Field(default=None, exclude_if=lambda negatives: negatives is None)
    """How negatives were drawn; absent where the label has both classes."""
    ranking: CatalogueRanking | None = Field(default=None, exclude_if=lambda ranking: ranking is None)
    """How high items that were taken rank among all; absent unless negatives were drawn."""
    calibration: CalibrationResult | None = None
    """How well the served scores meet rates of clicks; absent where test rows have one label, or in results of an earlier version."""
    refit: Refit | None = None
    """The served model, after it learnt from validation rows too; absent where it was not trained once more."""
    kinds: tuple[KindTrial, ...] = ()
    """Kinds of backbone that were tried, the best first, which the run went on with; empty where the recipe states one."""
    given_up: tuple[Literal["search", "retrain"], ...] = ()
    """Stages that stayed clearly below the model that they started from, which was kept; empty in results of an earlier version."""
    frontier: tuple[FrontierPoint, ...] = ()
    """Candidates that may be served instead, cheapest first; empty in results of an earlier version."""
    refresh: Refreshed | None = None
    """What a refresh did; absent for a search."""
