"""The table of a benchmark, by hand."""

from __future__ import annotations

import dataclasses

import pytest

from ihas_pipelines.studies.benchmark.table import BenchmarkRow, Section, markdown, pareto_frontier, tabulate
from tests.pipelines.studies.benchmark.outcomes import CELLS, OUTCOMES, PLAN

pytestmark = pytest.mark.tf

FULL = tabulate(PLAN, len(CELLS), OUTCOMES, {})


def _rows(section: Section) -> dict[str, BenchmarkRow]:
    return {row.name: row for row in section.rows}


def test_there_is_a_section_for_each_data_set_and_backbone():
    """Two data sets with one backbone: two tables with the same methods, in the plan's order."""
    assert [(section.data, section.backbone) for section in FULL.sections] == [("apps", "small"), ("films", "small")]
    assert [row.name for row in FULL.sections[0].rows] == [
        "base", "grouped", "random groups", "chosen", "figure-1: grouped", "figure-1: random groups", "figure-1: chosen", "pep",
    ]  # fmt: skip
    assert [row.kind for row in FULL.sections[0].rows[:4]] == ["candidate", "candidate", "control", "chosen"]


def test_means_and_deviations_by_hand():
    """.82 and .79: mean .805, deviation .03 / sqrt 2; one cost in both seeds is the mean."""
    row = _rows(FULL.sections[0])["grouped"]

    assert (row.auc, row.auc_deviation) == (pytest.approx(0.805), pytest.approx(0.03 / 2**0.5))
    assert (row.log_loss, row.log_loss_deviation) == (0.5, 0.0)
    assert (row.parameters_per_path, row.parameters_total, row.multiply_adds, row.kept_dims, row.seconds) == (600, 1200, 1800, 6, 60)


def test_gains_of_variants_and_baselines_are_paired_with_the_default_base():
    """grouped: .02 and .01; under figure-1 .01 and 0; pep: -.1 and -.08. Half-width: t(1) = 12.706 times .005, or .01."""
    rows = _rows(FULL.sections[0])

    for name, mean, half in (("grouped", 0.015, 0.005), ("figure-1: grouped", 0.005, 0.005), ("pep", -0.09, 0.01)):
        gain = rows[name].gain
        assert gain is not None
        assert gain.difference == pytest.approx(mean)
        assert gain.high - gain.difference == pytest.approx(12.706 * half, rel=1e-3)
    assert rows["base"].gain is None


def test_a_variant_with_another_base_shows_it():
    """A base that is the default's is left out; one that differs, because it was given other epochs, has a row."""
    (cell,) = [cell for cell in CELLS if (cell.data, cell.seed, cell.name) == ("apps", 0, "figure-1")]
    other = dataclasses.replace(OUTCOMES[cell], measures={**OUTCOMES[cell].measures, "base": OUTCOMES[cell].measures["grouped"]})

    assert "figure-1: base" in _rows(tabulate(PLAN, len(CELLS), {**OUTCOMES, cell: other}, {}).sections[0])


def test_a_seed_that_failed_is_left_out_of_its_row_alone():
    """With figure-1 failed under seed 1, its row has one seed and no interval, pep and the other data set are as before."""
    (cell,) = [cell for cell in CELLS if (cell.data, cell.seed, cell.name) == ("apps", 1, "figure-1")]
    table = tabulate(PLAN, len(CELLS), {key: value for key, value in OUTCOMES.items() if key != cell}, {cell: "too | few\nrows"})
    row, text = _rows(table.sections[0])["figure-1: grouped"], markdown(table)

    assert (row.seeds, row.auc, row.gain) == ((0,), pytest.approx(0.81), None)
    assert _rows(table.sections[0])["pep"] == _rows(FULL.sections[0])["pep"]
    assert table.sections[1] == FULL.sections[1]
    assert "| figure-1, seed 1 | failed: too \\| few rows |" in text
    assert "* figure-1: grouped has seeds 0 only." in text


def test_without_the_base_nothing_has_a_gain():
    """Where the default run failed, the baseline method has metrics and no claim."""
    outcomes = {cell: outcome for cell, outcome in OUTCOMES.items() if cell.name == "pep"}

    assert [(row.name, row.gain) for row in tabulate(PLAN, len(CELLS), outcomes, {}).sections[0].rows] == [("pep", None)]


def test_the_front_by_hand():
    """pep is smallest, grouped better, its choice the same; the base is larger and worse; a control is on no front."""
    assert [row.name for row in pareto_frontier(FULL.sections[0].rows)] == ["pep", "grouped"]


def test_the_markdown_table_says_it_all():
    """Each data set has a heading, each method a line with its interval, and a baseline method its setting."""
    text = markdown(FULL)

    assert "## films, small" in text
    assert "| grouped | 0.80500 ± 0.02121 | 0.5000 ± 0.0000 | +0.01500 (-0.04853 to +0.07853) | 6 | 600 | 1,200 | 1,800 | 60 |" in text
    assert "* pep: per = row." in text
