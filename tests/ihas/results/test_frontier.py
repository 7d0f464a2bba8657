"""The Pareto frontier of candidates, worked out by hand."""

from __future__ import annotations

import pytest

from ihas.results.frontier import dominates, find_point, slug, steps_up, unbeaten_candidates, unknown_point
from ihas.results.run_result import ClickMetrics, Cost, FrontierPoint, VariantResult

SIZES = {
    # name: AUC, log-loss, multiply-adds, parameters
    "base": (0.980, 0.160, 1_000, 90_000),
    "members": (0.986, 0.140, 1_050, 90_000),
    "distilled": (0.985, 0.150, 1_100, 90_000),  # members are better in everything
    "static": (0.986, 0.140, 1_050, 80_000),  # as members, with fewer parameters: members fall out
    "supernet": (0.987, 0.141, 9_000, 95_000),
    "grouped": (0.987, 0.145, 9_000, 95_000),  # the supernet has the better log-loss
    "members x2": (0.988, 0.135, 2_100, 180_000),  # and these are better than the supernet at fewer multiply-adds, with more parameters
    "teacher": (0.988, 0.134, 20_000, 360_000),  # the log-loss alone is better
    "random groups": (0.999, 0.001, 1, 1),  # a control, which nobody may choose
}


def metrics(auc: float | None, log_loss: float | None) -> ClickMetrics:
    """Metrics of some rows."""
    return ClickMetrics(rows=10, auc=auc, log_loss=log_loss, calibration=1.0)


def candidate(name: str, auc: float | None, log_loss: float | None, adds: float, parameters: int) -> VariantResult:
    """A candidate of this name; `random groups` is a control."""
    return VariantResult(
        name=name,
        description="",
        role="control" if name == "random groups" else "candidate",
        num_groups=1,
        valid=metrics(auc, log_loss),
        test=metrics(None if auc is None else auc - 0.001, log_loss),
        gain=None,
        cost=Cost(parameters_per_path=parameters, parameters_total=parameters, multiply_adds=adds, kept_dims=4),
    )


CANDIDATES = tuple(candidate(name, *figures) for name, figures in SIZES.items())


def point(name: str) -> FrontierPoint:
    """A candidate as a point."""
    found = next(one for one in CANDIDATES if one.name == name)
    return FrontierPoint(
        name=name, num_groups=1, valid=found.valid, test=found.test, multiply_adds=found.cost.multiply_adds,
        parameters=found.cost.parameters_total, memory_bytes=4 * found.cost.parameters_total, row_p99_us=20.0, candidates=500,
        candidates_p99_us=400.0,
    )  # fmt: skip


def test_what_another_beats_falls_out() -> None:
    """The base stays as the cheapest; `members` fall to fewer parameters alone, `grouped` to a better log-loss alone."""
    names = [one.name for one in unbeaten_candidates(CANDIDATES)]

    assert names == ["base", "static", "members x2", "supernet", "teacher"]


def test_of_equals_the_first_stays() -> None:
    """Nobody beats its equal, and the same point stands there once."""
    twins = (candidate("base", 0.9, 0.2, 10, 10), candidate("static", 0.9, 0.2, 10, 10))

    assert not dominates(*twins)
    assert [one.name for one in unbeaten_candidates(twins)] == ["base"]


def test_rows_of_one_label_have_no_auc_to_compare() -> None:
    """Log-loss and costs decide."""
    found = unbeaten_candidates((candidate("base", None, 0.3, 10, 10), candidate("static", None, 0.2, 10, 10)))

    assert [one.name for one in found] == ["static"]


def test_the_next_steps_up_are_told() -> None:
    """What is dearer and ranks validation rows better, with differences on test rows and the factor in multiply-adds; at most three."""
    points = [point(name) for name in ("base", "static", "members x2", "supernet", "teacher")]

    assert steps_up(points, "static") == (
        " Dearer points of the frontier, on test rows: `members x2`, +0.0020 AUC, -0.0050 log-loss, at 2.0 times the multiply-adds; "
        "`supernet`, +0.0010 AUC, +0.0010 log-loss, at 8.6 times the multiply-adds; "
        "`teacher`, +0.0020 AUC, -0.0060 log-loss, at 19.0 times the multiply-adds."
    )
    assert steps_up(points, "base").count("multiply-adds") == 3
    assert steps_up(points, "teacher") == ""


def test_a_step_up_in_parameters_alone_is_told_by_them() -> None:
    """As many multiply-adds, nearly, and 1.9 times the stored parameters: a table twice as wide, of which half is read."""
    wide = point("static").model_copy(update={"name": "pruned x2 wide", "parameters": 152_000, "valid": metrics(0.9875, 0.136)})

    assert steps_up([point("static"), wide], "static").endswith("at 1.9 times the parameters.")


@pytest.mark.parametrize(("name", "found"), [("members x2", "members x2"), ("members-x2", "members x2"), ("teacher", None), ("", None)])
def test_a_point_is_found_by_its_name_or_its_folder(name: str, found: str | None) -> None:
    """`members x2` is also `members-x2`; what is unknown is answered with the known ones."""
    points = [point("base"), point("members x2")]
    one = find_point(points, name)

    assert (None if one is None else one.name) == found
    assert slug("members x2") == "members-x2"
    assert unknown_point(points, "large") == "A point must be one of `base`, `members x2`, but got 'large'."
