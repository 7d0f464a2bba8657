"""Stage values survive the way to disk and back, and nothing else comes back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import orjson
import pytest

from ihas.errors import DataError
from ihas_pipelines.runs.values import read_value, write_value
from tests.oracle import solved_tribes

pytestmark = pytest.mark.tf


def _assert_equal(left: object, right: object) -> None:
    if isinstance(left, np.ndarray):
        np.testing.assert_array_equal(left, right)
        assert left.dtype == right.dtype
    elif dataclasses.is_dataclass(left):
        assert type(left) is type(right)
        for field in dataclasses.fields(left):
            _assert_equal(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for pair in zip(left, right, strict=True):
            _assert_equal(*pair)
    elif isinstance(left, dict):
        assert left.keys() == right.keys()
        for key, value in left.items():
            _assert_equal(value, right[key])
    else:
        assert left == right


@pytest.mark.parametrize("stage", ["base", "found", "grouping", "retrained"])
def test_a_stages_value_comes_back_to_the_bit(stage, tmp_path):
    """Every array, number and name is what was written."""
    value = getattr(solved_tribes(2), stage)

    write_value(value, tmp_path)

    _assert_equal(value, read_value(tmp_path))


@pytest.mark.slow
def test_weights_that_groups_share_are_written_once(tmp_path):
    """Two groups with the shared model take the room of one."""
    solved = solved_tribes(3)
    shared = [model for model in solved.retrained.models if model.name == "shared"]
    assert len(shared) > 1

    write_value(shared[0], tmp_path)
    one = (tmp_path / "arrays.safetensors").stat().st_size
    write_value(tuple(shared), tmp_path)

    assert (tmp_path / "arrays.safetensors").stat().st_size < 1.5 * one


def test_a_file_that_names_another_class_is_refused(tmp_path: Path):
    """Only stage values are built, whatever the file says."""
    write_value(solved_tribes(2).grouping.groups, tmp_path)
    (tmp_path / "value.json").write_bytes(orjson.dumps({"class": "Popen", "fields": {}}))

    with pytest.raises(DataError, match="names 'Popen'"):
        read_value(tmp_path)
