"""How children are started."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ihas_service.jobs.runs import PIPELINES, bundle_facts, folder_bytes
from tests.clock import HANG_S


def test_a_child_runs_no_package_of_the_current_folder(tmp_path: Path) -> None:
    """Where another project has a package `pipelines`, and an `ihas` and a `service`, children run those of iHAS."""
    for name in ("ihas_pipelines", "pipelines", "ihas", "service"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('another project ran')")
    done = subprocess.run([*PIPELINES, "run", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "--recipe" in done.stdout


def test_a_folder_takes_what_its_files_take(tmp_path: Path, bundle: Path) -> None:
    """In all depths; a file with two names counts once, links count nothing, and a folder that is not there has nothing. Of a
    bundle it is one of the facts."""
    (tmp_path / "run" / "stages").mkdir(parents=True)
    (tmp_path / "run" / "log.txt").write_text("12345")
    (tmp_path / "run" / "stages" / "arrays").write_text("123")
    (tmp_path / "run" / "stages" / "again").hardlink_to(tmp_path / "run" / "stages" / "arrays")
    (tmp_path / "run" / "link").symlink_to(bundle)
    (tmp_path / "run" / "other").symlink_to(tmp_path / "run" / "log.txt")

    assert (folder_bytes(tmp_path / "run"), folder_bytes(tmp_path / "absent")) == (8, 0)
    assert bundle_facts(bundle)["bytes"] == sum(one.stat().st_size for one in bundle.rglob("*") if one.is_file()) > 0
