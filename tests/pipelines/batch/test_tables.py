"""Tables that are answered in blocks: every row once, in order, with its other columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.bundle.archive import write_bundle
from ihas.data.reading import ReadOptions
from ihas.errors import ConfigError, DataError, RequestError
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas.serving.protocol import Recommender
from ihas_pipelines.batch import tables
from ihas_pipelines.batch.answering import recommending, scoring
from ihas_pipelines.batch.tables import answer_files
from tests.ihas.bundle_factory import GROUPS, LOGITS, rows, small_bundle

ALL_LOGITS = [logit for films in LOGITS.values() for logit in films.values()]


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """The model that is worked by hand."""
    folder = tmp_path_factory.mktemp("bundles") / "films"
    write_bundle(small_bundle(), folder)
    return load_recommender(folder)


def named(times: int = 1) -> list[dict[str, Any]]:
    """Rows with a label and an id, which the model does not read."""
    return [{**row, "label": number % 2, "id": number} for number, row in enumerate(rows() * times)]


def written(path: Path, found: Sequence[dict[str, Any]]) -> Path:
    """The rows as a file of the suffix's format."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(found)), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in found))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, found[0].keys())
            writer.writeheader()
            writer.writerows(found)
    return path


def scored(recommender: Recommender, paths: Sequence[Path], to: Path) -> list[dict[str, Any]]:
    """Rows with their scores."""
    answer_files(paths, ReadOptions(), scoring(recommender), to)
    return pq.read_table(to).to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_every_row_has_its_score_and_its_other_columns(recommender: Recommender, tmp_path: Path, suffix: str) -> None:
    """Of every format, in order; Parquet and JSON lines keep their types."""
    found = scored(recommender, [written(tmp_path / f"a{suffix}", named())], tmp_path / "out.parquet")

    assert [row["logit"] for row in found] == pytest.approx(ALL_LOGITS, abs=1e-5)
    assert [row["group"] for row in found] == [GROUPS[row["user"]] for row in found]
    assert [str(row["id"]) for row in found] == list("012345")
    assert {type(row["label"]) for row in found} == ({str} if suffix == ".csv" else {int})


def test_blocks_are_answered_like_the_whole(recommender: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 rows seven at a time: the same file as at once."""
    path = written(tmp_path / "a.parquet", named(10))
    whole = scored(recommender, [path], tmp_path / "whole.parquet")
    monkeypatch.setattr(tables, "BLOCK_ROWS", 7)
    monkeypatch.setattr(tables, "GROUP_ROWS", 20)

    assert scored(recommender, [path], tmp_path / "out.parquet") == whole
    assert len(whole) == 60
    groups = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [21, 21, 18]


def test_files_of_several_formats_follow_each_other(recommender: Recommender, tmp_path: Path) -> None:
    """Their cells are canonical texts, for the types of the files differ."""
    parts = [written(tmp_path / f"{number}{suffix}", named()) for number, suffix in enumerate((".csv", ".jsonl", ".parquet"))]
    found = scored(recommender, parts, tmp_path / "out.parquet")

    assert [row["logit"] for row in found] == pytest.approx(ALL_LOGITS * 3, abs=1e-5)
    assert [row["id"] for row in found] == list("012345") * 3


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_answers_are_written_in_other_formats_too(recommender: Recommender, tmp_path: Path, suffix: str) -> None:
    """CSV joins lists; JSON lines keep them."""
    rows_with_lists = [{**row, "tags": ["x", "y"]} for row in named()]
    to = tmp_path / f"out{suffix}"
    answer_files([written(tmp_path / "a.parquet", rows_with_lists)], ReadOptions(), scoring(recommender), to)
    with to.open(newline="") as file:
        found: list[dict[str, Any]] = list(csv.DictReader(file)) if suffix == ".csv" else [json.loads(line) for line in file]

    assert [float(row["logit"]) for row in found] == pytest.approx(ALL_LOGITS, abs=1e-5)
    assert found[0]["tags"] == ("x|y" if suffix == ".csv" else ["x", "y"])


def test_values_that_the_model_does_not_know_are_named(recommender: Recommender, tmp_path: Path) -> None:
    """In a column of their own; a field that the file leaves out is missing."""
    found = scored(recommender, [written(tmp_path / "a.csv", [{"user": "eve", "movie": "m9"}])], tmp_path / "out.parquet")

    assert found[0]["unknown_values"] == "user = eve; movie = m9"


def test_items_are_recommended_for_every_row(recommender: Recommender, tmp_path: Path) -> None:
    """Two each, with the row's number and its other columns; item fields of the rows are not read."""
    contexts = [{"user": "ada", "note": "first", "movie": "m3"}, {"user": "bob", "note": "second", "movie": "m1"}]
    answering = recommending(recommender, RecommendRequest(k=2))
    answer_files([written(tmp_path / "a.csv", contexts)], ReadOptions(), answering, tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet").to_pylist()

    assert [(row["row"], row["note"], row["rank"], row["item"]) for row in found] == [
        (1, "first", 1, "m1"),
        (1, "first", 2, "m2"),
        (2, "second", 1, "m1"),
        (2, "second", 2, "m2"),
    ]


def test_a_row_that_cannot_be_answered_is_named_and_nothing_is_left(
    recommender: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its number among all rows of all files; a file of before stays as it was."""
    monkeypatch.setattr(tables, "BLOCK_ROWS", 4)
    bad = [*named(), {**named()[0], "user": ["a", "b"]}]
    paths = [written(tmp_path / "a.jsonl", named()), written(tmp_path / "b.jsonl", [{**row, "user": [row["user"]]} for row in bad[:1]])]
    to = tmp_path / "out.parquet"
    to.write_text("before")

    with pytest.raises(RequestError, match=r"^Row 7: "):
        answer_files(paths, ReadOptions(), scoring(recommender), to)
    assert [to.read_text(), *sorted(path.name for path in tmp_path.iterdir())] == ["before", "a.jsonl", "b.jsonl", "out.parquet"]


def test_files_that_do_not_fit_are_refused(recommender: Recommender, tmp_path: Path) -> None:
    """Without a field of the model, with a column of the answers, without a column of the first file, with cells that are no values."""
    good = written(tmp_path / "good.csv", named())
    cases = {
        "none among usr": [written(tmp_path / "a.csv", [{"usr": "ada"}])],
        "Rename them": [written(tmp_path / "b.csv", [{"user": "ada", "score": 1}])],
        "has no `genres`": [good, written(tmp_path / "c.csv", [{"user": "ada"}])],
        "`user` holds struct": [written(tmp_path / "d.parquet", [{"user": {"a": 1}}])],
    }
    for words, paths in cases.items():
        with pytest.raises(DataError, match=words):
            scored(recommender, paths, tmp_path / "out.parquet")
    with pytest.raises(ConfigError, match=r"ends with \.parquet, \.csv, \.jsonl"):
        answer_files([good], ReadOptions(), scoring(recommender), tmp_path / "out.xls")
    assert not (tmp_path / "out.parquet").exists()
