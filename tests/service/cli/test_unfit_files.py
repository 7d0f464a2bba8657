"""Files and folders that do not fit, on the command line: one line that says what to do, and an exit code."""

import json
import signal
import sys
from pathlib import Path

import pytest

from ihas.config.data import DataConfig
from ihas_pipelines.runs.exit_codes import CommandError, ExitCode
from ihas_service.cli import local_run
from ihas_service.cli.main import run
from tests.service.cli.printed import only_line

pytestmark = pytest.mark.full


@pytest.mark.parametrize("path", [".", "none.csv", "none/none.csv"])
def test_a_path_without_a_table_is_one_line(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder and a missing file are no table, and end with the code of invalid data."""
    assert run(["inspect", str(tmp_path / path)]) == 4
    assert "cannot be read: " in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("folder", ["file", "file/run", "/proc/run"])
def test_a_folder_that_cannot_be_written_is_one_line(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of the run folder, or above it, and a file system that takes no folder are wrong use."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "clicks.csv").write_text("label,user,item\n", encoding="utf-8")
    recipe = tmp_path / "small.toml"
    recipe.write_text('[data]\npath = "clicks.csv"\n', encoding="utf-8")
    assert run(["search", str(recipe), "--folder", str(tmp_path / folder)]) == 2
    assert "what is written must be writable, but" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("name", "content", "options", "says"),
    [
        ("deep.jsonl", '{"click": 0}\n{"click": 1, "a": ' + "[" * 100_000 + "]" * 100_000 + "}\n", (), "row 2: Every line must be a JSON"),
        ("index.csv", ",user,click\n0,a,0\n1,b,1\n", (), "as pandas writes its index"),
        ("sep.csv", "sep=;\nuser;click\na;0\n", (), "the `sep=;` line that Excel writes"),
        ("none.tsv", "90\t41\t1\t1700000000\n91\t42\t0\t1700000001\n", (), "it looks like data: 90, 41, 1, 1700000000"),
        ("two.csv", "user,click\na,0\nb,1\n", ("--delimiter", ";" * 9), "`delimiter` must be 1 to 8 characters, but got ';;;;;;;;;'"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_plainly(
    name: str, content: str, options: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that people often have are told with what is wrong and what to do, in one line and without another project's pages."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert run(["inspect", str(tmp_path / name), *options]) == (2 if options else 4)
    told = only_line(capsys.readouterr().err)
    assert says in told
    assert "pydantic" not in told


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_table_that_ends_its_reader_is_invalid_data(number: signal.Signals, tmp_path: Path) -> None:
    """Whatever signal ends the process that reads it: the code of invalid data, and words for a person."""
    command = (sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})")
    with pytest.raises(CommandError, match=rf"{number.name}.*Write it anew|{number.name}.*Send fewer rows") as caught:
        local_run.inspect(DataConfig(path=tmp_path / "clicks.csv"), tmp_path, command)
    assert caught.value.code is ExitCode.INVALID_DATA


@pytest.mark.parametrize(
    ("cell", "options", "distinct"), [('b"c', ("--no-quoting",), 'b"c'), ('"b\\"c"', ("--escape", "\\"), 'b"c'), ("b", (), "b")]
)
def test_how_cells_are_quoted_is_an_option(
    cell: str, options: tuple[str, ...], distinct: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files whose quotes are characters, and files that escape quotes, are read as they are meant; without an option as RFC 4180 says."""
    (tmp_path / "clicks.csv").write_text("click,user\n" + f"0,a\n1,{cell}\n" * 200, encoding="utf-8")
    assert run(["--output", "json", "inspect", str(tmp_path / "clicks.csv"), *options]) == 0
    user = next(one for one in json.loads(capsys.readouterr().out)["profiles"] if one["column"] == "user")
    assert {text for text, _ in user["commonest"]} == {"a", distinct}
