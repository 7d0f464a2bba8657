"""The doctor says whether a machine is fit, a line for each check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ihas_service.cli import doctor
from ihas_service.cli.main import run
from tests.service.cli.printed import only_line


def test_doctor_has_a_line_per_check(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check has a verdict; a port that is taken or a warning does not make the machine unfit."""
    monkeypatch.setattr("ihas_service.cli.doctor.IMPORT_TIMEOUT_S", 0.01)
    assert run(["--output", "json", "doctor", "--folder", str(tmp_path), "--port", "0"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert {"python", "packages to serve", "tensorflow with legacy Keras", "gpu", "free disk", "memory", "cores", "port", "folder"} <= set(
        checks
    )
    assert checks["folder"]["verdict"] == "ok"
    assert checks["tensorflow with legacy Keras"]["verdict"] == "warn"


def test_doctor_fails_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is a file makes the machine unfit, with the way out."""
    monkeypatch.setattr("ihas_service.cli.doctor.IMPORT_TIMEOUT_S", 0.01)
    (tmp_path / "file").write_text("")
    assert run(["doctor", "--folder", str(tmp_path / "file"), "--port", "0"]) == 5
    assert "Not fit: folder" in only_line(capsys.readouterr().err)


def test_doctor_names_missing_packages_with_their_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that always belongs to iHAS makes the machine unfit; one of an extra warns, with the command that brings it."""
    monkeypatch.setattr("ihas_service.cli.doctor.IMPORT_TIMEOUT_S", 0.01)
    monkeypatch.setattr("ihas.extras.requires", lambda _name: ["numpy", "no-such-index; extra == 'ann'"])
    assert run(["--output", "json", "doctor", "--folder", str(tmp_path), "--port", "0"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["packages of ihas[ann]"]["verdict"] == "warn"
    assert checks["packages of ihas[ann]"]["found"] == "missing: no-such-index"
    assert "pip install 'ihas[ann]'" in checks["packages of ihas[ann]"]["way_out"]
    monkeypatch.setattr("ihas.extras.requires", lambda _name: ["no-such-package"])
    assert run(["doctor", "--folder", str(tmp_path), "--port", "0"]) == 5


@pytest.mark.parametrize(
    ("seen", "there", "verdict", "found"),
    [
        (2, 2, "ok", "TensorFlow trains on 2"),
        (0, 0, "ok", "none; searches train on the cores"),
        (0, 1, "warn", "1 in this machine, none that TensorFlow sees"),
        (None, 1, "warn", "1 in this machine; TensorFlow was not asked"),
    ],
)
def test_doctor_tells_of_the_gpu(
    seen: int | None, there: int, verdict: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TensorFlow sees, and what the driver knows that it does not see."""
    monkeypatch.setattr(doctor, "DRIVER", tmp_path)
    for number in range(there):
        (tmp_path / str(number)).mkdir()
    check = doctor._gpu(seen)
    assert (check.verdict, check.found) == (verdict, found)


def test_doctor_names_variables_that_are_no_settings() -> None:
    """With the setting that was perhaps meant; those of commands and of tests are none of its business."""
    check = doctor._variables({"IHAS_POTR": "1", "IHAS_PORT": "1", "IHAS_API_KEY": "x", "IHAS_TEST_DATA": "x", "PATH": "x"})
    assert (check.verdict, check.found) == ("warn", "unknown: IHAS_POTR")
    assert "Did you mean `IHAS_PORT`?" in check.way_out
    assert doctor._variables({"IHAS_PORT": "1"}).verdict == "ok"
