"""Points of a finished run on the command line, without a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas_pipelines.kinds.grouped.tables import run_tables
from ihas_pipelines.runs.points import point_bundle
from ihas_service.cli.main import run
from ihas_service.cli.terminal import Terminal
from tests.ihas.bundle_factory import small_bundle
from tests.ihas.results.test_frontier import point
from tests.pipelines.result_factory import run_result
from tests.service.cli.printed import only_line


def test_another_point_of_a_run_becomes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas choose` writes it to a folder of its own; a point that the run does not have is answered with those that it has, and a run of
    an earlier version by a sentence."""
    finished_run, target = tmp_path, tmp_path / "chosen"
    (finished_run / "result.json").write_text(run_result().model_dump_json(), encoding="utf-8")
    assert run(["choose", str(finished_run), str(target), "--point", "base"]) == 2
    assert "has no frontier to choose from" in only_line(capsys.readouterr().err)
    result = run_result(chosen="base", frontier=(point("base"), point("members x2")))
    (finished_run / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    write_bundle(small_bundle(), point_bundle(finished_run, "members x2"))

    assert run(["choose", str(finished_run), str(target), "--point", "large"]) == 2
    assert "one of `base`, `members x2`" in only_line(capsys.readouterr().err)
    assert run(["--output=json", "choose", str(finished_run), str(target), "--point", "members-x2"]) == 0
    assert json.loads(capsys.readouterr().out) == {"bundle": str(target), "point": "members x2"}
    assert (target / "manifest.json").read_bytes() == (point_bundle(finished_run, "members x2") / "manifest.json").read_bytes()


def test_a_frontier_is_shown_with_its_costs(capsys: pytest.CaptureFixture[str]) -> None:
    """A run's tables have a row for each point: figures of test rows, costs, latencies; a result without a frontier has no such table."""
    Terminal().result(None, *run_tables(run_result(chosen="base", frontier=(point("base"), point("members x2")))))
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.strip().startswith("members x2"))

    assert row.split()[2:] == ["0.9870", "0.1350", "2,100", "180,000", "0.72", "20", "400"]
    assert "us/500" in shown
    Terminal().result(None, *run_tables(run_result()))
    assert "us/500" not in capsys.readouterr().out
