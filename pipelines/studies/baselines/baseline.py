"""What a baseline method is: a method of others, trained on the same parts, with the same budget, and tuned on validation rows."""

from __future__ import annotations

from typing import Protocol

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.models.network import Network
from ihas.models.prediction import GroupedRows, predict
from ihas.results.run_result import Cost
from ihas.training.kept import validation_score
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.answers import Answers, Setting

MAX_SETTINGS = 4


class BaselineMethod(Protocol):
    """A method to compare with. Laws, tested for every baseline method in tests/contracts/baseline method.py."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def source(self) -> str:
        """Paper, or `our choice`."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is tuned, at most `MAX_SETTINGS` of them."""

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Train under one setting for at most training.epochs + search.epochs + retrain.epochs passes over the training rows.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """


def tuned(method: BaselineMethod, parts: Splits, config: LearningConfig, listen: EpochListener) -> Answers:
    """Every setting once; the answers that rank validation rows best, the earlier of equals."""
    candidates = [method.train(parts, config, setting, listen) for setting in method.settings]
    return max(candidates, key=lambda answers: validation_score(answers.valid_logits, parts.valid.labels))


def answers_of(network: Network, parts: Splits, cost: Cost, setting: Setting) -> Answers:
    """What one network for all rows answers."""
    valid, test = (predict(network, GroupedRows.one_group(rows)) for rows in (parts.valid, parts.test))
    return Answers(valid, test, cost, setting)
