"""Bundles that share files on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.copies import Known, copy_bundle, link, write_with_summary
from ihas.errors import BundleError
from tests.ihas.bundle_factory import small_bundle


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A bundle."""
    write_bundle(small_bundle(), tmp_path / "source")
    return tmp_path / "source"


def test_another_summary_and_everything_else_once_on_disk(source: Path, tmp_path: Path) -> None:
    """The copy is a whole bundle; of two copies, tables are the same files as the source's; the source keeps its summary."""
    known: Known = {}
    for name in ("one", "two"):
        write_with_summary(source, tmp_path / name, {"chosen": name}, known)

    assert [read_bundle(tmp_path / name).summary for name in ("source", "one", "two")] == [
        small_bundle().summary, {"chosen": "one"}, {"chosen": "two"},
    ]  # fmt: skip
    same = [file.relative_to(source) for file in source.rglob("*.npy")]
    assert same
    for name in same:
        assert len({(tmp_path / folder / name).stat().st_ino for folder in ("source", "one", "two")}) == 1


def test_equal_files_of_different_bundles_are_one(source: Path, tmp_path: Path) -> None:
    """A second bundle that was written on its own gives up its copies of what is known."""
    write_bundle(small_bundle("other"), tmp_path / "other")
    known: Known = {}
    write_with_summary(source, tmp_path / "one", {}, known)
    write_with_summary(tmp_path / "other", tmp_path / "two", {}, known)

    assert (tmp_path / "one" / "items.safetensors").samefile(tmp_path / "two" / "items.safetensors")
    assert read_bundle(tmp_path / "two").name == "other"


def test_a_copy_outlives_its_source(source: Path, tmp_path: Path) -> None:
    """The copied bundle is read after every name of the source is gone."""
    copy_bundle(source, tmp_path / "copy")
    for path in sorted(source.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert read_bundle(tmp_path / "copy").summary == small_bundle().summary
    with pytest.raises(BundleError, match="is written to a new folder"):
        copy_bundle(tmp_path / "copy", tmp_path / "copy")
    with pytest.raises(BundleError, match="there is none at"):
        copy_bundle(tmp_path / "nowhere", tmp_path / "third")


def test_where_there_are_no_links_the_bytes_are_copied(tmp_path: Path) -> None:
    """A file of another disk is copied: here memory's, where the machine has such a folder."""
    shared = Path("/dev/shm")
    file = (shared if shared.is_dir() else tmp_path) / f"ihas-{tmp_path.name}.bin"
    file.write_bytes(b"numbers")
    try:
        link(file, tmp_path / "below" / "copy.bin")
    finally:
        file.unlink()

    assert (tmp_path / "below" / "copy.bin").read_bytes() == b"numbers"
