"""`ihas score` and `ihas recommend`: bundles at work, without a service."""

import io
import json
from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas_service.cli.main import run
from ihas_service.cli.terminal import ExitCode
from tests.ihas.bundle_factory import LOGITS, bundle_with_users, rows, small_bundle
from tests.ihas.serving.fallback_bundle import torn
from tests.ihas.serving.retrieval.test_retriever import retrieving_bundle
from tests.pipelines.batch.test_tables import ALL_LOGITS, named, written
from tests.service.cli.printed import only_line

pytestmark = pytest.mark.tf


@pytest.fixture
def bundle_run(tmp_path: Path) -> Path:
    """Run folder that holds the bundle whose answers are known by hand."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    return tmp_path


def test_recommend_answers_from_a_bundle(bundle_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ada's best two films and her group are those worked out by hand; a run folder stands for its bundle."""
    assert run(["--output", "json", "recommend", str(bundle_run), "--context", '{"user": "ada"}', "--k", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(item["id"], item["group"]) for item in answer["items"]] == [("m1", 0), ("m2", 0)]


def test_recommend_from_a_run_that_has_not_ended_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run folder with stages and no bundle: exit 4, and the way to go on."""
    (tmp_path / "stages").mkdir()
    assert run(["recommend", str(tmp_path), "--context", "{}"]) == ExitCode.INVALID_DATA
    assert "is not finished. Start the search in the same folder again" in " ".join(capsys.readouterr().err.split())


def test_recommend_explains_in_words(bundle_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--explain` the table tells the group, the runner-up, the dims that the path reads and what raised the score."""
    asked = ["recommend", str(bundle_run / "bundle"), "--context", '{"user": "bob"}', "--candidates", '["m3", "m9"]', "--explain"]
    assert run(asked) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("m3", "Group 1 is nearest", "group 0 at", "reads:", "not in the item table: m9"):
        assert part in text


def test_score_reads_rows_from_a_file(bundle_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row has the logit worked out by hand, in the order of the file; empty lines are nothing."""
    file = bundle_run / "rows.jsonl"
    file.write_text("\n\n".join(json.dumps(row) for row in rows()), encoding="utf-8")
    assert run(["--output", "json", "score", str(bundle_run), str(file)]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert [row["logit"] for row in scored] == pytest.approx([logit for films in LOGITS.values() for logit in films.values()], abs=1e-5)


def test_score_reads_rows_from_standard_input(
    bundle_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` is standard input; the table names values that the model does not know."""
    monkeypatch.setattr("sys.stdin", io.StringIO('{"user": "eve", "movie": "m1"}\n'))
    assert run(["score", str(bundle_run), "-"]) == 0
    assert "user = eve" in capsys.readouterr().out


@pytest.mark.parametrize("line", ['{"user": "ada"', "[1, 2]", '{"usr": "ada"}'])
def test_score_refuses_what_is_no_row(
    bundle_run: Path, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken JSON, a list and an unknown field are invalid data, told on one line."""
    monkeypatch.setattr("sys.stdin", io.StringIO(line + "\n"))
    assert run(["score", str(bundle_run), "-"]) == 4
    assert only_line(capsys.readouterr().err).startswith("error: ")


def test_recommend_filters(bundle_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--filter` and `--diversity` decide among the items."""
    asked = [
        "--output",
        "json",
        "recommend",
        str(bundle_run),
        "--filter",
        "not genres is missing",
        "--diversity",
        '{"field": "genres", "at_most": 1}',
    ]
    assert run(asked) == 0
    assert [item["id"] for item in json.loads(capsys.readouterr().out)["items"]] == ["m1"]


def test_recommend_says_how_items_were_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table's last lines name what retrieval chose, and the groups that the shared model serves."""
    write_bundle(retrieving_bundle(), tmp_path / "retrieving")
    write_bundle(small_bundle(), tmp_path / "torn")
    torn(tmp_path / "torn")
    assert run(["recommend", str(tmp_path / "retrieving"), "--k", "2", "--retrieve", "2"]) == 0
    assert "retrieved: 2 of 3 items (exact)" in capsys.readouterr().out
    assert run(["recommend", str(tmp_path / "torn")]) == 0
    assert "served by the shared model: groups 1" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_score_reads_tables_and_passes_other_columns_on(bundle_run: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A label and an id stand beside the score; the terminal says which columns the model does not read."""
    file = written(bundle_run / f"rows{suffix}", named())
    assert run(["--output", "json", "score", str(bundle_run), str(file)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [row["logit"] for row in found] == pytest.approx(ALL_LOGITS, abs=1e-5)
    assert [{name: str(cell) for name, cell in row["passed"].items()} for row in found][3] == {"label": "1", "id": "3"}
    assert run(["score", str(bundle_run), str(file), "--to", str(bundle_run / "out.csv")]) == 0
    assert "The answers to 6 rows are in" in " ".join(capsys.readouterr().out.split())
    assert (bundle_run / "out.csv").read_text().splitlines()[
        0
    ] == '"user","genres","movie","label","id","score","logit","group","unknown_values"'


def test_recommend_answers_every_row_of_a_file(bundle_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, or written to a file."""
    file = written(bundle_run / "contexts.csv", [{"user": "ada", "note": "x"}, {"user": "bob", "note": "y"}])
    asked = ["recommend", str(bundle_run), "--rows", str(file), "--k", "1"]
    assert run(["--output", "json", *asked]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["row"], row["note"], row["item"]) for row in found] == [(1, "x", "m1"), (2, "y", "m1")]
    assert run([*asked, "--to", str(bundle_run / "out.jsonl")]) == 0
    assert [json.loads(line)["item"] for line in (bundle_run / "out.jsonl").read_text().splitlines()] == ["m1", "m1"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("score", "{run}", "-", "--to", "{run}/out.csv"), "needs a file of rows"),
        (("score", "{run}", "{run}/contexts.csv", "--to", "{run}/out.csv", "--explain"), "not explanations"),
        (("recommend", "{run}", "--to", "{run}/out.csv"), "`--to` with `--rows`"),
        (("recommend", "{run}", "--rows", "{run}/contexts.csv", "--context", '{"user": "ada"}'), "in place of `--context`"),
        (("score", "{run}", "{run}/none.csv"), "none.csv cannot be read"),
        (("score", "{run}", "{run}/usr.csv"), "none among usr"),
    ],
)
def test_files_of_rows_that_do_not_fit_are_refused(
    bundle_run: Path, words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On one line that says what to do."""
    written(bundle_run / "contexts.csv", [{"user": "ada"}])
    written(bundle_run / "usr.csv", [{"usr": "ada"}])
    assert run([word.replace("{run}", str(bundle_run)) for word in words]) in (ExitCode.USAGE, ExitCode.INVALID_DATA)
    assert says in " ".join(only_line(capsys.readouterr().err).split())


def test_recommend_leaves_out_what_was_clicked_and_shows_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ada clicked m1 and m3; m2 is left, and its genre is a column of the table."""
    write_bundle(bundle_with_users(), tmp_path / "bundle")
    assert run(["recommend", str(tmp_path), "--context", '{"user": "ada"}', "--exclude-seen", "--field", "genres"]) == 0
    printed = capsys.readouterr().out
    assert "genres" in printed
    assert [word for line in printed.splitlines() for word in line.split() if word in ("m1", "m2", "m3", "comedy")] == ["m2", "comedy"]
    assert "left out: 2 items that the user has clicked" in printed
