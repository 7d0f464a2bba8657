"""How children are started."""

from __future__ import annotations

import subprocess
from pathlib import Path

from service.jobs.runs import PIPELINES
from tests.clock import HANG_S


def test_a_child_runs_no_package_of_the_current_folder(tmp_path: Path) -> None:
    """Where another project has a package `pipelines`, and an `ihas` and a `service`, children run those of iHAS."""
    for name in ("pipelines", "ihas", "service"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('another project ran')")
    done = subprocess.run([*PIPELINES, "run", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "--recipe" in done.stdout
