"""Tables stay as they were loaded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.bundle.private_copy import mapped_privately
from ihas.errors import BundleCorruptError
from ihas.serving.loading import load_recommender
from tests.ihas.bundle_factory import rows, small_bundle


@pytest.mark.parametrize(
    "array", [np.arange(12.0).reshape(3, 4), np.asfortranarray(np.arange(6).reshape(2, 3)), np.zeros((0, 4), np.float32)]
)
def test_a_file_that_is_truncated_or_written_changes_nothing(tmp_path: Path, array: np.ndarray) -> None:
    """A mapped file of which the end is cut off would end the process."""
    path = tmp_path / "bundle" / "table.npy"
    path.parent.mkdir()
    np.save(path, array)
    found = mapped_privately(path, path.stat().st_size)
    os.truncate(path, 1)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert [one.name for one in tmp_path.rglob("*")] == ["bundle", "table.npy"]


def test_a_file_of_another_length_is_refused(tmp_path: Path) -> None:
    """It was cut off after it was verified."""
    path = tmp_path / "table.npy"
    np.save(path, np.arange(9))
    with pytest.raises(BundleCorruptError, match="must have 300 bytes, but has 200"):
        mapped_privately(path, 300)


def test_a_bundle_serves_on_when_its_tables_are_truncated(tmp_path: Path) -> None:
    """Every row scores as before."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    recommender = load_recommender(tmp_path / "bundle")
    before = [one.score for one in recommender.score(rows())]
    for table in (tmp_path / "bundle").rglob("*.npy"):
        os.truncate(table, 0)
    assert [one.score for one in recommender.score(rows())] == before
