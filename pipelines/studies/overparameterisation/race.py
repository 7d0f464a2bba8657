"""One run against a fixed value, and the learning rate that reaches it soonest."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ihas.config.base import Config
from ihas.config.training import TrainingConfig
from ihas.seeding import generator
from ihas_pipelines.studies.overparameterisation.plan import RacePlan
from ihas_pipelines.studies.overparameterisation.tasks import Runner, Task

MAX_OCTAVES = 10


class Outcome(Config):
    """How one run went."""

    learning_rate: float
    """Learning rate."""
    seed: int
    """Seed."""
    epochs: float | None
    """Epochs to the target, between two checks by a straight line; absent where it was not reached."""
    epoch_seconds: float
    """Wall time of an epoch's steps, the first check's left out, in which the graph is built."""
    best: float
    """Best value."""

    @property
    def seconds(self) -> float | None:
        """Seconds to the target."""
        return None if self.epochs is None else self.epochs * self.epoch_seconds


def race(task: Task, training: TrainingConfig, seed: int, plan: RacePlan, *, to_the_end: bool) -> Outcome:
    """Train until the target, or for the plan's epochs `to_the_end`."""
    runner = task.start(training, seed)
    values, seconds = [runner.value()], list[float]()
    for chosen in _pieces(runner, seed, plan):
        start = time.perf_counter()
        runner.run(chosen)
        seconds.append(time.perf_counter() - start)
        values.append(runner.value())
        if not np.isfinite(values[-1]) or (values[-1] >= plan.target and not to_the_end):
            break
    timed = seconds[1:] or seconds
    return Outcome(
        learning_rate=training.rate,
        seed=seed,
        epochs=epochs_to(plan.target, values, plan.checks),
        epoch_seconds=float(np.mean(timed)) * plan.checks,
        best=float(np.nanmax(np.where(np.isfinite(values), values, np.nan))),
    )


def _pieces(runner: Runner, seed: int, plan: RacePlan) -> list[np.ndarray]:
    rng = generator(seed, "order")
    return [piece for _ in range(plan.epochs) for piece in np.array_split(rng.permutation(runner.num_rows), plan.checks)]


def epochs_to(target: float, values: list[float], checks: int) -> float | None:
    """Where the values first reach the target, in epochs: `values[0]` is before any step, `checks` follow in each epoch."""
    for i, (before, after) in enumerate(zip(values, values[1:], strict=False)):
        if after >= target:
            return (i + min(1.0, max(0.0, (target - before) / (after - before)))) / checks
    return None


def tune(run: Callable[[float], Outcome], start: float) -> list[Outcome]:
    """Runs at start * 2^k, k = -1, 0, 1 and on beyond a best at the edge; the best is the one that reaches the target soonest.

    Where none reaches it, the best value decides.
    """
    candidates = {k: run(start * 2.0**k) for k in (0, -1, 1)}
    while True:
        best = max(candidates, key=lambda k: _merit(candidates[k]))
        missing = [k for k in (best - 1, best + 1) if k not in candidates and abs(k) <= MAX_OCTAVES]
        if not missing:
            break
        candidates |= {k: run(start * 2.0**k) for k in missing}
    return sorted(candidates.values(), key=_merit, reverse=True)


def _merit(outcome: Outcome) -> tuple[float, float]:
    return (-outcome.epochs if outcome.epochs is not None else -np.inf, outcome.best)
