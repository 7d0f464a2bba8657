"""What a variant took, and its gain over seeds, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas_pipelines.runs.measures import measures, paired_interval, seconds_of
from tests.pipelines.result_factory import run_result

pytestmark = pytest.mark.tf


def test_gains_are_paired_by_seed():
    """Differences .02 and .01: mean .015, deviation .00707, half-width t(1) .00707 / sqrt 2 = 12.706 x .005."""
    interval = paired_interval(np.array([0.02, 0.01]))

    assert interval.difference == pytest.approx(0.015)
    assert interval.high - interval.difference == pytest.approx(12.706 * 0.005, rel=1e-3)
    assert interval.difference - interval.low == pytest.approx(12.706 * 0.005, rel=1e-3)


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


def test_seconds_of_larger_and_of_pruned_models_are_their_own_stages() -> None:
    """Larger models need the plain one, whose settings they have; pruned ones need both; neither needs teacher, search or groups."""
    stages = {"base": 1.0, "members": 2.0, "larger": 4.0, "prune": 8.0, "distil": 16.0, "search": 32.0, "cluster": 64.0}
    result = run_result(seconds=stages | {"variant-members x2": 0.1, "variant-pruned x2 wide": 0.2})

    assert seconds_of("members x2", result) == pytest.approx(5.1)
    assert seconds_of("pruned x2 wide", result) == pytest.approx(13.2)
