"""Another point of a finished run, from its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.errors import BundleError, ConfigError
from ihas_pipelines.runs.points import point_bundle, write_point
from tests.ihas.bundle_factory import small_bundle
from tests.ihas.results.test_frontier import point
from tests.pipelines.result_factory import run_result


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Folder of a run with two points."""
    folder = tmp_path / "run"
    for name in ("base", "members x2"):
        write_bundle(small_bundle(name), point_bundle(folder, name))
    result = run_result(chosen="base", frontier=(point("base"), point("members x2")))
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["members x2", "members-x2"])
def test_a_point_becomes_a_bundle(run_folder: Path, tmp_path: Path, name: str) -> None:
    """Whole, beside the run, by either form of its name; the run keeps its own."""
    found = write_point(run_folder, name, tmp_path / "chosen")

    assert (found.name, read_bundle(tmp_path / "chosen").name) == ("members x2", "members x2")
    assert read_bundle(point_bundle(run_folder, "members x2")).name == "members x2"


def test_what_cannot_be_chosen_is_said_in_a_line(run_folder: Path, tmp_path: Path) -> None:
    """An unknown point is answered with the known ones; a run that is not finished, an older one, and a point that was removed, each with
    the way out."""
    older = tmp_path / "older"
    older.mkdir()
    (older / "result.json").write_text(run_result().model_dump_json(), encoding="utf-8")
    for folder, name, error, words in (
        (run_folder, "large", ConfigError, "A point must be one of `base`, `members x2`, but got 'large'"),
        (tmp_path / "none", "base", ConfigError, "A finished run has a result.json"),
        (older, "base", ConfigError, "has no frontier to choose from: an earlier version of iHAS made it"),
    ):
        with pytest.raises(error, match=words):
            write_point(folder, name, tmp_path / "chosen")
    point_bundle(run_folder, "base").rename(tmp_path / "gone")
    with pytest.raises(BundleError, match="there is none at"):
        write_point(run_folder, "base", tmp_path / "chosen")
    assert not (tmp_path / "chosen").exists()
