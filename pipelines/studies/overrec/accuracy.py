"""Which kernel, how many neighbours, which score: on validation rows, then once on test rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from ihas.config.overrec import KernelConfig, OverRecConfig
from ihas.errors import ConfigError
from ihas.sequential.data.baselines import Popularity, SessionNeighbours
from ihas.sequential.data.ranking import discounted_gains, paired_difference, ranking_metrics, ranks
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import NextItem, leave_one_out
from ihas.sequential.overrec.model import OverRec
from ihas_pipelines.kinds.overrec.choice import CUTOFF, Rows, Say, Scores, form_of, gain, ranked
from ihas_pipelines.kinds.overrec.measures import neighbour_ranks
from ihas_pipelines.studies.overrec.plan import AccuracyPlan
from ihas_pipelines.studies.overrec.table import Study, StudyTable

GRID = ("kernel", "score", "k", "HR@5", "HR@10", "NDCG@5", "NDCG@10", "MRR")
SCORES = ("sum", "assign")


@dataclass(frozen=True)
class Setting:
    """A kernel under its name, a score form and a number of neighbours, and its ranks on validation rows."""

    name: str
    config: OverRecConfig
    valid: np.ndarray


def measure_accuracy(plan: AccuracyPlan, say: Say) -> Study:
    """All tables of a plan."""
    data = read_sequences(plan.data)
    rows = Rows(leave_one_out(data.sequences), data.num_items, 1)
    grid = [setting for name, kernel in plan.kernels.items() for setting in _grid(plan, rows, name, kernel, say)]
    first = next(iter(plan.kernels.values()))
    memory = [setting for sigma in plan.sigma_w for setting in _memory(plan, rows, first, sigma, say)]
    regressions = list(_regressions(plan, rows, first, say))
    what = f"{len(data.users):,} users, {data.num_items:,} items, {len(data.sequences.items):,} interactions"
    tables = (
        _valid_table(f"Kernels, neighbours and score forms, validation ({what})", grid),
        _valid_table("sigma_w, how long a match is remembered, validation", memory),
        *([_valid_table("Kernel ridge regression on some prefixes, validation", regressions)] if regressions else []),
        _test_table(plan, rows, [*grid, *memory, *regressions], say),
    )
    return Study(study=plan.study, data=plan.data.path.name, tables=tables)


def _grid(plan: AccuracyPlan, rows: Rows, name: str, kernel: KernelConfig, say: Say) -> Iterator[Setting]:
    say(name)
    model = OverRec.of(rows.parts.train, rows.num_items, _config(plan, kernel, "sum", max(plan.num_neighbours)))
    nearest = model.neighbours(rows.parts.valid.histories, rows.threads)
    if nearest is None:
        raise ConfigError(f"The kernel {name!r} must have neighbours. Leave average pooling to the regression.")
    for score, k in product(SCORES, plan.num_neighbours):
        config = _config(plan, kernel, score, k)
        found = neighbour_ranks(nearest.first(k), rows.parts.valid, rows.num_items, form_of(config), hide_history=plan.hide_history)
        yield Setting(name, config, found)


def _memory(plan: AccuracyPlan, rows: Rows, kernel: KernelConfig, sigma: float, say: Say) -> Iterator[Setting]:
    say(f"sigma_w = {sigma:.4g}")
    for normalize in (False, True):
        changed = kernel.model_copy(update={"sigma_w": sigma, "normalize": normalize})
        name = f"sigma_w = {sigma:.4g}{', normalised' if normalize else ''}"
        largest = _config(plan, changed, "sum", max(plan.num_neighbours))
        for config, found in ranked(rows, largest, (max(plan.num_neighbours),), rows.parts.valid):
            yield Setting(name, config, found)


def _regressions(plan: AccuracyPlan, rows: Rows, kernel: KernelConfig, say: Say) -> Iterator[Setting]:
    for count in plan.krr_rows:
        for ridge in plan.krr_ridge:
            say(f"regression on {count:,} prefixes, ridge {ridge}")
            config = _config(plan, kernel, "krr", 1).model_copy(update={"krr_rows": count, "krr_ridge": ridge})
            for _, found in ranked(rows, config, (1,), rows.parts.valid):
                yield Setting(f"regression on {count:,}, ridge {ridge}", config, found)


def _config(plan: AccuracyPlan, kernel: KernelConfig, score: str, k: int) -> OverRecConfig:
    shown = {"kernel": kernel, "score": score, "num_neighbours": k, "hide_history": plan.hide_history}
    return OverRecConfig.model_validate(shown)


def _valid_table(title: str, settings: list[Setting]) -> StudyTable:
    cells = []
    for setting in settings:
        found = ranking_metrics(setting.valid)
        k = None if setting.config.score == "krr" else setting.config.num_neighbours
        shown = (found.hit_rate[5], found.hit_rate[10], found.ndcg[5], found.ndcg[10], found.mrr)
        cells.append((setting.name, setting.config.score, k, *shown))
    return StudyTable(title=title, columns=GRID, rows=tuple(cells))


def _test_table(plan: AccuracyPlan, rows: Rows, settings: list[Setting], say: Say) -> StudyTable:
    """Popularity, SKNN, the best of each kernel, the best of all; each chosen by NDCG@10 on validation rows."""
    found = dict(_baselines(plan, rows, say))
    groups = {"regression": [one for one in settings if one.config.score == "krr"], "sigma_w and normalisation": []}
    for setting in settings:
        if setting.config.score != "krr":
            groups.setdefault(setting.name if setting.name in plan.kernels else "sigma_w and normalisation", []).append(setting)
    for name, group in groups.items():
        if group:
            best = max(group, key=lambda one: gain(one.valid))
            say(f"{name} on the test rows")
            ((_, test),) = ranked(rows, best.config, (best.config.num_neighbours,), rows.parts.test)
            found[best.name if best.config.score == "krr" else f"{name}: {_described(best.config)}"] = test
    base = found["popularity"]
    return StudyTable(
        title="On the test rows, settings chosen by NDCG@10 on the validation rows",
        columns=("method", "HR@5", "HR@10", "NDCG@5", "NDCG@10", "MRR", "NDCG@10 minus SKNN, 95 % interval"),
        rows=tuple(_test_row(name, test, found, base) for name, test in found.items()),
        note="Full ranking over all items"
        + (", those of the history taken out" if plan.hide_history else "")
        + "; an item that scores as much as the target stands before it; file order within a day.",
    )


def _test_row(name: str, test: np.ndarray, found: dict[str, np.ndarray], base: np.ndarray) -> tuple[str | float, ...]:
    shown = ranking_metrics(test)
    sknn = next((ranked_ for other, ranked_ in found.items() if other.startswith("SKNN")), base)
    difference = paired_difference(discounted_gains(test, CUTOFF), discounted_gains(sknn, CUTOFF))
    interval = f"{difference.difference:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
    return name, shown.hit_rate[5], shown.hit_rate[10], shown.ndcg[5], shown.ndcg[10], shown.mrr, interval


def _described(config: OverRecConfig) -> str:
    kernel = f"sigma_w = {config.kernel.sigma_w:.4g}{', normalised' if config.kernel.normalize else ''}"
    return f"{config.score}, k = {config.num_neighbours}, {kernel}"


def _baselines(plan: AccuracyPlan, rows: Rows, say: Say) -> Iterator[tuple[str, np.ndarray]]:
    def at(scores: Scores, asked: NextItem) -> np.ndarray:
        return ranks(scores, asked, hide_history=plan.hide_history)

    say("popularity and SKNN")
    yield "popularity", at(Popularity(rows.parts.train.counts(rows.num_items)).scores, rows.parts.test)
    candidates = {k: SessionNeighbours.of(rows.parts.train, rows.num_items, k) for k in plan.session_neighbours}
    best = max(candidates, key=lambda k: gain(at(candidates[k].scores, rows.parts.valid)))
    yield f"SKNN, k = {best}", at(candidates[best].scores, rows.parts.test)
