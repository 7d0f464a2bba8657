"""A benchmark whose cells are carried out on a Ray cluster: two machines of one processor each, as processes on 127.0.0.2 and up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from safetensors.numpy import load_file

from tests.clock import HANG_S
from tests.paths import ROOT
from tests.pipelines.studies.benchmark.test_command import PLAN, RECIPE, write_table
from tests.ray_cluster import environment, running_cluster

pytest.importorskip("ray", reason="ihas[ray] is not installed")
pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(1_500)]

PORT = 26_419
MACHINES = ("127.0.0.3", "127.0.0.4")
WITHOUT_FAILURES = PLAN.partition("[variants")[0]


def _run(folder: Path, variables: dict[str, str], at_search: Callable[[], None] | None = None) -> list[dict[str, Any]]:
    """Lines of a benchmark; `at_search` is called as the first cell searches its gates."""
    command = [sys.executable, "-m", "ihas_pipelines", "benchmark", "--plan", str(folder.parent / "trial.toml"), "--folder", str(folder)]
    with folder.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=variables)
        assert process.stdout is not None
        assert process.stdin is not None
        lines = []
        try:
            for line in process.stdout:
                lines.append(orjson.loads(line))
                if at_search is not None and lines[-1]["stage"] == "search":
                    at_search()
                    at_search = None
            assert process.wait(HANG_S) == 0, folder.with_suffix(".log").read_text()[-2_000:]
        finally:
            process.kill()
            process.stdin.close()
            process.stdout.close()
    return lines


def _without_seconds(folder: Path) -> Any:
    found = orjson.loads((folder / "benchmark.json").read_bytes())
    for section in found["sections"]:
        for row in section["rows"]:
            del row["seconds"]
    return found


def _arrays(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Of every stage, by its place, which ends with its key."""
    return {str(path.relative_to(folder)): load_file(path) for path in sorted(folder.glob("*/*/*/*/stages/*/arrays.safetensors"))}


def test_its_cells_equal_those_of_one_process(tmp_path: Path) -> None:
    """To the bit, baseline methods too, though a machine is killed on the way; the share that is done never falls."""
    write_table(tmp_path / "tribes.csv")
    (tmp_path / "tribes.toml").write_text(RECIPE)
    (tmp_path / "trial.toml").write_text(WITHOUT_FAILURES)
    _run(tmp_path / "one", environment("none"))
    with running_cluster(PORT, *MACHINES) as cluster:
        lines = _run(tmp_path / "several", cluster.variables(), cluster.nodes[MACHINES[0]].kill)

    assert _without_seconds(tmp_path / "several") == _without_seconds(tmp_path / "one")
    own, theirs = _arrays(tmp_path / "several"), _arrays(tmp_path / "one")
    assert own.keys() == theirs.keys()
    assert len(own) > 15
    for stage, arrays in own.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, theirs[stage][name], err_msg=f"{stage} {name}")
    fractions = [line["fraction"] for line in lines]
    assert fractions == sorted(fractions)
    assert {line["outcome"] for line in lines[:-1]} == {"running"}
