"""The plain model, what everything else is measured against, with the L2 weight that validation prefers.

    coarse   one trial for each decade, 1e-5 .. 1e-2, and up to two beyond while the best is at the edge
    fine     two more, half a decade to either side of the best

Grid and steps are our choice. With `training.embedding_l2` set there is one trial.
"""

from __future__ import annotations

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
        return with_l2(config, self.trials[0].embedding_l2)


def with_l2(config: LearningConfig, embedding_l2: float) -> LearningConfig:
    """The settings with another L2 weight."""
    training = config.training.model_copy(update={"embedding_l2": embedding_l2})
    return config.model_copy(update={"training": training})


def train_base(parts: Parts, config: LearningConfig, listen: EpochListener) -> BaseResult:
    """Train the backbone on the whole embedding, under several L2 weights where none is set.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """

    def trial(embedding_l2: float, name: str) -> Trial:
        return Trial(embedding_l2, train_plain(parts, with_l2(config, embedding_l2), name, listen))

    if config.training.embedding_l2 is not None:
        return BaseResult((trial(config.training.embedding_l2, "base"),))
    trials = [trial(weight, f"base/l2={weight:.0e}") for weight in DECADES]
    for _ in range(MORE_DECADES):
        weights, best = [tried.embedding_l2 for tried in trials], max(trials, key=lambda tried: tried.score).embedding_l2
        beyond = {min(weights): best / 10.0, max(weights): best * 10.0}.get(best)
        if beyond is None:
            break
        trials.append(trial(beyond, f"base/l2={beyond:.0e}"))
    best = max(trials, key=lambda tried: tried.score).embedding_l2
    trials += [trial(weight, f"base/l2={weight:.0e}") for weight in (best / HALF_DECADE, best * HALF_DECADE)]
    return BaseResult(tuple(sorted(trials, key=lambda tried: -tried.score)))
