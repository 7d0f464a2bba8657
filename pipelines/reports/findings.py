"""What a report names besides its figures: fields by what the model keeps of them, groups that do badly, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ihas.results.run_result import GroupResult, RunResult
from ihas_pipelines.reports.drawing import outcome

MOST_FIELDS = 20
FAR_OFF = 0.15
"""Calibration further from 1 than this is told."""


@dataclass(frozen=True, slots=True)
class FieldShare:
    """What is kept of a field.

    Attributes:
        name: of the field.
        dims: dimensions kept of it, averaged over training rows.
        share: of all dimensions of a field, 0 to 1.
    """

    name: str
    dims: float
    share: float


def fields_by_importance(result: RunResult) -> Sequence[FieldShare]:
    """Fields by the dimensions that the groups' masks keep of them, most first; the first twenty."""
    kept = [sum(group.share * group.kept_dims[place] for group in result.groups) for place in range(len(result.fields))]
    named = [FieldShare(name, dims, min(1.0, dims / result.dim)) for name, dims in zip(result.fields, kept, strict=True)]
    return sorted(named, key=lambda one: -one.dims)[:MOST_FIELDS]


def weak_segments(result: RunResult) -> Sequence[str]:
    """Groups that rank worse than the plain model or whose scores are far off, each in a sentence."""
    rate = "click rate" if result.label_range is None else "mean label"
    return [f"Group {one.group} ({100 * one.share:.0f} % of the rows): {why}." for one in result.groups if (why := _weakness(one, rate))]


def _weakness(group: GroupResult, rate: str) -> str:
    told = []
    if group.gain is not None and outcome(group.gain) == "worse":
        told.append("it ranks worse than the plain model")
    calibration = group.test.calibration
    if calibration is not None and abs(calibration - 1.0) > FAR_OFF:
        told.append(f"its scores are {calibration:.2f} times the {rate}")
    return ", and ".join(told)


def next_commands(result: RunResult) -> Sequence[tuple[str, str]]:
    """What to do next and its command, for whoever holds a service or only the run folder."""
    return (
        ("See it in the dashboard, try it and let it answer", "ihas up"),
        ("Let the new version answer requests", f"ihas model promote {result.name} VERSION"),
        ("Serve another point without training", f"ihas model choose {result.name} --point POINT"),
        ("Learn on with newer rows later", f"ihas model refresh {result.name} --dataset DATASET"),
    )
