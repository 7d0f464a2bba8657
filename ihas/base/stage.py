"""The plain model, what everything else is measured against, with the L2 weight that validation prefers.

    coarse   one trial for each decade, 1e-5 .. 1e-2, and up to two beyond while the best is at the edge
    fine     two more, half a decade to either side of the best

Grid and steps are our choice. With `training.embedding_l2` set there is one trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ihas.config import LearningConfig
from ihas.data.dataset import Parts
from ihas.models.network import NetworkWeights
from ihas.plain import PlainModel, train_plain
from ihas.results import EpochFigures
from ihas.training import EpochListener

DECADES = (1e-5, 1e-4, 1e-3, 1e-2)
HALF_DECADE, MORE_DECADES = 10.0**0.5, 2


@dataclass(frozen=True)
class Trial:
    """A plain model and the L2 weight that it was trained with."""

    embedding_l2: float
    model: PlainModel

    @property
    def score(self) -> float:
        """Best validation AUC of its epochs."""
        return max(figures.auc for figures in self.model.history)


@dataclass(frozen=True)
class BaseResult:
    """The trials, the best one first."""

    trials: tuple[Trial, ...]

    @property
    def weights(self) -> NetworkWeights:
        """Parameters of the plain model."""
        return self.trials[0].model.weights

    @property
    def history(self) -> tuple[EpochFigures, ...]:
        """All epochs of all trials."""
        return tuple(figures for trial in self.trials for figures in trial.model.history)

    def settled(self, config: LearningConfig) -> LearningConfig:
        """The settings with the L2 weight of the best trial."""
        return config.with_training(embedding_l2=self.trials[0].embedding_l2)


def train_base(parts: Parts, config: LearningConfig, listen: EpochListener) -> BaseResult:
    """Train the backbone on the whole embedding, under several L2 weights where none is set.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """

    stated = config.training.embedding_l2

    def trial(weight: float) -> Trial:
        name = "base" if stated is not None else f"base/l2={weight:.0e}"
        return Trial(weight, train_plain(parts, config.with_training(embedding_l2=weight), name, listen))

    if stated is not None:
        return BaseResult((trial(stated),))
    trials = [trial(weight) for weight in DECADES]
    while (beyond := beyond_edge(trials)) and len(trials) < len(DECADES) + MORE_DECADES:
        trials.append(trial(beyond))
    best = best_first(trials)[0].embedding_l2
    trials += [trial(weight) for weight in (best / HALF_DECADE, best * HALF_DECADE)]
    return BaseResult(best_first(trials))


def best_first(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Trials by validation AUC, the earlier of equals first."""
    return tuple(sorted(trials, key=lambda tried: -tried.score))


def beyond_edge(trials: Sequence[Trial]) -> float | None:
    """The next decade on the side where the best weight is the last tried; None where it lies within."""
    best, weights = best_first(trials)[0].embedding_l2, [tried.embedding_l2 for tried in trials]
    return {min(weights): best / 10.0, max(weights): best * 10.0}.get(best)
