"""Carries out a comparison of ways of keeping a model fresh; `refresh.json` and `refresh.md`."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ihas.config.base import Config
from ihas.config.data import DataConfig
from ihas.folders import write_whole
from ihas_pipelines.studies.refresh.movielens import write_table
from ihas_pipelines.studies.refresh.plan import RefreshPlan
from ihas_pipelines.studies.refresh.steps import Fresh, Walk, refreshed, trained_anew, walk

HEAD = ("| strategy | seeds | mean AUC | mean log-loss | AUC minus never | CPU seconds |", "|---|---|---|---|---|---|")
NEVER = "never"
Steps = list[tuple[DataConfig, DataConfig, int]]


class Measured(Config):
    """A strategy under one seed."""

    strategy: str
    """Its name."""
    seed: int
    """Seed of learning."""
    auc: tuple[float, ...]
    """AUC of each step."""
    log_loss: tuple[float, ...]
    """Log-loss of each step, in nats."""
    rows: tuple[int, ...]
    """Rows of each step."""
    seconds: float
    """Processor time of its trainings after the first model."""
    first_seconds: float
    """Processor time of the first model, which all strategies share."""


class Compared(Config):
    """All strategies under all seeds."""

    measured: tuple[Measured, ...]
    """One after the other."""


def carry_out(plan: RefreshPlan, folder: Path, say: Callable[[str], None]) -> Compared:
    """Compare; what is said are lines for a person."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    steps = _steps(plan, write_table(Path(plan.movielens), work / "all.csv"), work)
    measured: list[Measured] = []
    for seed in plan.seeds:
        measured += _of_seed(plan, seed, steps, work / f"seed-{seed}", say)
        compared = Compared(measured=tuple(measured))
        write_whole(folder / "refresh.json", compared.model_dump_json(indent=1))
        write_whole(folder / "refresh.md", markdown(compared))
    shutil.rmtree(work)
    return compared


def _steps(plan: RefreshPlan, table: Path, work: Path) -> Steps:
    """Tables before each step, and of each step."""
    with table.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    times = np.array([int(row[head.index(str(plan.columns.time))]) for row in rows])
    step = (times - times.min()) // plan.unit_s
    found: Steps = []
    for number in range(plan.first, int(step.max()) + 1):
        own, before = np.flatnonzero(step == number), int((step < number).sum())
        places = [("before", range(before)), ("own", own.tolist())]
        configs = [_written(work / f"{name}-{number}.csv", head, [rows[place] for place in chosen], plan) for name, chosen in places]
        found.append((configs[0], configs[1], len(own)))
    return found


def _written(path: Path, head: list[str], rows: list[list[str]], plan: RefreshPlan) -> DataConfig:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return DataConfig(path=path, columns=plan.columns)


def _of_seed(plan: RefreshPlan, seed: int, steps: Steps, work: Path, say: Callable[[str], None]) -> list[Measured]:
    config = plan.learning.model_copy(update={"seed": seed})
    began = time.process_time()
    first = trained_anew(steps[0][0], config, work / "first")
    took = time.process_time() - began

    def learn_on(name: str, model: Fresh, table: DataConfig, number: int) -> Fresh:
        return refreshed(model, table, plan.settings, work / f"{name}-{number}")

    def anew(name: str, _: Fresh, table: DataConfig, number: int) -> Fresh:
        return trained_anew(table, config, work / f"{name}-{number}")

    found: list[Measured] = []
    ways: list[tuple[str, int, Callable[[Fresh, DataConfig, int], Fresh]]] = [(NEVER, 0, partial(anew, NEVER))]
    ways += [(name, every, partial(learn_on, name)) for name, every in plan.every.items()]
    ways += [(name, every, partial(anew, name)) for name, every in plan.scratch.items()]
    for name, every, renew in ways:
        walked = walk(first, steps, every, renew)
        found.append(_measured(name, seed, walked, took))
        say(f"seed {seed}, {name}: mean AUC {np.mean(found[-1].auc):.4f}, {walked.seconds:.0f} CPU seconds")
    return found


def _measured(name: str, seed: int, walked: Walk, first_seconds: float) -> Measured:
    return Measured(
        strategy=name,
        seed=seed,
        auc=tuple(score for score, _ in walked.scores),
        log_loss=tuple(loss for _, loss in walked.scores),
        rows=walked.rows,
        seconds=round(walked.seconds, 2),
        first_seconds=round(first_seconds, 2),
    )


def markdown(compared: Compared) -> str:
    """Two tables: means over steps and seeds, and AUC over time."""
    by_name: dict[str, list[Measured]] = {}
    for one in compared.measured:
        by_name.setdefault(one.strategy, []).append(one)
    lines = [*HEAD, *(_summary(name, ones, by_name[NEVER]) for name, ones in by_name.items()), "", *_over_time(by_name)]
    return "\n".join(lines) + "\n"


def _summary(name: str, ones: list[Measured], never: list[Measured]) -> str:
    aucs, losses = ([float(np.mean(getattr(one, what))) for one in ones] for what in ("auc", "log_loss"))
    gains = [float(np.mean(one.auc)) - float(np.mean(other.auc)) for one, other in zip(ones, never, strict=True)]
    seconds = float(np.mean([one.seconds for one in ones]))
    seeds = ", ".join(str(one.seed) for one in ones)
    gain = "" if name == NEVER else f"{np.mean(gains):+.4f} ({', '.join(f'{gain:+.4f}' for gain in gains)})"
    return f"| {name} | {seeds} | {np.mean(aucs):.4f} | {np.mean(losses):.4f} | {gain} | {seconds:.0f} |"


def _over_time(by_name: Mapping[str, list[Measured]]) -> list[str]:
    """A row for each step: rows, and the mean AUC of each strategy over the seeds."""
    columns = {name: np.mean([one.auc for one in ones], axis=0) for name, ones in by_name.items()}
    rows = next(iter(by_name.values()))[0].rows
    head = [f"| step | rows | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    body = [
        f"| {number + 1} | {count:,} | {' | '.join(f'{column[number]:.4f}' for column in columns.values())} |"
        for number, count in enumerate(rows)
    ]
    return [*head, *body]
