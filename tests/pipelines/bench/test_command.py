"""Benchmarks are found by name, and leave their figures where they were asked to."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from ihas.errors import ConfigError
from pipelines.bench import command
from pipelines.bench.table import Table


def test_every_name_leads_to_a_benchmark() -> None:
    """Each module has a function `tables`."""
    assert all(callable(import_module(module).tables) for module in command.BENCHMARKS.values())


@pytest.mark.parametrize("names", [("one",), ()])
def test_figures_are_printed_and_written(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a name or, for all, without: a table on standard output and in two files, under the command that was typed."""
    monkeypatch.setattr(command, "BENCHMARKS", {"one": "pipelines.bench.serving"})
    monkeypatch.setattr("pipelines.bench.serving.tables", lambda rounds: (Table("One", ("", "x"), (("a", rounds),)),))
    command.bench(names, tmp_path, 3)

    printed = capsys.readouterr().out
    assert "| a | 3 |" in printed
    written = (tmp_path / "one.md").read_text()
    assert "`python -m pipelines bench one --rounds 3`" in written
    assert written.endswith(printed.rstrip() + "\n")
    assert (tmp_path / "one.json").is_file()


@pytest.mark.parametrize(("names", "rounds"), [(["one", "none"], 3), (["serving"], 0)])
def test_what_is_no_benchmark_is_refused(names: list[str], rounds: int, tmp_path: Path) -> None:
    """An unknown name is told before anything is measured, and so is a number of rounds that measures nothing."""
    with pytest.raises(ConfigError, match="training, job, serving, http, overload"):
        command.bench(names, tmp_path, rounds)
