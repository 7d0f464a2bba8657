"""Folders that are complete or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError, DataError
from ihas.folders import held_still, new_folder


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    """While the block writes there is no folder of that name; afterwards it holds everything and nothing else is left."""
    with new_folder(tmp_path / "out") as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "x").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "inner" / "x").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """Where writing fails, neither the folder nor its half remains."""
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "out") as partial:
        (partial / "nothing" / "x").write_text("1")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """The half of an earlier attempt goes; what other folders are being written into stays."""
    (tmp_path / f".out.{'a' * 32}").mkdir()
    (tmp_path / f".out.x.{'a' * 32}").mkdir()
    with new_folder(tmp_path / "out"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"out", f".out.x.{'a' * 32}"}


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    """What is there stays there."""
    (tmp_path / "x").write_text("1")
    with pytest.raises(ConfigError, match="must not exist yet"), new_folder(tmp_path):
        pass
    assert (tmp_path / "x").read_text() == "1"


def replace_by_link(path: Path, target: Path) -> None:
    """Put a link in the place of a file."""
    path.unlink()
    path.symlink_to(target)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Exchanged, written, or reached by a link, before or meanwhile; one that stays is fine."""
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("a")
    other.write_text("b")
    with held_still(path):
        path.read_text()
    with pytest.raises(DataError, match="must stay as it is"), held_still(path):
        path.write_text("longer")
    with pytest.raises(DataError, match="a link is there now"), held_still(path):
        replace_by_link(path, other)
    (tmp_path / "folder").symlink_to(tmp_path)
    for linked in (path, tmp_path / "folder" / "b.csv"):
        with pytest.raises(DataError, match="a link is there now"), held_still(linked):
            pytest.fail("Nothing must be read.")
