"""Arrays larger than memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.data import mapped
from ihas.data.mapped import load_mapped, new_array, release, scattered, scratch_in, spans


@pytest.mark.parametrize(("limit", "kind"), [(4 * 12, np.ndarray), (4 * 12 - 1, np.memmap)])
def test_an_array_is_mapped_where_it_is_large(limit: int, kind: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Zeros lie in memory up to the limit and in a mapped file beyond, which has no name in the folder it lies in."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", limit)
    with scratch_in(tmp_path):
        array = new_array((3, 4), np.int32)
    assert type(array) is kind
    assert array.tolist() == [[0] * 4] * 3
    assert not list(tmp_path.iterdir())


def test_what_was_written_is_there_after_its_pages_were_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Giving pages back loses nothing, neither of a scratch file nor of a file that is read."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 0)
    np.save(tmp_path / "x.npy", np.arange(100_000))
    loaded, array = load_mapped(tmp_path / "x.npy"), new_array((100_000,), np.int64)
    array[:] = loaded
    release()
    assert np.array_equal(array, np.arange(100_000))
    assert np.array_equal(loaded, array)


def test_pages_that_were_given_back_are_not_resident(tmp_path: Path) -> None:
    """A file of 32 MiB that was read block by block adds no more than a block to what the process holds."""
    np.save(tmp_path / "x.npy", np.ones(2**25, np.uint8))
    loaded = load_mapped(tmp_path / "x.npy")
    before = _mapped_pages()
    held = []
    for block in spans(len(loaded), 2**20):
        held.append(int(loaded[block].sum()))
    assert sum(held) == 2**25
    assert _mapped_pages() - before < 2**22
    loaded.sum()
    assert _mapped_pages() - before > 2**24


def test_rows_from_all_over_a_file_leave_nothing_resident(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two thousand rows in random order, read from 32 MiB, are those rows; read at once they would bring most of the file with them."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(mapped, "SCATTERED_ROWS", 32)
    rng = np.random.default_rng(0)
    values = rng.integers(1 << 30, size=(2**18, 32), dtype=np.int32)
    np.save(tmp_path / "x.npy", values)
    loaded, rows = load_mapped(tmp_path / "x.npy"), rng.integers(len(values), size=2_000)
    before = _mapped_pages()
    assert np.array_equal(scattered(loaded, rows), values[rows])
    assert _mapped_pages() - before < 2**22
    assert loaded[rows].shape == (2_000, 32)
    assert _mapped_pages() - before > 2**24


def _mapped_pages() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))
