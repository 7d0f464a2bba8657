"""Plots of a benchmark show its table."""

from __future__ import annotations

import math

import pytest

from ihas_pipelines.reports.drawing import BETTER, UNCLEAR, WORSE
from ihas_pipelines.studies.benchmark.plots import BASELINE_COLOUR, colours, gains, pareto
from ihas_pipelines.studies.benchmark.table import tabulate
from tests.pipelines.studies.benchmark.outcomes import CELLS, OUTCOMES, PLAN

pytestmark = pytest.mark.tf

SECTION = tabulate(PLAN, len(CELLS), OUTCOMES, {}).sections[0]
NAMES = [row.name for row in SECTION.rows]


def test_every_method_is_a_named_mark_at_its_cost_and_auc():
    """The front first, pep and grouped, then a mark for each row, on a logarithmic axis that holds them all."""
    figure = pareto(SECTION)
    front, *marks = figure.data
    low, high = figure.layout.xaxis.range

    assert list(front.x) == [300.0, 600.0]
    assert list(front.y) == pytest.approx([0.7, 0.805])
    assert [mark.text for mark in marks] == NAMES
    assert [(mark.x[0], mark.y[0]) for mark in marks] == [(row.parameters_per_path, row.auc) for row in SECTION.rows]
    assert figure.layout.xaxis.type == "log"
    assert low < math.log10(300) < math.log10(1000) < high


def test_a_marks_bar_is_the_paired_interval():
    """grouped: 12.706 times .005 to both sides; the base has none."""
    marks = {mark.text: mark for mark in pareto(SECTION).data[1:]}

    assert marks["grouped"].error_y.array[0] == pytest.approx(12.706 * 0.005, rel=1e-3)
    assert marks["grouped"].error_y.arrayminus[0] == pytest.approx(12.706 * 0.005, rel=1e-3)
    assert marks["base"].error_y.array[0] == 0.0


def test_baselines_variants_and_the_base_have_colours_of_their_own():
    """One for the baseline methods, one for each variant of the plan, grey for the base."""
    by_name = dict(zip(NAMES, colours(SECTION), strict=True))

    assert by_name["pep"] == BASELINE_COLOUR
    assert by_name["base"] == UNCLEAR
    assert by_name["grouped"] == by_name["random groups"]
    assert len({by_name[name] for name in ("base", "grouped", "figure-1: grouped", "pep")}) == 4


def test_gains_are_sorted_and_coloured_by_what_their_interval_says():
    """The best on top; with the seeds alike to .0001 a gain of .07 is certain, and so is a loss."""
    rows = {row.name: row for row in SECTION.rows}
    sure = {"low": 0.069, "difference": 0.07, "high": 0.071}
    lost = {"low": -0.071, "difference": -0.07, "high": -0.069}
    changed = [
        rows["base"],
        rows["grouped"],
        rows["pep"].model_copy(update={"gain": type(rows["pep"].gain)(**lost)}),
        rows["chosen"].model_copy(update={"gain": type(rows["pep"].gain)(**sure)}),
    ]
    figure = gains(SECTION.model_copy(update={"rows": tuple(changed)}))

    assert list(figure.layout.yaxis.ticktext) == ["chosen", "grouped", "pep"]
    assert [mark.marker.color for mark in figure.data] == [BETTER, UNCLEAR, WORSE]
    assert [mark.x[0] for mark in figure.data] == pytest.approx([0.07, 0.015, -0.07])
