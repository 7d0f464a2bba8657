"""Arrays that travel as names of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.data.mapped import load_mapped, new_array, scratch_in
from ihas.data.shared_arrays import FOLDER, ArrayPlace, SharedArrays, shared_folder
from ihas.errors import ClusterError

LARGE = np.arange(2_000, dtype=np.int32).reshape(1_000, 2)


def _place(arrays: SharedArrays, array: np.ndarray) -> ArrayPlace:
    place = arrays.place(array)
    assert place is not None
    return place


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    """`LARGE` in a file, mapped."""
    np.save(tmp_path / "ids.npy", LARGE)
    return load_mapped(tmp_path / "ids.npy")


def test_what_is_mapped_keeps_its_file(mapped: np.ndarray, tmp_path: Path) -> None:
    """Nothing is written for an array that lies in a file, nor for neighbouring rows of it."""
    (tmp_path / "sent").mkdir()
    arrays = SharedArrays(tmp_path / "sent")

    for array in (mapped, mapped[100:900], mapped[5:]):
        place = _place(arrays, array)
        assert Path(place.path) == tmp_path / "ids.npy"
        np.testing.assert_array_equal(place.open(), array)

    assert list((tmp_path / "sent").iterdir()) == []


@pytest.mark.parametrize("change", [lambda array: array[::2], lambda array: array.T, lambda array: array[:, 1], lambda array: array + 0.5])
def test_what_lies_in_no_file_in_one_piece_is_written_once(change: object, mapped: np.ndarray, tmp_path: Path) -> None:
    """Every other row, the transpose, a column, and what was computed get a file of their own, the same when asked again."""
    (tmp_path / "sent").mkdir()
    arrays, array = SharedArrays(tmp_path / "sent"), change(mapped)  # type: ignore[operator]

    places = {_place(arrays, array), _place(arrays, array)}

    assert [Path(place.path) for place in places] == list((tmp_path / "sent").iterdir())
    found = places.pop().open()
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_a_file_without_a_name_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array larger than memory lies in a file that no other process can open: its content is copied."""
    monkeypatch.setattr("ihas.data.mapped.IN_MEMORY_BYTES", 0)
    with scratch_in(tmp_path):
        array = new_array((1_000, 2), np.int32)
    array[...] = LARGE

    place = _place(SharedArrays(tmp_path), array)

    assert Path(place.path).parent == tmp_path
    np.testing.assert_array_equal(place.open(), LARGE)


def test_what_was_written_and_not_read_yet_arrives(tmp_path: Path) -> None:
    """Rows written into a mapped file are found in it under its name."""
    array = np.lib.format.open_memmap(tmp_path / "ids.npy", mode="w+", dtype=np.int32, shape=LARGE.shape)
    array[...] = LARGE

    np.testing.assert_array_equal(_place(SharedArrays(tmp_path), array).open(), LARGE)


@pytest.mark.parametrize(
    "array", [np.zeros(0), np.zeros(256, np.float32), np.array([{}] * 1_000, object)], ids=["empty", "small", "objects"]
)
def test_small_arrays_and_objects_travel_themselves(array: np.ndarray, tmp_path: Path) -> None:
    """A KiB has no place, nor have objects, which no file of numbers can hold."""
    assert SharedArrays(tmp_path).place(array) is None


def test_a_machine_that_does_not_see_the_file_says_so(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    place = _place(SharedArrays(tmp_path), LARGE)
    Path(place.path).unlink()

    with pytest.raises(ClusterError, match=r"must see the folder of the run under one name, but .* does not see .*0\.npy"):
        place.open()


def test_the_folder_goes_and_takes_with_it_what_a_killed_process_left(tmp_path: Path) -> None:
    """Within a run's folder, folders of other processes are left over; outside of one nothing is looked for."""
    (tmp_path / f"{FOLDER}0-left").mkdir()
    (tmp_path / "stages").mkdir()

    with scratch_in(tmp_path), shared_folder() as folder, shared_folder() as other:
        assert folder.parent == other.parent == tmp_path
        assert folder.is_dir()
    with shared_folder() as folder:
        assert folder.parent != tmp_path

    assert [left.name for left in tmp_path.iterdir()] == ["stages"]
