"""Epochs to a value, by hand, and the learning rate that reaches it soonest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ihas.config.training import TrainingConfig
from ihas_pipelines.studies.overparameterisation.plan import RacePlan
from ihas_pipelines.studies.overparameterisation.race import Outcome, epochs_to, race, tune

pytestmark = pytest.mark.tf


def test_epochs_between_checks_by_hand() -> None:
    """With four checks an epoch, .3 between .2 (third check) and .4 (fourth) is reached after 3.5 quarters."""
    values = [0.0, 0.1, 0.15, 0.2, 0.4, 0.5]
    assert epochs_to(0.3, values, 4) == pytest.approx(3.5 / 4)
    assert epochs_to(0.4, values, 4) == pytest.approx(1.0)
    assert epochs_to(0.6, values, 4) is None


def _outcome(rate: float, epochs: float | None, best: float = 0.0) -> Outcome:
    return Outcome(learning_rate=rate, seed=0, epochs=epochs, epoch_seconds=1.0, best=best)


def test_the_grid_goes_on_beyond_an_edge() -> None:
    """From 1, the optimum at 16 is found with both its neighbours tried, on powers of two."""
    candidates = tune(lambda rate: _outcome(rate, 1.0 + abs(math.log2(rate) - 4.0)), 1.0)
    assert candidates[0].learning_rate == 16.0
    assert {outcome.learning_rate for outcome in candidates} == {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0}


def test_reaching_counts_before_the_best_value() -> None:
    """A rate that reaches the target beats one with a better value that does not; among those that do not, the value decides."""
    candidates = tune(lambda rate: _outcome(rate, 9.0 if rate == 2.0 else None, best=1.0 / rate), 1.0)
    assert candidates[0].learning_rate == 2.0
    assert tune(lambda rate: _outcome(rate, None, best=-abs(rate - 0.5)), 1.0)[0].learning_rate == 0.5


class _Climber:
    """A runner whose value is the share of training rows that it has seen, in passes."""

    num_rows = 12

    def __init__(self) -> None:
        self.seen: list[int] = []

    def run(self, chosen: np.ndarray) -> None:
        self.seen += chosen.tolist()

    def value(self) -> float:
        return len(self.seen) / self.num_rows


class _Climbing:
    """A task that keeps its runners."""

    training = TrainingConfig()

    def __init__(self) -> None:
        self.started: list[_Climber] = []

    def start(self, training: TrainingConfig, seed: int) -> _Climber:
        self.started.append(_Climber())
        return self.started[-1]


@pytest.mark.parametrize("to_the_end", [True, False])
def test_every_epoch_reads_every_row_once(to_the_end: bool) -> None:
    """Each epoch is every row once, in an order of its own; a run that need not go on stops at the target."""
    task, plan = _Climbing(), RacePlan.model_validate(
        {"name": "toy", "ratings": {"path": "x"}, "learning_rates": {"sgd": 1.0}, "target": 1.5, "epochs": 3, "checks": 4}
    )  # fmt: skip
    outcome = race(task, task.training, 0, plan, to_the_end=to_the_end)
    seen = task.started[0].seen
    assert outcome.epochs == pytest.approx(1.5)
    assert len(seen) == (36 if to_the_end else 18)
    assert sorted(seen[:12]) == list(range(12))
    assert seen[:12] != seen[12:24] or not to_the_end
    assert outcome.best == (3.0 if to_the_end else 1.5)
