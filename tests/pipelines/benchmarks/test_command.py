"""Benchmarks are found by name, and leave their metrics where they were asked to."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.benchmarks import command
from ihas_pipelines.benchmarks.table import Table

pytestmark = pytest.mark.tf


def test_every_name_leads_to_a_benchmark() -> None:
    """Each module has a function `tables`."""
    known = {**command.BENCHMARKS, **command.ON_REQUEST}
    assert all(callable(import_module(module).tables) for module in known.values())
    assert set(command.SIZED) <= set(known)


@pytest.mark.parametrize("names", [("one",), ()])
def test_figures_are_printed_and_written(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a name or, for all, without: a table on standard output and in two files, under the command that was typed."""
    monkeypatch.setattr(command, "BENCHMARKS", {"one": "ihas_pipelines.benchmarks.serving"})
    monkeypatch.setattr("ihas_pipelines.benchmarks.serving.tables", lambda repetitions: (Table("One", ("", "x"), (("a", repetitions),)),))
    command.bench(names, tmp_path, 3)

    printed = capsys.readouterr().out
    assert "| a | 3 |" in printed
    written = (tmp_path / "one.md").read_text()
    assert "`ihas bench one --repetitions 3`" in written
    assert written.endswith(printed.rstrip() + "\n")
    assert (tmp_path / "one.json").is_file()


def test_rows_are_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stated number of rows reaches the benchmark and stands in its command; one that makes no table of its own refuses it."""
    monkeypatch.setattr("ihas_pipelines.benchmarks.ingest.tables", lambda repetitions, rows: (Table("One", ("", "x"), (("a", rows),)),))
    command.bench(["ingest"], tmp_path, 3, 500)
    written = (tmp_path / "ingest.md").read_text()
    assert "`ihas bench ingest --repetitions 3 --rows 500`" in written
    assert "| a | 500 |" in written
    for names in (["ingest", "serving"], []):
        with pytest.raises(ConfigError, match="`--rows >= 1` must go with"):
            command.bench(names, tmp_path, 3, 500)


@pytest.mark.parametrize(("names", "repetitions"), [(["one", "none"], 3), (["serving"], 0)])
def test_what_is_no_benchmark_is_refused(names: list[str], repetitions: int, tmp_path: Path) -> None:
    """An unknown name is told before anything is measured, and so is a number of repetitions that measures nothing."""
    with pytest.raises(ConfigError, match="ingest, growth, fields, training, .*, overload, retrieval, large"):
        command.bench(names, tmp_path, repetitions)
