"""`python -m ihas_pipelines` and `ihas` share their research commands, their parser and their exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

import ihas_service.cli.main
import ihas_service.cli.terminal
from ihas_pipelines.commands import app, studies
from ihas_pipelines.runs import exit_codes


def test_both_command_lines_have_the_same_studies_and_exit_codes() -> None:
    """One group of commands, and one list of codes, in two programs."""
    for program in (app.app, ihas_service.cli.main.app):
        assert studies.study in [group.typer_instance for group in program.registered_groups]
        assert program.info.epilog == exit_codes.EPILOG
    assert ihas_service.cli.terminal.ExitCode is exit_codes.ExitCode


@pytest.mark.tf
@pytest.mark.parametrize("run", [app.run, ihas_service.cli.main.run])
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["study", "compare"], 2, "Missing option '--recipe'"),
        (["study", "entropy", "none.toml"], 2, "recipe must be a readable file"),
        (["study", "published", "--seeds", "one"], 2, "whole numbers separated by commas"),
        (["study", "published", "resnet"], 2, "Backbones must be among"),
        (["bench", "nothing"], 2, "Names must be among"),
    ],
)
def test_wrong_use_ends_both_with_the_same_code(
    run: object,
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error is on standard error, and nothing is on standard output."""
    monkeypatch.chdir(tmp_path)
    assert callable(run)
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in " ".join(shown.err.split())


def test_names_of_the_first_release_still_work(capsys: pytest.CaptureFixture[str]) -> None:
    """`compare`, `benchmark` and `overrec` without `study` are accepted, and not listed."""
    for name in ("compare", "benchmark", "overrec"):
        assert app.run([name]) == 2
        assert "Missing option" in capsys.readouterr().err
    assert app.run(["--help"]) == 0
    assert "overrec" not in capsys.readouterr().out
