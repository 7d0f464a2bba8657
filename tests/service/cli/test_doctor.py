"""The doctor says whether a machine is fit, a line for each check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.cli.main import run
from tests.service.cli.printed import only_line


def test_doctor_has_a_line_per_check(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check has a verdict; a port that is taken or a warning does not make the machine unfit."""
    monkeypatch.setattr("service.cli.doctor.IMPORT_TIMEOUT_S", 0.01)
    assert run(["--output", "json", "doctor", "--folder", str(tmp_path), "--port", "0"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert {"python", "packages to serve", "tensorflow with legacy Keras", "free disk", "memory", "cores", "port", "folder"} <= set(checks)
    assert checks["folder"]["verdict"] == "ok"
    assert checks["tensorflow with legacy Keras"]["verdict"] == "warn"


def test_doctor_fails_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is a file makes the machine unfit, with the way out."""
    monkeypatch.setattr("service.cli.doctor.IMPORT_TIMEOUT_S", 0.01)
    (tmp_path / "file").write_text("")
    assert run(["doctor", "--folder", str(tmp_path / "file"), "--port", "0"]) == 5
    assert "Not fit: folder" in only_line(capsys.readouterr().err)
