"""The command line: results on standard output, errors on one line, exit codes that stay."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas.config.size_sweep import SizeSweepRecipe
from ihas.errors import BundleCorruptError, ConfigError, DataError, RequestError, TrainingError
from ihas_pipelines.kinds.recipe_file import read_of_kind, read_recipe
from ihas_pipelines.kinds.size_sweep.sweep import settings_digest
from ihas_pipelines.kinds.snapshots import with_snapshots
from ihas_service.cli.local_run import finished_stages, search
from ihas_service.cli.main import run
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal, exit_code
from ihas_service.errors import ServiceError, WaitTimeoutError
from tests.clock import HANG_S
from tests.pipelines.result_factory import run_result
from tests.service.cli.printed import only_line
from tests.service.conftest import eventually

pytestmark = pytest.mark.tf

MAX_MODULES = 900
IHAS = (sys.executable, "-c", "from ihas_service.cli.main import main; main()")
RECIPE = """
name = "small"
[data]
path = "clicks.csv"
[learning.training]
epochs = 5
"""


@pytest.fixture
def finished_run(tmp_path: Path) -> Path:
    """Run folder with the metrics of a finished run."""
    (tmp_path / "result.json").write_text(run_result().model_dump_json(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe beside a table that has a header only."""
    (tmp_path / "clicks.csv").write_text("label,user,item\n", encoding="utf-8")
    path = tmp_path / "small.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (ServiceError({"title": "away", "status": 0}), 3),
        (ServiceError({"title": "no", "status": 422}), 4),
        (ServiceError({"title": "broken", "status": 500}), 5),
        (DataError("x"), 4),
        (RequestError("x"), 4),
        (BundleCorruptError("x"), 4),
        (TrainingError("x"), 5),
        (WaitTimeoutError({"title": "late", "status": 0}), 6),
        (CommandError("x", ExitCode.TIMEOUT), 6),
        (CommandError("x", ExitCode.INTERRUPTED), 130),
    ],
)
def test_exit_codes_stay(error: Exception, code: int) -> None:
    """Each expected error has the exit code that the help promises."""
    assert exit_code(error) == code


def test_help_tells_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas --help` ends well and names all exit codes and commands."""
    assert run(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("0 done", "2 wrong", "3 the service", "4 invalid", "5 the run", "6 timeout", "130 interrupted", "recommend", "doctor"):
        assert part in text


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    """The command line starts without TensorFlow, plotly, pyarrow, SQLAlchemy or ONNX Runtime, and with no more modules than Python imports
    in a second or so of processor time."""
    code = (
        "import sys; from ihas_service.cli.main import run; run(['--help']);"
        "heavy = {'tensorflow', 'plotly', 'pyarrow', 'sqlalchemy', 'onnxruntime', 'uvicorn'} & set(sys.modules);"
        f"sys.exit(f'{{heavy}} {{len(sys.modules)}}' if heavy or len(sys.modules) > {MAX_MODULES} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serch"], 2, "Did you mean 'search'"),
        (["search", "here"], 2, "Missing argument 'recipe'"),
        (["search", "here", "none.toml"], 2, "recipe must be a readable file"),
        (["search", "none.toml"], 2, "recipe must be a readable file"),
        (["recommend", "none", "--k", "many"], 2, "--k"),
        (["recommend", "none", "--context", "{"], 4, "--context must be JSON"),
        (["recommend", "none", "--context", "[1]"], 4, "cannot be read"),
        (["recommend", "none"], 4, "bundle"),
        (["serve", "--port", "99999"], 2, "port"),
        (["report", "none"], 4, "result.json"),
        (["inspect", "none.csv", "--columns", "none.toml"], 2, "readable file"),
        (["demo", "--data", "none.csv"], 4, "--data"),
    ],
)
def test_wrong_use_is_one_line_with_the_way_out(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expected errors show no traceback, go to standard error and have their exit code."""
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert only_line(shown.err).startswith("error: ")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas` alone is wrong use and shows what there is."""
    assert run([]) == 2
    assert "recommend" in capsys.readouterr().out


@pytest.mark.parametrize("group", ["search", "model", "dataset", "schedule", "batch", "events", "keys", "study"])
def test_a_group_alone_shows_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As wrong use: the commands of the group, and an example."""
    assert run([group]) == 2
    shown = capsys.readouterr()
    assert "Commands" in shown.out + shown.err
    assert f"Example: ihas {group} " in shown.out + shown.err


def test_errors_are_json_where_results_are(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--output json` an error is one JSON object that repeats the exit code."""
    assert run(["--output", "json", "report", "none"]) == 4
    error = json.loads(only_line(capsys.readouterr().err))
    assert error["error"]["exit_code"] == 4
    assert run(["report", "none", "--output", "json"]) == 4
    assert json.loads(only_line(capsys.readouterr().err)) == error
    assert "result.json" in error["error"]["detail"]


def test_report_is_written_anew(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas report` writes report.html from result.json and prints its path as JSON where asked."""
    assert run(["--output=json", "report", str(finished_run)]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(finished_run / "report.html")}
    assert "ranks clicks better" in (finished_run / "report.html").read_text(encoding="utf-8")


def test_text_from_data_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets of a field's name are printed, not taken for colours."""
    from ihas_pipelines.kinds.grouped.tables import run_tables

    Terminal().result(None, *run_tables(run_result(fields=("[red]user", "b", "c"))))
    assert "[red]user" in capsys.readouterr().out


def test_colours_follow_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away even where a terminal is forced."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal().out.no_color
    monkeypatch.delenv("NO_COLOR")
    assert not Terminal().out.no_color


def test_settings_win_over_the_recipe(recipe: Path) -> None:
    """`--set` takes TOML values and plain text; data paths start at the recipe's folder."""
    read = read_recipe(recipe, ["learning.training.epochs=3", "learning.cluster.num_groups=[2, 5]", "learning.backbone.kind=dcn"])
    assert read.learning.training.epochs == 3
    assert read.learning.cluster.num_groups == (2, 5)
    assert read.learning.backbone.kind == "dcn"
    assert read.data.path == recipe.parent / "clicks.csv"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("learning.epochs=3", "learning.epochs"),
        ("seed", "a.b=value"),
        ("name.x=1", "`name` is a value"),
        ("learning.training.epochs=0", "must be at least 1, but is 0"),
    ],
)
def test_wrong_settings_are_named(recipe: Path, setting: str, words: str) -> None:
    """An unknown, misplaced or unlawful setting is refused by its name."""
    with pytest.raises(ConfigError, match=words):
        read_recipe(recipe, [setting])


@pytest.mark.slow
def test_advice_continues_from_a_trained_size_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a size sweep that is trained, a size is advised at once as JSON; a recipe without its file of sequences is invalid data."""
    (tmp_path / "walks.txt").write_text("u a b c a\nv b c a b\n")
    sizes = ((1, 4), (1, 8), (1, 16))
    (tmp_path / "plan.toml").write_text(
        'kind = "ladder"\n[data]\npath = "walks.txt"\nformat = "sequences"\n'
        f"[learning]\nseeds = [0, 1]\nsizes = {[[*size, 1] for size in sizes]}\n"
    )
    figures = {"rows": 2, "hit_rate": {"10": 1.0}, "ndcg": {"10": 1.0}, "mrr": 1.0}
    rungs = [
        {"num_layers": layers, "dim": dim, "num_heads": 1, "parameters": 12 * layers * dim**2, "seed": seed, "fraction": 1.0,
         "interactions": 4, "loss": 3.0 + 5.0 / dim, "figures": figures, "epochs": 1, "seconds": float(dim)}
        for layers, dim in sizes
        for seed in (0, 1)
    ]  # fmt: skip
    digest = settings_digest(read_of_kind(tmp_path / "plan.toml", SizeSweepRecipe))
    (tmp_path / "ladder.json").write_text(json.dumps({"name": "plan", "settings": digest, "rungs": rungs}))
    command = ["--output", "json", "advise", str(tmp_path / "plan.toml"), "--seconds", "40", "--folder", str(tmp_path)]
    assert run(command) == ExitCode.OK
    advice = json.loads(capsys.readouterr().out)
    assert (advice["choice"]["measured"], advice["choice"]["seconds"] <= 40) == (False, True)
    assert (tmp_path / "advice.html").is_file()
    (tmp_path / "walks.txt").unlink()
    assert run(command) == ExitCode.INVALID_DATA


@pytest.mark.slow
def test_invalid_data_ends_a_search_with_its_code(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without rows stops `ihas search` with exit code 4 and the child's own words."""
    assert run(["search", str(recipe), "--folder", str(tmp_path / "run")]) == 4
    assert "error: " in capsys.readouterr().err


def test_a_bug_in_a_run_shows_its_last_words(recipe: Path, tmp_path: Path) -> None:
    """On this machine the last line of the child's log, which the service would not tell, follows the kind of error."""
    lines = ("import json, sys", "sys.stderr.write('ValueError: no room in /tmp')", "error = {'code': 'internal', 'detail': 'Broke off.'}")
    code = "; ".join([*lines, "print(json.dumps({'outcome': 'failed', 'error': error}))"])
    with pytest.raises(CommandError, match=r"^Broke off\. ValueError: no room in /tmp$") as failed:
        search(read_recipe(recipe), tmp_path / "run", Terminal(), (sys.executable, "-c", code))

    assert failed.value.code is ExitCode.RUN_FAILED


def _shop(folder: Path) -> None:
    """A database of a hundred clicks."""
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("create table clicks(click, user)")
        database.executemany("insert into clicks values(?, ?)", [(number % 2, number % 7) for number in range(100)])
    database.close()


def test_inspect_reads_a_query(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a database by its URL, whose variables are the environment's; one without a query, and one that is not there, are told."""
    _shop(tmp_path)
    monkeypatch.setenv("SHOP_FOLDER", str(tmp_path))

    assert run(["--output", "json", "inspect", "sqlite:///$SHOP_FOLDER/shop.db", "--query", "select * from clicks"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 100
    assert run(["inspect", "sqlite:///$SHOP_FOLDER/shop.db"]) == 2
    assert "A query needs the URL of a database" in only_line(capsys.readouterr().err)
    assert run(["inspect", "postgresql://reader:hushword@127.0.0.1:1/shop", "--query", "select 1"]) == 4
    said = only_line(capsys.readouterr().err)
    assert "must be readable from postgresql://127.0.0.1:1/shop" in said
    assert "hush" not in said


def test_a_recipe_with_a_query_runs_on_a_file(tmp_path: Path) -> None:
    """The rows are written beside the run, once; what is kept of the recipe names the file, and no URL or password."""
    _shop(tmp_path)
    path = tmp_path / "r.toml"
    path.write_text(f'[data.sql]\nurl = "sqlite:///{tmp_path}/shop.db?password=hushword"\nquery = "select * from clicks"\n')
    recipe = read_recipe(path)
    made = with_snapshots(recipe, tmp_path / "run")
    (table,) = (tmp_path / "run").iterdir()
    before = table.stat().st_mtime_ns

    assert made.data.path == table
    assert "sql" not in made.model_dump_json()
    assert "hush" not in made.model_dump_json() + repr(recipe) + recipe.model_dump_json()
    assert with_snapshots(recipe, tmp_path / "run") == made
    assert table.stat().st_mtime_ns == before
    path.write_text('[data]\nsql = "postgresql://reader:hushword@host/shop"\n')
    with pytest.raises(ConfigError) as error:
        read_recipe(path)
    assert "hush" not in f"{error.value} {error.value.__cause__}"


def test_inspect_shows_schema_and_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas inspect` says what each column is taken for; a label that is no 0 or 1 is an error with its row."""
    table = tmp_path / "clicks.csv"
    table.write_text("label,user\n" + "\n".join(f"{i % 2},u{i % 7}" for i in range(60)) + "\n2,u1\n", encoding="utf-8")
    columns = tmp_path / "columns.toml"
    columns.write_text('label = "label"\n', encoding="utf-8")
    assert run(["inspect", str(table), "--columns", str(columns)]) == 4
    shown = capsys.readouterr()
    assert "user" in shown.out
    assert "row 61" in shown.out
    assert "Correct them" in only_line(shown.err)


def test_inspect_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is read by `--columns` and by a recipe, names each column's reason, and replaces no other one."""
    table, columns, recipe = (tmp_path / name for name in ("clicks.csv", "columns.toml", "r.toml"))
    table.write_text("label,user,price\n" + "\n".join(f"{i % 2},u{i % 7},{i / 4}" for i in range(60)) + "\n", encoding="utf-8")
    assert run(["inspect", str(table), "--write", str(columns)]) == 0
    assert "price: 60 different numbers, 45 of them with a fraction: numeric" in " ".join(capsys.readouterr().out.split())
    assert run(["--output", "json", "inspect", str(table), "--columns", str(columns)]) == 0
    found = json.loads(capsys.readouterr().out)["profiles"]
    assert [one["kind"] for one in found] == [None, "categorical", "numeric"]
    recipe.write_text('[data]\npath = "clicks.csv"\ncolumns = "columns.toml"\n')
    assert read_recipe(recipe).data.columns.numeric == ("price",)
    assert run(["inspect", str(table), "--write", str(columns)]) == 2
    assert "must not exist yet" in only_line(capsys.readouterr().err)
    assert run(["inspect", str(table), "--write", str(tmp_path / "none" / "columns.toml")]) == 2
    recipe.write_text('[data]\npath = "clicks.csv"\ncolumns = "none.toml"\n')
    with pytest.raises(ConfigError, match="none.toml must be a TOML or JSON file"):
        read_recipe(recipe)


def test_finished_stages_are_named_without_their_keys(tmp_path: Path) -> None:
    """Complete stage folders are listed in the order they were finished; a partial one is not."""
    for age, name in enumerate(("data-0123abcd", "random-groups-4567cdef", ".cluster-89ab.partial")):
        (tmp_path / "stages" / name).mkdir(parents=True)
        os.utime(tmp_path / "stages" / name, (age, age))
    assert finished_stages(tmp_path) == ("data", "random-groups")


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`ihas search` on a table that is long enough to be interrupted."""
    rows = "\n".join(f"{i * 7 % 3 % 2},u{i % 97},i{i % 31}" for i in range(200_000))
    (tmp_path / "clicks.csv").write_text("label,user,item\n" + rows + "\n", encoding="utf-8")
    (tmp_path / "small.toml").write_text(RECIPE + '[data.columns]\nlabel = "label"\n', encoding="utf-8")
    process = subprocess.Popen(
        [*IHAS, "search", str(tmp_path / "small.toml"), "--folder", str(tmp_path / "run")], stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_interrupt_stops_the_child_and_tells_how_to_go_on(interrupted: subprocess.Popen[str], tmp_path: Path) -> None:
    """Ctrl-C ends the run's process, names what is kept and the command that goes on, and exits with 130."""
    assert interrupted.stderr is not None
    assert "reading" in interrupted.stderr.readline()
    children = Path(f"/proc/{interrupted.pid}/task/{interrupted.pid}/children")
    child = int(children.read_text().split()[0])
    interrupted.send_signal(signal.SIGINT)
    said = interrupted.stderr.read()
    assert interrupted.wait(HANG_S) == 130
    assert f"To continue: ihas search {tmp_path / 'small.toml'} --folder {tmp_path / 'run'}" in said
    assert "Traceback" not in said
    eventually(lambda: not Path(f"/proc/{child}").exists())


def test_an_installation_that_only_serves_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where plotly is not installed, drawing a report is refused in one line that names the package and the extra."""
    for name in [
        name
        for name in sys.modules
        if name.partition(".")[0] == "plotly" or name in ("ihas_pipelines.reports.report", "ihas_pipelines.reports.all_plots")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)

    assert run(["report", "no-such-folder"]) == ExitCode.USAGE
    assert "needs the package `plotly`" in capsys.readouterr().err
