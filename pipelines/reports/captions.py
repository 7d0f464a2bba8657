"""Under every plot: how it is read, and what it shows here, from the metrics of this run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ihas.results.run_result import GroupResult, RunResult
from ihas_pipelines.reports.drawing import interval, outcome
from ihas_pipelines.reports.group_plots import fields_by_kept
from ihas_pipelines.reports.pareto import pareto_frontier
from ihas_pipelines.reports.variant_plots import compared

POINTS = MappingProxyType(
    {"masked": "e*z", "mask": "z", "openness": "mean gate activation", "embedding": "e", "values": "values' mean gates"}
)


@dataclass(frozen=True)
class Caption:
    """Two plain texts, not yet escaped.

    Attributes:
        read: how to read the plot.
        here: what it shows in this run.
    """

    read: str
    here: str


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *front, last = list(words) or ["none"]
    return f"{', '.join(front)} and {last}" if front else last


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _auc(result: RunResult) -> Caption:
    ranks = "ranks clicks above non-clicks" if result.label_range is None else "ranks rows with larger labels above those with smaller ones"
    read = (
        f"Each mark is one way of serving the same {counted(result.rows['test'], 'test row')}. Right of the dashed line it {ranks} "
        "more often than the base, left of it less often. The bar is the 95 % interval: where it crosses the line, "
        "these rows cannot tell the two apart (grey). Filled marks are candidates, open marks are controls, the star was chosen."
    )
    variants = compared(result)
    if not variants:
        return Caption(read, "Only the base was trained, so there is nothing to compare.")
    names = {kind: [v.name for v in variants if outcome(v.gain) == kind] for kind in ("better", "worse", "unclear")}
    here = (
        f"Of {counted(len(variants), 'variant')}, better than the base: {listed(names['better'])}; worse: {listed(names['worse'])}; "
        f"not told apart: {listed(names['unclear'])}."
    )
    equals = [
        v.name for v in variants if v.role == "control" and v.name != "teacher" and v.gain and v.gain.difference >= _gain_of_chosen(result)
    ]
    if equals and result.chosen != result.variants[0].name:
        here += f" {listed(equals)} did no worse than the chosen {result.chosen}" + (
            ", so these rows do not show that its grouping is the reason." if result.chosen == "grouped" else "."
        )
    if result.chosen == "grouped" and all(v.role != "control" for v in variants):
        here += " Whether the grouping is the reason, `learning.evaluate.controls = true` measures."
    return Caption(read, here)


def _gain_of_chosen(result: RunResult) -> float:
    return next((v.gain.difference for v in result.variants if v.name == result.chosen and v.gain), 0.0)


def _pareto(result: RunResult) -> Caption:
    front = pareto_frontier(result)
    read = (
        "Up is better ranking, left is a smaller model to run for a row. The dotted line joins the candidates that no other candidate "
        "beats on both counts; a candidate off the line costs more or ranks worse than one on it."
    )
    if not front:
        return Caption(read, "No candidate has an AUC: all test rows have one label.")
    if len(front) == 1:
        return Caption(read, f"{front[0].name} is on the line alone: every other candidate ranks worse and is not smaller.")
    steps = listed(f"{v.name} ({v.cost.parameters_per_path:,.0f} parameters, AUC {v.test.auc:.4f})" for v in front)
    return Caption(read, f"On the line: {steps}.")


def _gates(result: RunResult) -> Caption:
    read = (
        f"A row of cells is a field, a cell is one of the numbers (dimensions, {result.dim} a field) that describe its value. Bright: "
        "the gate is open for most rows of the group, so the number is used. A dot marks the cells that the group's mask keeps; the other "
        "numbers are not even stored in the group's model. Fields are sorted by dimensions kept over all groups."
    )
    total = len(result.fields) * result.dim
    kept = listed(f"group {group.group} keeps {sum(group.kept_dims)}" for group in result.groups)
    order = fields_by_kept(result)
    sums = np.array([group.kept_dims for group in result.groups]).sum(axis=0)
    fields = f"Most are kept for {result.fields[order[0]]}, fewest for {result.fields[order[-1]]}."
    fields = fields if sums.min() < sums.max() else "All fields keep as many."
    values = np.array([group.mean_gates for group in result.groups])
    span = f"A gate is open for {values.min():.0%} to {values.max():.0%} of a group's rows."
    return Caption(read, f"Of {total} dimensions, {kept}. {fields} {span}")


def _kept(result: RunResult) -> Caption:
    read = (
        "A bar's length is how many numbers describe the field in that group; no bar: the group does without the field. "
        "Bars of different length in one row are where the groups differ."
    )
    kept = np.array([group.kept_dims for group in result.groups])
    spread = kept.max(axis=0) - kept.min(axis=0)
    if spread.max() == 0:
        return Caption(read, "Every field has the same number of dimensions in every group.")
    field = int(spread.argmax())
    sizes = listed(f"{group.kept_dims[field]} in group {group.group}" for group in result.groups)
    unused = [name for name, most in zip(result.fields, kept.max(axis=0).tolist(), strict=True) if most == 0]
    here = f"The groups differ most in {result.fields[field]}: {sizes}."
    return Caption(read, here + (f" No group uses {listed(unused)}." if unused else ""))


def _separation(result: RunResult) -> float:
    places = np.array([(point.x, point.y) for point in result.points])
    numbers = np.array([point.group for point in result.points])
    centres = {number: places[numbers == number].mean(axis=0) for number in np.unique(numbers)}
    between = sum(
        float((numbers == number).sum()) * float(((centre - places.mean(axis=0)) ** 2).sum()) for number, centre in centres.items()
    )
    return between / max(float(((places - places.mean(axis=0)) ** 2).sum()), 1e-12)


def _groups(result: RunResult) -> Caption:
    read = (
        f"A point is a training row, as {POINTS[result.grouped_on]} shows it, flattened to the two directions in which rows differ most. "
        "Rows that are near use similar numbers. Clouds that overlap here may still be apart in the directions that the plane leaves out."
    )
    sizes = listed(f"{group.share:.0%} of the rows in group {group.group}" for group in result.groups)
    if len(result.points) < 2:
        return Caption(read, f"There are {sizes}.")
    share = _separation(result)
    word = "clearly apart" if share > 0.5 else "partly apart" if share > 0.2 else "mostly mixed"
    return Caption(
        read, f"In this plane the groups are {word}: which group a row is in explains {share:.0%} of its place. There are {sizes}."
    )


def _gains(result: RunResult) -> Caption:
    served = result.chosen == result.variants[0].name
    variant = "a variant that was chosen instead" if served else f"{result.chosen}, which was chosen,"
    read = (
        f"A mark is a group of test rows: how much better {variant} orders them than the base does. "
        "The bar is the 95 % interval: where it crosses the dashed line, the group's rows cannot tell the two apart (grey). "
        "Rows of different groups are not compared here; the pooled difference above counts them too."
    )
    told = [group for group in result.groups if group.gain is not None]
    if not told:
        return Caption(
            read, "The base serves every group." if served else "No group has an interval: too few test rows of a label, or an old run."
        )
    kinds = {kind: [f"group {group.group}" for group in told if outcome(group.gain) == kind] for kind in ("better", "worse", "unclear")}
    return Caption(
        read,
        f"Better than the base: {listed(kinds['better'])}; worse: {listed(kinds['worse'])}; not told apart: {listed(kinds['unclear'])}.",
    )


def _counts(result: RunResult) -> Caption:
    read = (
        "Above: how badly the scores fit the validation rows when the rows are cut into so many groups, by K-means on the masked "
        "embedding e*z, on the gates z alone, on the mean gate activation of each field or on the mean gates of a field's values; lower is "
        "better. "
        "Below: the share of training rows in the smallest group; below the dashed line a number of groups is not chosen."
    )
    if not result.group_counts:
        return Caption(read, "No number of groups was compared.")
    if len(result.groups) == 1:
        least = result.learning.cluster.min_group_fraction
        return Caption(read, f"Every number of groups left one with less than {least:.0%} of the rows, so all rows are one group.")
    best = min(result.group_counts, key=lambda count: count.log_loss)
    kept = (len(result.groups), result.grouped_on, result.grouped_by)
    taken = next((c for c in result.group_counts if (c.num_groups, c.on, c.router) == kept), best)
    here = f"{counted(taken.num_groups, 'group')} by K-means on {POINTS[taken.on]} were taken, with a log-loss of {taken.log_loss:.4f}."
    if taken.agreement is not None:
        how = "assign the rows in its place" if taken.router == "additive" else "were no better"
        here += f" Sums of numbers per id say the same group for {taken.agreement:.1%} of the validation rows and {how}."
    if best is not taken:
        why = (
            "but their smallest group is too small"
            if best.smallest_share < result.learning.cluster.min_group_fraction
            else "which is within noise, and fewer groups are simpler"
        )
        here += f" {counted(best.num_groups, 'group')} on {POINTS[best.on]} fit a little better ({best.log_loss:.4f}), {why}."
    return Caption(read, here)


def _history(result: RunResult) -> Caption:
    read = (
        "Each line is one training; it stops when ranking on the validation rows has not improved for more than "
        f"{counted(result.learning.training.patience, 'epoch')}, and its best epoch is kept. “base” is the plain model, “teacher” is "
        "another that labels rows together with it, “student” learns from these labels, “search” learns the gates on top of it, and the "
        "others are trained under the groups' masks."
    )
    best: dict[str, float] = {}
    for epoch in result.history:
        best[epoch.model] = max(best.get(epoch.model, 0.0), epoch.auc)
    return Caption(read, f"Best validation AUC: {listed(f'{model} {auc:.4f}' for model, auc in best.items())}.")


METHODS = MappingProxyType(
    {
        "none": "No calibration was needed",
        "platt": "A line on the log-odds (Platt), fitted on validation rows, sets them right",
        "isotonic": "Steps (isotonic regression), fitted on validation rows, set them right",
    }
)


def _calibration(result: RunResult) -> Caption:
    read = (
        "A mark is about as many test rows as every other: how sure the served model is that they are clicks, and how many of them are. "
        "On the dashed line the two are equal, so a score can be used as a probability; below it the scores are too high."
    )
    if result.label_range is not None:
        low, high = result.label_range
        read = (
            f"A mark is about as many test rows as every other: their mean score and mean label, where 0 is {low:g} and 1 is {high:g}. "
            "On the dashed line the two are equal, so the answer's value is the label to be expected; below it values are too high."
        )
    known = result.calibration
    if known is None:
        return Caption(read, "Test rows of one label, or a run of an earlier version, say nothing of it.")
    rates = "rates" if result.label_range is None else "mean labels"
    told = f"Scores are {known.error:.4f} from the {rates} on average (expected calibration error)"
    if known.method == "none":
        return Caption(read, f"{METHODS['none']}. {told}.")
    before = f"{known.error_before:.4f} before; log-loss {known.log_loss:.4f}, {known.log_loss_before:.4f} before"
    return Caption(read, f"{METHODS[known.method]}. {told}, {before}. The order of items does not change.")


CAPTIONS: Mapping[str, Callable[[RunResult], Caption]] = MappingProxyType(
    {
        "auc": _auc,
        "pareto": _pareto,
        "gates": _gates,
        "kept": _kept,
        "groups": _groups,
        "gains": _gains,
        "counts": _counts,
        "history": _history,
        "calibration": _calibration,
    }
)


def headline(result: RunResult) -> str:
    """Whether the chosen variant is better than the plain model, in one sentence."""
    if result.chosen == result.variants[0].name:
        return "The plain model is served: validation rows do not show that anything else is better."
    gain = next(variant.gain for variant in result.variants if variant.name == result.chosen)
    what = "clicks" if result.label_range is None else "rows"
    ends = {
        "better": f"ranks {what} better than the plain model",
        "worse": "was chosen, but ranks the test rows worse than the plain model",
        "unclear": f"was chosen; whether it ranks {what} better than the plain model, the test rows cannot tell",
    }
    return f"The variant “{result.chosen}” {ends[outcome(gain)]}."


def diversity(result: RunResult) -> str:
    """Whether gates really differ between rows, in words."""
    seen = result.diversity
    share = seen.mutual_information / math.log(2.0)
    word = "hardly differ" if share < 0.02 else "differ somewhat" if share < 0.2 else "differ strongly"
    patterns = "one and the same pattern" if seen.distinct_masks == 1 else f"{seen.distinct_masks:,} different patterns"
    return (
        f"Gates {word} between rows: {counted(seen.rows, 'validation row')} have {patterns} of open gates. "
        f"On average {seen.kept_fraction:.0%} of the gates are open. "
        f"A gate's variance over the rows is {seen.mean_variance:.3f} (0: the same for every row, 0.25: open for one half), "
        f"and knowing the row tells {share:.0%} of what there is to know about a gate."
    )


def against_base(group: GroupResult) -> str:
    """A group's AUC beside the base's on the same rows, in words."""
    if group.test.auc is None or group.base_test.auc is None:
        return "no AUC: its test rows have not both labels"
    if group.test == group.base_test:
        return f"{group.test.auc:.4f}, the base's"
    difference = f"{group.test.auc - group.base_test.auc:+.4f}" if group.gain is None else interval(group.gain)
    return f"{group.test.auc:.4f} against the base's {group.base_test.auc:.4f} ({difference})"
