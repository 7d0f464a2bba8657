"""The plain model, what everything else is measured against, with the L2 weight and the learning rate that validation prefers.

    L2 weight       searched in decades from 1e-4, then half a decade to either side of the best
    learning rate   searched from .006 by doubling or halving, under the best L2 weight

A search tries the next value on either side of the best, in parallel, and ends where neither is better. Starts and
factors are our choice. What the settings state is not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.models.network import NetworkWeights
from ihas.results.run_result import EpochMetrics
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import PlainModel, train_plain
from ihas.training.trainer import EpochListener

DECADE, HALF_DECADE, DOUBLE = 10.0, 10.0**0.5, 2.0
MAX_DECADES, MAX_DOUBLES = 3, 2


@dataclass(frozen=True)
class Trial:
    """A plain model, with the L2 weight and the learning rate that it was trained with."""

    embedding_l2: float
    learning_rate: float
    model: PlainModel

    @property
    def score(self) -> float:
        """Best validation AUC of its epochs."""
        return max(epoch.auc for epoch in self.model.history)


@dataclass(frozen=True)
class BaseResult:
    """The trials, the best one first."""

    trials: tuple[Trial, ...]

    @property
    def weights(self) -> NetworkWeights:
        """Parameters of the plain model."""
        return self.trials[0].model.weights

    @property
    def history(self) -> tuple[EpochMetrics, ...]:
        """All epochs of all trials."""
        return tuple(epoch for trial in self.trials for epoch in trial.model.history)

    def resolved(self, config: LearningConfig) -> LearningConfig:
        """The settings with the L2 weight and the learning rate of the best trial."""
        return config.with_training(embedding_l2=self.trials[0].embedding_l2, learning_rate=self.trials[0].learning_rate)


def train_base(parts: Splits, config: LearningConfig, listen: EpochListener) -> BaseResult:
    """Train the backbone on the whole embedding, under several settings where they are not stated.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    stated, trials = config.training, dict[tuple[float, float], Trial]()

    def trial(l2: float, rate: float, listen: EpochListener) -> Trial:
        name = "base" if (l2, rate) == (stated.embedding_l2, stated.learning_rate) else f"base/l2={l2:.1e}/rate={rate:.1e}"
        settings = config.with_training(embedding_l2=l2, learning_rate=rate)
        return Trial(l2, rate, train_plain(parts, settings, name, listen))

    def scores(settings: list[tuple[float, float]]) -> list[float]:
        new = [setting for setting in settings if setting not in trials]
        trained = train_in_parallel([partial(trial, *setting) for setting in new], parts.train, config, listen)
        trials.update(zip(new, trained, strict=True))
        return [trials[setting].score for setting in settings]

    l2, rate = stated.l2, stated.rate
    if stated.embedding_l2 is None:
        l2 = search_up(lambda values: scores([(value, rate) for value in values]), l2, DECADE, MAX_DECADES)
        l2 = search_up(lambda values: scores([(value, rate) for value in values]), l2, HALF_DECADE, 1)
    if stated.learning_rate is None:
        search_up(lambda values: scores([(l2, value) for value in values]), rate, DOUBLE, MAX_DOUBLES)
    scores([(l2, rate)])
    return BaseResult(best_first(tuple(trials.values())))


def search_up(scores: Callable[[list[float]], list[float]], start: float, factor: float, max_steps: int) -> float:
    """The value of best score among start * factor^k, |k| <= max_steps, going on from the best while a neighbour is better.

    `scores` is given values at once, the best one last, and may be given one again.
    """
    position = 0
    while True:
        near = [k for k in (position + 1, position - 1) if abs(k) <= max_steps] + [position]
        near_scores = scores([start * factor**k for k in near])
        better = max(range(len(near)), key=near_scores.__getitem__)
        if near_scores[better] <= near_scores[-1]:
            return start * factor**position
        position = near[better]


def best_first(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Trials by validation AUC, the earlier of equals first."""
    return tuple(sorted(trials, key=lambda trial: -trial.score))
