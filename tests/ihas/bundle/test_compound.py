"""A bundle made of bundles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.compound import CompoundSettings, read_compound, write_compound
from ihas.bundle.files import verified, write_files
from ihas.errors import BundleCorruptError, BundleVersionError


def _parts(tmp_path: Path) -> dict[str, Path]:
    for name in ("one", "two"):
        write_files("leaf", name, {"note.json": name.encode()}, tmp_path / name)
    return {"left": tmp_path / "one", "right": tmp_path / "two"}


def test_comes_back_with_its_parts(tmp_path: Path) -> None:
    """Name, options and parts survive; each part is the bundle that it was."""
    write_compound("tree", "oak", {"depth": 1}, _parts(tmp_path), tmp_path / "whole")
    name, settings = read_compound(tmp_path / "whole", "tree")
    assert (name, settings.options, set(settings.parts)) == ("oak", {"depth": 1}, {"left", "right"})
    assert isinstance(settings, CompoundSettings)
    assert verified(tmp_path / "whole" / "left", "leaf").name == "one"
    with pytest.raises(BundleVersionError, match="'bush', but got 'tree'"):
        read_compound(tmp_path / "whole", "bush")


def test_a_part_must_be_a_bundle(tmp_path: Path) -> None:
    """A folder without a manifest is no part, and nothing is left of the whole."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleCorruptError, match=r"`manifest\.json` is missing"):
        write_compound("tree", "oak", {}, {"left": tmp_path / "empty"}, tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


def test_changed_settings_are_refused(tmp_path: Path) -> None:
    """The settings have a checksum as every file."""
    write_compound("tree", "oak", {"depth": 1}, _parts(tmp_path), tmp_path / "whole")
    path = tmp_path / "whole" / "settings.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(BundleCorruptError, match=r"settings\.json"):
        read_compound(tmp_path / "whole", "tree")
