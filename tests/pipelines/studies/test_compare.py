"""The table over seeds, by hand."""

from __future__ import annotations

import pytest

from ihas.errors import DataError
from ihas.results.run_result import Refit, RunResult
from ihas_pipelines.studies.compare import markdown, tabulate
from tests.pipelines.result_factory import run_result

pytestmark = pytest.mark.tf


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


def test_the_chosen_row_takes_what_each_seed_chose():
    """The supernet's .82 under the first seed and the base's .78 under the second: mean .80."""
    comparison = tabulate((0, 1), _results())
    rows = {row.name: row for row in comparison.rows}

    assert rows["chosen"].auc == pytest.approx(0.80)
    assert rows["base"].auc == pytest.approx(0.79)
    assert rows["base"].gain is None
    assert rows["supernet"].gain.difference == pytest.approx(0.015)
    assert comparison.chosen == ("supernet", "base")


def test_a_ceiling_adds_a_row():
    """Under 5,000 multiply-adds the first seed chooses the static mask, the second the base; variants of the ceiling alone come first."""
    under = [
        {5_000: _with_aucs(result, {"static": 0.81, "base": base}, chosen)}
        for result, base, chosen in zip(_results(), (0.80, 0.78), ("static", "base"), strict=True)
    ]
    comparison = tabulate((0, 1), _results(), under)
    rows = {row.name: row for row in comparison.rows}

    assert rows["chosen at <= 5,000"].auc == pytest.approx((0.81 + 0.78) / 2)
    assert rows["chosen at <= 5,000"].gain.difference == pytest.approx(0.005)
    assert rows["static"].auc == pytest.approx(run_result().variants[1].test.auc)
    assert comparison.chosen_within == {"chosen at <= 5,000": ("static", "base")}
    assert "chosen at <= 5,000: static, base" in markdown(comparison)


def test_models_trained_once_more_are_compared_with_each_other():
    """The chosen ones have .84 and .81, the plain ones .83 and .78: a mean gain of .02, not the .035 over the plain ones of before."""

    def again(result: RunResult, base: float, chosen: float) -> RunResult:
        metrics = result.variants[0].test
        changed = {"test": metrics.model_copy(update={"auc": chosen}), "base": metrics.model_copy(update={"auc": base})}
        seconds = result.seconds | {"refit": 7.0}
        return result.model_copy(update={"refit": Refit(rows=9, gain=None, **changed), "seconds": seconds})

    results = [again(result, *aucs) for result, aucs in zip(_results(), ((0.83, 0.84), (0.78, 0.81)), strict=True)]
    rows = {row.name: row for row in tabulate((0, 1), results, [{5_000: result} for result in results]).rows}

    assert rows["chosen, trained once more"].auc == pytest.approx(0.825)
    assert rows["chosen, trained once more"].gain.difference == pytest.approx(0.02)
    assert rows["chosen at <= 5,000, trained once more"].gain.difference == pytest.approx(0.02)
    assert rows["base, trained once more"].gain is None
    assert rows["base, trained once more"].seconds == pytest.approx(rows["base"].seconds + 7.0)
    assert rows["chosen, trained once more"].seconds == pytest.approx(rows["chosen"].seconds + 7.0)
    assert list(rows)[-1] == "chosen at <= 5,000, trained once more"


def test_one_seed_has_no_interval():
    """With a single seed the table has metrics, and no claim."""
    assert all(row.gain is None for row in tabulate((0,), _results()[:1]).rows)


def test_the_markdown_table_shows_losses_as_it_shows_gains():
    """Each variant has a line, with sign and interval."""
    text = markdown(tabulate((0, 1), _results()))

    assert "| supernet | 0.80500 ± 0.02121 |" in text
    assert "+0.01500 (-0.04853 to +0.07853)" in text


def test_figures_without_an_auc_are_refused():
    """Test rows of one label give no table."""
    figures = run_result().variants[0].test.model_copy(update={"auc": None})
    base = run_result().variants[0].model_copy(update={"test": figures})

    with pytest.raises(DataError, match="must have both labels"):
        tabulate((0,), [run_result(variants=(base, *run_result().variants[1:]))])
