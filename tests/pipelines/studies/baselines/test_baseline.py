"""Choosing among a baseline method's settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.results.run_result import Cost
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.studies.baselines.baseline import tuned
from tests.contracts.baseline_method import CONFIG, PARTS, ignore

pytestmark = pytest.mark.tf

COST = Cost(parameters_per_path=1, parameters_total=1, multiply_adds=1, kept_dims=1)


@dataclass(frozen=True)
class Clairvoyant:
    """Knows the validation labels as well as its setting says, and the test labels the worse."""

    name: str = "clairvoyant"
    source: str = "our choice"
    settings: tuple[Setting, ...] = ({"insight": 0.1}, {"insight": 1.0, "turn": 1}, {"insight": 1.0, "turn": 2}, {"insight": 0.3})

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Labels, blurred by noise."""
        noise, insight = np.random.default_rng(0).normal(size=len(parts.valid)), float(setting["insight"])
        valid = insight * parts.valid.labels + (1.0 - insight) * noise
        return Answers(valid.astype(np.float32), -insight * parts.test.labels, COST, setting)


def test_validation_chooses_the_setting() -> None:
    """The setting that ranks validation rows best is taken, the earlier of equals, whatever it makes of test rows."""
    answers = tuned(Clairvoyant(), PARTS, CONFIG, ignore)
    assert answers.setting == {"insight": 1.0, "turn": 1}
