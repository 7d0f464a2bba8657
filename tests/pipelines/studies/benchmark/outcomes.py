"""A plan of two data sets with made-up outcomes of its cells."""

from __future__ import annotations

from ihas.config.data import DataConfig
from ihas.config.recipe import Recipe
from ihas.results.run_result import ClickMetrics, Cost
from ihas_pipelines.runs.measures import Measure
from ihas_pipelines.studies.benchmark.cells import Cell, Outcome, cells_of
from ihas_pipelines.studies.benchmark.plan import Plan

PLAN = Plan(
    name="made-up",
    seeds=(0, 1),
    recipes=tuple(Recipe(name=name, data=DataConfig(path=f"{name}.csv")) for name in ("apps", "films")),
    backbones={"small": {"backbone": {"hidden": [4]}}},
    variants={"figure-1": {"distil": {"members": 0}}},
    peers=("pep",),
)
CELLS = cells_of(PLAN)
AUCS = {"base": (0.80, 0.78), "grouped": (0.82, 0.79), "random groups": (0.85, 0.85), "chosen": (0.82, 0.79)}
SIZES = {"base": 1000.0, "grouped": 600.0, "random groups": 500.0, "chosen": 600.0, "pep": 300.0}


def measure(name: str, auc: float | None, log_loss: float = 0.5) -> Measure:
    """A measure with the given metrics and a size that goes with its name."""
    size = SIZES[name]
    cost = Cost(parameters_per_path=size, parameters_total=int(2 * size), multiply_adds=3 * size, kept_dims=size / 100)
    return Measure(ClickMetrics(rows=10, auc=auc, log_loss=log_loss, calibration=1.0), cost, seconds=size / 10)


def outcome(cell: Cell) -> Outcome:
    """What the cell gave: the default run as `AUCS` says, the other variant .01 less but for its base, the baseline method .7."""
    if cell.kind == "peer":
        return Outcome({"pep": measure("pep", 0.7)}, setting={"per": "row"})
    less = 0.0 if cell.name == "default" else 0.01
    aucs = {name: by_seed[cell.seed] - less * (name != "base") for name, by_seed in AUCS.items()}
    return Outcome({name: measure(name, auc) for name, auc in aucs.items()}, controls=("random groups",))


OUTCOMES = {cell: outcome(cell) for cell in CELLS}
