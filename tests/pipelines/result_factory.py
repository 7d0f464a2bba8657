"""A believable result of a run on coupon-like data, for everything that shows results."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.results.calibration import CalibrationResult, ReliabilityBin
from ihas.results.run_result import (
    ClickMetrics,
    Cost,
    Diversity,
    EpochMetrics,
    GroupCountResult,
    GroupResult,
    Interval,
    Point,
    RunResult,
    VariantResult,
)

FIELDS = (
    "destination", "passanger", "weather", "temperature", "time", "coupon", "expiration", "gender", "age", "maritalStatus",
    "has_children", "education", "occupation", "income", "car", "Bar", "CoffeeHouse", "CarryAway", "RestaurantLessThan20",
    "Restaurant20To50", "toCoupon_GEQ15min", "toCoupon_GEQ25min", "direction_same",
)  # fmt: skip
ITEM_FIELDS = {"coupon", "expiration"}
DIM = 16
BASE_AUC = 0.7481


def click_metrics(rows: int, auc: float | None, log_loss: float = 0.58, calibration: float | None = 1.01) -> ClickMetrics:
    """Metrics with the given values."""
    return ClickMetrics(rows=rows, auc=auc, log_loss=log_loss, calibration=calibration)


def variant(
    name: str, gain: tuple[float, float, float] | None, role: Literal["candidate", "control"] = "candidate", per_path: float = 9_000.0
) -> VariantResult:
    """A variant whose AUC is the base's plus the middle of `gain` (low, difference, high)."""
    auc = BASE_AUC + (gain[1] if gain else 0.0)
    return VariantResult(
        name=name,
        description=f"Serves the rows as {name} does.",
        role=role,
        num_groups=1 if name in ("base", "static") else 3,
        valid=click_metrics(1268, auc + 0.003, 0.575),
        test=click_metrics(1268, auc, 0.581 - (gain[1] if gain else 0.0)),
        gain=Interval(difference=gain[1], low=gain[0], high=gain[2]) if gain else None,
        cost=Cost(
            parameters_per_path=per_path, parameters_total=int(3.4 * per_path), multiply_adds=1.6 * per_path, kept_dims=per_path / 40
        ),
    )


VARIANTS = (
    variant("base", None, per_path=11_857),
    variant("static", (-0.0051, -0.0012, 0.0026), per_path=8_120),
    variant("supernet", (0.0008, 0.0041, 0.0075), per_path=11_857),
    variant("grouped", (0.0021, 0.0063, 0.0104), per_path=6_940),
    variant("random groups", (-0.0192, -0.0131, -0.0069), "control", 6_930),
    variant("K-means on e", (-0.0049, 0.0004, 0.0058), "control", 7_050),
    variant("K-means on z", (-0.0090, -0.0047, -0.0003), "control", 7_210),
)


def _group(number: int, num_groups: int, fields: tuple[str, ...], random: np.random.Generator) -> GroupResult:
    lean = random.beta(1.2, 1.2, size=(len(fields), 1))
    mean_gates = np.clip(lean + random.normal(0.0, 0.22, size=(len(fields), DIM)), 0.0, 1.0).round(3)
    own, reference, half = ((0.752, 0.748, 0.003), (0.741, 0.744, 0.002), (0.769, 0.751, 0.02), (0.75, 0.75, 0.01))[number % 4]
    share = (0.54, 0.31, 0.15)[number] if num_groups == 3 else 1.0 / num_groups
    return GroupResult(
        group=number,
        share=share,
        click_rate=(0.61, 0.38, 0.72, 0.5)[number % 4],
        kept_dims=tuple(int(kept) for kept in (mean_gates >= 0.4).sum(axis=1)),
        mean_gates=tuple(tuple(float(gate) for gate in row) for row in mean_gates),
        mask=tuple(tuple(row) for row in (mean_gates >= 0.4).tolist()),
        threshold=0.4,
        path="shared" if number != 1 else "group-1",
        test=click_metrics(int(1268 * share), own, 0.57, 1.02),
        base_test=click_metrics(int(1268 * share), reference, 0.58, 0.97),
        gain=Interval(difference=own - reference, low=own - reference - half, high=own - reference + half),
        typical=(f"{fields[0]} = No Urgent Place (1.9x)", f"{fields[1]} = Friend(s) (2.3x)", f"{fields[-1]} = Coffee House (1.5x)"),
    )


def _history(num_groups: int) -> tuple[EpochMetrics, ...]:
    lengths = {"base": 9, "search": 7, "shared": 8} | {f"group-{group}": 3 for group in range(num_groups)}
    curves = [
        EpochMetrics(model=model, epoch=epoch, loss=0.56 + 0.12 / epoch, auc=0.752 - 0.09 / epoch + 0.002 * number)
        for number, (model, length) in enumerate(lengths.items())
        for epoch in range(1, length + 1)
    ]
    return tuple(curves)


def _points(num_groups: int, random: np.random.Generator) -> tuple[Point, ...]:
    centres = random.normal(0.0, 2.0, size=(num_groups, 2))
    numbers = random.integers(0, num_groups, size=900)
    places = centres[numbers] + random.normal(0.0, 0.8, size=(900, 2))
    return tuple(Point(x=float(x), y=float(y), group=int(group)) for (x, y), group in zip(places, numbers, strict=True))


def run_result(num_groups: int = 3, fields: tuple[str, ...] = FIELDS, seed: int = 0, **changes: Any) -> RunResult:
    """A result with the given groups and fields; `changes` replace whole parts of it."""
    random = np.random.default_rng(seed)
    parts: dict[str, Any] = {
        "name": "coupon",
        "rows": {"train": 10_148, "valid": 1_268, "test": 1_268},
        "fields": fields,
        "roles": tuple("item" if field in ITEM_FIELDS else "context" for field in fields),
        "dim": DIM,
        "chosen": "grouped",
        "verdict": "Three groups with a mask each rank the test rows better than one plain model, with 41 % fewer parameters per path.",
        "variants": VARIANTS,
        "groups": tuple(_group(number, num_groups, fields, random) for number in range(num_groups)),
        "diversity": Diversity(rows=1_268, distinct_masks=1_102, kept_fraction=0.58, mean_variance=0.11, mutual_information=0.21),
        "group_counts": tuple(
            GroupCountResult(num_groups=number, log_loss=loss, smallest_share=share)
            for number, loss, share in ((2, 0.5792, 0.38), (3, 0.5761, 0.15), (4, 0.5754, 0.04))
        ),
        "grouped_on": "masked",
        "history": _history(num_groups),
        "points": _points(num_groups, random),
        "seconds": {"validating": 1.4, "searching": 21.7, "clustering": 6.2, "retraining": 24.9, "evaluating": 31.0},
        "learning": LearningConfig(),
        "calibration": CalibrationResult(
            method="platt",
            log_loss_before=0.571,
            log_loss=0.5655,
            error_before=0.041,
            error=0.012,
            reliability=tuple(ReliabilityBin(rows=317, score=score, click_rate=score + 0.012) for score in (0.2, 0.45, 0.6, 0.8)),
        ),
    }
    return RunResult(**(parts | changes))
