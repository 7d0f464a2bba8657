"""Calibration as data: a function by hand, its laws, and a bundle that holds it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.calibration import Calibration
from ihas.bundle.manifest import WITHOUT_SUMS, WITHOUT_TASKS, WITHOUT_USERS, read_manifest
from ihas.errors import BundleCorruptError
from tests.ihas.bundle_factory import small_bundle

STEPS = Calibration(np.array([-1.0, 1.0, 3.0]), np.array([-2.0, 0.0, 0.5]))


def test_between_knots_it_is_a_line_and_beyond_them_constant() -> None:
    """Half way between two knots is the mean of both."""
    assert STEPS(np.array([-9.0, -1.0, 0.0, 2.0, 9.0])).tolist() == [-2.0, -2.0, -1.0, 0.25, 0.5]


def test_a_bundle_says_that_negatives_were_left_out(tmp_path: Path) -> None:
    """In its schema, for a refresh, and in its version; what is answered is the corrected calibration."""
    bundle = small_bundle()
    sampled = replace(bundle, schema=bundle.schema.model_copy(update={"negatives_kept": 0.1}), calibration=STEPS.without_sampling(0.1))
    write_bundle(sampled, tmp_path / "bundle")
    found = read_bundle(tmp_path / "bundle")
    assert (read_manifest(tmp_path / "bundle").version, found.schema.negatives_kept) == (WITHOUT_TASKS, 0.1)
    np.testing.assert_allclose(found.answered(np.array([1.0])), [np.log(0.1)])


@pytest.mark.parametrize(
    ("logits", "log_odds", "law"),
    [
        ([0.0], [0.0], "2 to 100,000 knots"),
        ([0.0, 1.0], [0.0], "2 to 100,000 knots"),
        ([0.0, np.nan], [0.0, 1.0], "finite"),
        ([0.0, 1.0], [0.0, np.inf], "finite"),
        ([1.0, 1.0], [0.0, 1.0], "ascend"),
        ([0.0, 1.0], [1.0, 0.0], "never fall"),
    ],
)
def test_a_function_that_could_change_an_order_is_refused(logits: list[float], log_odds: list[float], law: str, tmp_path: Path) -> None:
    """Before it is written."""
    with pytest.raises(BundleCorruptError, match=law):
        write_bundle(replace(small_bundle(), calibration=Calibration(np.array(logits), np.array(log_odds))), tmp_path / "bundle")


def test_other_numbers_than_doubles_are_refused(tmp_path: Path) -> None:
    """The arithmetic of serving is that of the fit."""
    halves = Calibration(np.array([0.0, 1.0], np.float32), np.array([0.0, 1.0]))
    with pytest.raises(BundleCorruptError, match="float64"):
        write_bundle(replace(small_bundle(), calibration=halves), tmp_path / "bundle")


def test_a_bundle_holds_it_and_says_so_in_its_version(tmp_path: Path) -> None:
    """An older reader would answer uncalibrated scores, so it must refuse the bundle; without it, nothing changes."""
    write_bundle(replace(small_bundle(), calibration=STEPS), tmp_path / "with")
    write_bundle(small_bundle(), tmp_path / "without")
    found = read_bundle(tmp_path / "with").calibration

    assert found is not None
    assert (found.logits.tolist(), found.log_odds.tolist()) == (STEPS.logits.tolist(), STEPS.log_odds.tolist())
    assert read_bundle(tmp_path / "without").calibration is None
    assert (read_manifest(tmp_path / "with").version, read_manifest(tmp_path / "without").version) == (WITHOUT_USERS, WITHOUT_SUMS)
