"""What a refresh says of itself."""

from __future__ import annotations

import pytest

from ihas.results.run_result import Interval, Refit, Refreshed, RunResult
from ihas_pipelines.runs.refreshed import verdict
from tests.pipelines.result_factory import VARIANTS, run_result

pytestmark = pytest.mark.tf


def _said(chosen: str, gain: float, known: int = 100, **changes: object) -> str:
    before, after = VARIANTS[0].model_copy(update={"name": "before"}), VARIANTS[2].model_copy(update={"name": "refreshed"})
    result: RunResult = run_result(variants=(before, after), chosen=chosen)
    did = Refreshed(
        model="members", new_values={"user": 1_200}, silent_values={"user": 30}, groups="none", group_drift=None, retrieval="none",
        valid_gain=Interval(difference=gain, low=gain and gain - 0.01, high=gain and gain + 0.01), was=before.test, epochs=2,
    )  # fmt: skip
    refit = changes.pop("refit", None)
    return verdict(result.model_copy(update={"refit": refit}), did.model_copy(update=changes), known)


def test_the_verdict_says_which_model_serves_and_by_how_much() -> None:
    """A gain and a loss with their intervals; where no epoch was better, that the weights stayed."""
    assert "is served: validation AUC +0.0200, 95 % interval +0.0100 to +0.0300" in _said("refreshed", 0.02)
    assert "The model as it was goes on serving" in _said("before", -0.02)
    assert "none ranked the validation rows better: its weights stayed as they were" in _said("refreshed", 0.0)
    assert "1,200 values are new." in _said("refreshed", 0.02)


def test_a_vocabulary_that_is_mostly_silent_and_the_fate_of_groups_are_told() -> None:
    """Above a half of the known values the way out is a search; groups are told with their drift."""
    assert "no longer occur" not in _said("refreshed", 0.02)
    assert "30 of 40 known values no longer occur: a new search would drop them." in _said("refreshed", 0.02, known=40)
    assert "Groups and masks were kept (group drift 0.031)." in _said("refreshed", 0.02, groups="kept", group_drift=0.0312)
    assert "formed anew by the gates of the search, which was not repeated" in _said(
        "refreshed", 0.02, groups="formed anew", group_drift=0.3
    )


def test_the_verdict_ends_with_what_to_do_next() -> None:
    """Traffic for what gained, more rows where nothing was gained, a search where values or groups went."""
    assert _said("refreshed", 0.02).endswith("(`ihas model traffic`).")
    test = VARIANTS[0].test
    again = _said("refreshed", 0.02, refit=Refit(rows=9, test=test, base=test, gain=None))
    assert again.index("Served is this model trained once more") < again.index(" Next: ")
    assert _said("before", -0.02).endswith("once there are more newer rows.")
    assert _said("refreshed", 0.02, known=40).endswith("(`ihas search`).")
    assert _said("refreshed", 0.02, groups="formed anew", group_drift=0.3).endswith("(`ihas search`).")
