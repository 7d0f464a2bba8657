"""What a search would take and whether it may be worth it, told from two small searches on rows drawn from the table.

    seconds       t(n) = t2 * (n / n2)^p,  p = log(t2 / t1) / log(n2 / n1) within [0, 1], from pilots of n1 < n2 rows
    parameters    the plain model's; the pilots keep the whole table's vocabulary, so that it is that of the search
    memory        what the process held at most in the pilot + the whole table's encoded rows and embedding tables

Our choice. Time is extrapolated, so a range is given: the curve's value, and proportional growth.
"""

from __future__ import annotations

import math
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from ihas.config.recipe import Recipe
from ihas.data.dataset import Dataset, Splits
from ihas.data.storage import Ingested
from ihas.folders import write_whole
from ihas.results.estimate import Estimate
from ihas.results.run_result import RunResult
from ihas.seeding import generator
from ihas.stages.members import larger_configs
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.progress import Progress, Report
from ihas_pipelines.runs.run import carry_out, run_until
from ihas_pipelines.runs.stages import STAGES, Run, run_reporter

PILOTS = (1_000, 4_000)
TABLES_HELD = 8  # table, gradient, two moments, average, best weights, and two more while an epoch is averaged or a variant is trained


def estimate(recipe: Recipe, path: Path, report: Report) -> Estimate:
    """Read the table, search on two small parts of it, and say what a search on all of it would take.

    Args:
        recipe: what would be run; its budget is left out.
        path: folder that takes the pilots; `estimate.json` is all that stays.
        report: takes progress.

    Raises:
        ConfigError, DataError, TrainingError: as the stages say.
    """
    run = Run(recipe, RunFolder(path), run_reporter(report))
    with run.folder.locked():
        run_until(run, "reading")
        data, read_s = run.data, time.monotonic() - run.began
        rows = len(data.parts.train)
        sizes = tuple(dict.fromkeys(min(size, rows) for size in PILOTS))
        pilots = [_pilot(recipe, data, path, size, report) for size in sizes]
        found = _scaled(recipe, data, sizes, pilots, read_s)
    shutil.rmtree(path / "stages", ignore_errors=True)
    write_whole(path / "estimate.json", found.model_dump_json(indent=1))
    report(Progress(stage="evaluate", message=found.advice, fraction=1.0, eta_s=0.0, outcome="succeeded"))
    return found


def _pilot(recipe: Recipe, data: Ingested, path: Path, size: int, report: Report) -> tuple[float, RunResult]:
    """Seconds and result of a search on some of the training rows; validation and test rows are as many as fit."""
    rng, folder = generator(recipe.learning.seed, f"pilot-{size}"), path / f"pilot-{size}"
    parts = Splits(*(_some(part, size, rng) for part in (data.parts.train, data.parts.valid, data.parts.test)))
    small = Ingested(data.schema, data.encoder, parts, data.items, data.report, data.users)
    run = Run(recipe.model_copy(update={"budget": type(recipe.budget)()}), RunFolder(folder), run_reporter(_quietly(report, size)))
    run.key("data", {"pilot": size})
    run.data = small
    carry_out(run, STAGES[1:])
    seconds = time.monotonic() - run.began
    shutil.rmtree(folder, ignore_errors=True)
    return seconds, run.result


def _quietly(report: Report, size: int) -> Report:
    """A pilot's progress as the estimate's: half of the whole, and not its end."""
    first = 0.0 if size == PILOTS[0] else 0.5
    return lambda said: report(
        said.model_copy(update={"message": f"Pilot of {size:,} rows: {said.message}", "fraction": first + said.fraction / 2, "eta_s": None})
    )


def _some(rows: Dataset, size: int, rng: np.random.Generator) -> Dataset:
    """Some rows, clicks and others in the table's proportion, at least one of each where it has them; any where labels are numbers."""
    if len(rows) <= size:
        return rows
    if rows.label_range is not None:
        return rows.take(np.sort(rng.choice(len(rows), size, replace=False)))
    labels, chosen = np.asarray(rows.labels), []
    for label in (0.0, 1.0):
        places = np.flatnonzero(labels == label)
        count = min(len(places), max(1, round(size * len(places) / len(rows))))
        chosen.append(rng.choice(places, count, replace=False))
    return rows.take(np.sort(np.concatenate(chosen)))


def _scaled(recipe: Recipe, data: Ingested, sizes: tuple[int, ...], pilots: list[tuple[float, RunResult]], read_s: float) -> Estimate:
    rows, last = len(data.parts.train), pilots[-1][1]
    low, high = seconds(rows, sizes, [took for took, _ in pilots])
    learning = recipe.learning
    plain, larger = last.learning.training.embedding_dim, larger_configs(data.parts.train.layout, last.learning, recipe.budget)
    widest = max([plain * max(1, learning.distil.members), *(one.training.embedding_dim for one in larger)])  # dimensions of any table
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1_024)
    layout = data.parts.train.layout
    whole = sum(part.ids.nbytes for part in (data.parts.train, data.parts.valid, data.parts.test))
    chosen = next(variant for variant in last.variants if variant.name == last.chosen)
    return Estimate(
        rows=rows,
        pilot_rows=sizes,
        pilot_seconds=tuple(round(took, 2) for took, _ in pilots),
        seconds_low=round(read_s + low, 1),
        seconds_high=round(read_s + high, 1),
        memory_bytes=int(held + whole + TABLES_HELD * 4 * layout.num_rows * widest),
        parameters=last.variants[0].cost.parameters_total,
        chosen_in_pilot=last.chosen,
        gain=chosen.gain,
        advice=advice(last),
    )


def seconds(rows: int, sizes: tuple[int, ...], took: list[float]) -> tuple[float, float]:
    """Seconds of a search on `rows` rows, by the curve through the pilots and by proportional growth."""
    if len(sizes) == 1 or rows <= sizes[-1]:
        return took[-1], took[-1]
    power = min(1.0, max(0.0, math.log(took[1] / took[0]) / math.log(sizes[1] / sizes[0])))
    growth = rows / sizes[1]
    return took[1] * growth**power, took[1] * growth


def advice(pilot: RunResult) -> str:
    """What the larger pilot says of a search, in a sentence; few rows tell little, and it says so."""
    if pilot.chosen == "base":
        return "On the pilot's rows nothing beat the plain model. A search may still find something on all rows; expect little."
    chosen = next(variant for variant in pilot.variants if variant.name == pilot.chosen)
    if chosen.gain is not None and chosen.gain.low > 0.0:
        return f"A search is likely worth it: `{pilot.chosen}` beat the plain model on the pilot's test rows by more than chance explains."
    return f"The pilot chose `{pilot.chosen}`, within chance of the plain model on its test rows. More rows may tell."
