"""`backbone.kind = "auto"`: kinds of backbone tried on some of the rows, of which validation chooses one for the run.

    rows     all, or those of some values of the field with most values, until there are `SAMPLE_ROWS`; the validation rows of these values
    trials   every kind of `KINDS` within the budget's multiply-adds, under every L2 weight of `WEIGHTS`, for at most `EPOCHS` epochs
    chosen   highest validation AUC, the earlier kind of equals

Whole values are taken, because a sample of single rows leaves a user too few of them to tell what pairs of user and item say. Kinds want L2
weights of their own: under 1e-3 a factorisation machine, whose logit is a product, learns nothing where only pairs tell. What the settings
state is not tried. Source: our choice (decision 64).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.errors import BudgetError
from ihas.results.run_result import EpochMetrics, KindTrial
from ihas.seeding import generator
from ihas.stages.members import multiply_adds
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import train_plain
from ihas.training.trainer import EpochListener

KINDS = ("mlp", "fm", "deepfm", "ipnn", "dcn")
WEIGHTS = (1e-5, 1e-4)
SAMPLE_ROWS, EPOCHS, FEWEST_VALID = 100_000, 12, 500


@dataclass(frozen=True)
class KindsTried:
    """The trials, the best first, and their epochs."""

    trials: tuple[KindTrial, ...]
    history: tuple[EpochMetrics, ...]

    def resolved(self, config: LearningConfig) -> LearningConfig:
        """The settings with the kind that was chosen."""
        return with_kind(config, self.trials[0].kind)


def try_kinds(parts: Splits, config: LearningConfig, most: float, listen: EpochListener) -> KindsTried:
    """Train every kind for a short while.

    Args:
        parts: encoded rows.
        config: settings, of the kind `auto`.
        most: multiply-adds of a row that the budget admits; infinite without one.
        listen: told of every epoch.

    Raises:
        BudgetError: no kind is within it.
        TrainingError: the loss became infinite or not a number.
    """
    costs = {kind: multiply_adds(parts.train.layout, with_kind(config, kind)) for kind in KINDS}
    within = [kind for kind in KINDS if costs[kind] <= most]
    if not within:
        raise BudgetError(
            f"A kind must cost at most {most:,.0f} multiply-adds a row, but the cheapest, `{min(costs, key=costs.__getitem__)}`, "
            f"takes {min(costs.values()):,}. Raise `budget.multiply_adds`, or lower `learning.training.embedding_dim`."
        )
    some, weights = sample(parts, generator(config.seed, "sample for kinds")), stated_or_tried(config)

    def trial(kind: str, l2: float, listen: EpochListener) -> tuple[KindTrial, tuple[EpochMetrics, ...]]:
        settings = with_kind(config, kind).with_training(embedding_l2=l2, epochs=min(EPOCHS, config.training.epochs))
        history = train_plain(some, settings, f"kinds/{kind}/l2={l2:.1e}", listen).history
        return KindTrial(
            kind=kind, embedding_l2=l2, learning_rate=settings.training.rate, rows=len(some.train), epochs=len(history),
            auc=max(epoch.auc for epoch in history), multiply_adds=costs[kind],
        ), history  # fmt: skip

    trainings: list[Callable[[EpochListener], tuple[KindTrial, tuple[EpochMetrics, ...]]]]
    trainings = [partial(trial, kind, l2) for kind in within for l2 in weights]
    tried = train_in_parallel(trainings, some.train, with_kind(config, "deepfm"), listen)
    best_first = sorted((each for each, _ in tried), key=lambda each: -each.auc)
    return KindsTried(tuple(best_first), tuple(epoch for _, history in tried for epoch in history))


def with_kind(config: LearningConfig, kind: str) -> LearningConfig:
    """The settings with another kind of backbone."""
    return config.model_copy(update={"backbone": config.backbone.model_copy(update={"kind": kind})})


def stated_or_tried(config: LearningConfig) -> tuple[float, ...]:
    """L2 weights to try."""
    return WEIGHTS if config.training.embedding_l2 is None else (config.training.embedding_l2,)


def sample(parts: Splits, rng: np.random.Generator) -> Splits:
    """The rows of some values of the field that has most values; all rows where they are few, and no test rows."""
    nothing = parts.test.block(0, 0)
    if len(parts.train) <= SAMPLE_ROWS:
        return Splits(parts.train, parts.valid, nothing)
    layout = parts.train.layout
    field = max(range(layout.num_fields), key=layout.vocabulary_sizes.__getitem__)
    slot = sum(layout.slots[:field])
    values = np.array(parts.train.ids[:, slot])
    kept = rng.random(layout.num_rows) < SAMPLE_ROWS / len(values)
    train = parts.train.take(_at_most(np.flatnonzero(kept[values]), rng))
    valid = parts.valid.take(_at_most(np.flatnonzero(kept[np.array(parts.valid.ids[:, slot])]), rng))
    if len(train) < SAMPLE_ROWS // 2 or not _tells(valid):
        train, valid = (rows.take(_at_most(np.arange(len(rows)), rng)) for rows in (parts.train, parts.valid))
    return Splits(train, valid, nothing)


def _at_most(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= SAMPLE_ROWS else np.sort(rng.choice(rows, SAMPLE_ROWS, replace=False))


def _tells(rows: Dataset) -> bool:
    return len(rows) >= FEWEST_VALID and 0.0 < float(rows.labels.mean()) < 1.0
