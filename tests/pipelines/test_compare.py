"""The table over seeds, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.errors import DataError
from ihas.results import RunResult
from pipelines.compare import markdown, measures, paired_interval, tabulate
from tests.pipelines.result_factory import run_result


def _with_aucs(result: RunResult, aucs: dict[str, float], chosen: str) -> RunResult:
    variants = tuple(
        variant.model_copy(update={"test": variant.test.model_copy(update={"auc": aucs.get(variant.name, variant.test.auc)})})
        for variant in result.variants
    )
    return result.model_copy(update={"variants": variants, "chosen": chosen})


def _results() -> list[RunResult]:
    result = run_result()
    return [
        _with_aucs(result, {"base": 0.80, "supernet": 0.82}, "supernet"),
        _with_aucs(result, {"base": 0.78, "supernet": 0.79}, "base"),
    ]


def test_gains_are_paired_by_seed():
    """Differences .02 and .01: mean .015, deviation .00707, half-width t(1) .00707 / sqrt 2 = 12.706 x .005."""
    interval = paired_interval(np.array([0.02, 0.01]))

    assert interval.difference == pytest.approx(0.015)
    assert interval.high - interval.difference == pytest.approx(12.706 * 0.005, rel=1e-3)
    assert interval.difference - interval.low == pytest.approx(12.706 * 0.005, rel=1e-3)


def test_the_chosen_row_takes_what_each_seed_chose():
    """The supernet's .82 under the first seed and the base's .78 under the second: mean .80."""
    comparison = tabulate((0, 1), _results())
    rows = {row.name: row for row in comparison.rows}

    assert rows["chosen"].auc == pytest.approx(0.80)
    assert rows["base"].auc == pytest.approx(0.79)
    assert rows["base"].gain is None
    assert rows["supernet"].gain.difference == pytest.approx(0.015)
    assert comparison.chosen == ("supernet", "base")


def test_one_seed_has_no_interval():
    """With a single seed the table has figures, and no claim."""
    assert all(row.gain is None for row in tabulate((0,), _results()[:1]).rows)


def test_the_markdown_table_shows_losses_as_it_shows_gains():
    """Each variant has a line, with sign and interval."""
    text = markdown(tabulate((0, 1), _results()))

    assert "| supernet | 0.80500 ± 0.02121 |" in text
    assert "+0.01500 (-0.04853 to +0.07853)" in text


def test_seconds_are_those_of_the_stages_that_a_variant_needs():
    """Static needs no groups, grouped does, a control needs them but not their models; a choice needs all candidates, each stage once."""
    stages = {"data": 100.0, "base": 1.0, "distil": 2.0, "search": 4.0, "cluster": 8.0, "retrain": 16.0}
    own = {"variant-base": 0.1, "variant-static": 0.2, "variant-grouped": 0.4, "variant-random groups": 0.8}
    result = run_result(seconds=stages | own)
    found = measures(result)

    assert found["base"].seconds == pytest.approx(1.1)
    assert found["static"].seconds == pytest.approx(7.2)
    assert found["grouped"].seconds == pytest.approx(31.4)
    assert found["random groups"].seconds == pytest.approx(15.8)
    assert found["chosen"].seconds == pytest.approx(31.7)


def test_figures_without_an_auc_are_refused():
    """Test rows of one label give no table."""
    figures = run_result().variants[0].test.model_copy(update={"auc": None})
    base = run_result().variants[0].model_copy(update={"test": figures})

    with pytest.raises(DataError, match="must have both labels"):
        tabulate((0,), [run_result(variants=(base, *run_result().variants[1:]))])
