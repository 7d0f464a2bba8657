"""Further labels beside the first one, from the file to the training rows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.recipe import Recipe
from ihas.config.split import SplitConfig
from ihas.data.column_file import column_file
from ihas.data.ingest import ingest, inspect
from ihas.data.storage import Ingested, load_ingested
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import written

ROWS = 100


def _data(folder: Path, bought: list[str], clicks: list[str] | None = None, **columns: Any) -> DataConfig:
    labels = clicks or [str(n % 2) for n in range(len(bought))]
    lines = [f"{label},u{n % 7},{cell}" for n, (label, cell) in enumerate(zip(labels, bought, strict=True))]
    path = written(folder / "x.csv", "\n".join(["click,user,bought", *lines]) + "\n")
    return DataConfig(path=path, columns=SchemaConfig.model_validate({"label": "click", "tasks": ["bought"]} | columns))


def _cells() -> list[str]:
    """1, 0 and missing in turn."""
    return ["1", "0", ""] * (ROWS // 3) + ["1"]


def _ingested(folder: Path, data: DataConfig) -> Ingested:
    return ingest(data, EncodingConfig(), SplitConfig(kind="random"), 0, folder / "out")


def test_every_part_has_the_further_labels(tmp_path: Path) -> None:
    """1, 0 and NaN where a cell is missing, beside the rows' own clicks; the column is no field."""
    found = _ingested(tmp_path, _data(tmp_path, _cells(), tasks={"bought": {"weight": 2.0}}))
    values = [part.tasks for part in (found.parts.train, found.parts.valid, found.parts.test)]
    whole = np.concatenate([one for one in values if one is not None])
    assert whole.shape == (ROWS, 1)
    assert (int((whole == 1).sum()), int((whole == 0).sum()), int(np.isnan(whole).sum())) == (34, 33, 33)
    assert [field.name for field in found.encoder.fields] == ["user"]
    assert (found.parts.train.num_tasks, found.parts.train.task_weights) == (2, (2.0,))
    again = load_ingested(tmp_path / "out").parts.train.tasks
    assert again is not None
    np.testing.assert_array_equal(again, found.parts.train.tasks)
    assert found.schema.exponents == {"click": 1.0, "bought": 0.0}


def test_labels_stay_with_their_rows(tmp_path: Path) -> None:
    """Of a table whose second label is the first one's opposite."""
    found = _ingested(tmp_path, _data(tmp_path, [str((n + 1) % 2) for n in range(ROWS)]))
    for part in (found.parts.train, found.parts.valid, found.parts.test):
        assert part.tasks is not None
        np.testing.assert_array_equal(part.tasks[:, 0], 1.0 - part.labels)


@pytest.mark.parametrize(
    ("cells", "positive"), [(["yes", "no", ""], "yes"), (["paid", "open", ""], ["paid", "sent"]), (["12.5", "3", ""], ">= 10")]
)
def test_a_rule_says_what_is_a_one(tmp_path: Path, cells: list[str], positive: Any) -> None:
    """As of the first label; a missing cell stays missing."""
    found = _ingested(tmp_path, _data(tmp_path, cells * 40, tasks={"bought": {"positive": positive}}))
    train = found.parts.train.tasks
    assert train is not None
    assert set(np.unique(train[~np.isnan(train)])) == {0.0, 1.0}
    assert np.isnan(train).any()


def test_what_is_no_label_is_told_with_its_row_and_column(tmp_path: Path) -> None:
    """Further labels may be missing, the first one may not."""
    bought = _cells()
    bought[4] = "maybe"
    report = inspect(_data(tmp_path, bought))
    (error,) = report.errors
    assert (error.code, error.row, error.column) == ("label_not_binary", 5, "bought")
    assert "must be 0 or 1, true or false, or missing, but it is 'maybe'" in error.message
    (note,) = (one for one in report.findings if one.code == "task_missing")
    assert (note.severity, note.column) == ("warning", "bought")
    assert "33 rows have no label here" in note.message
    clicks = [str(n % 2) for n in range(ROWS)]
    clicks[7] = ""
    (missing,) = inspect(_data(tmp_path, _cells(), clicks)).errors
    assert (missing.code, missing.row, missing.column) == ("label_missing", 8, "click")
    with pytest.raises(DataError, match="label"):
        _ingested(tmp_path, _data(tmp_path, _cells(), clicks))


def test_rows_without_the_first_label_are_dropped_where_that_is_stated(tmp_path: Path) -> None:
    """Whether they have the others or not."""
    clicks = ["", "", *(str(n % 2) for n in range(2, ROWS))]
    found = _ingested(tmp_path, _data(tmp_path, _cells(), clicks, unlabelled="drop"))
    assert sum(len(part) for part in (found.parts.train, found.parts.valid, found.parts.test)) == ROWS - 2


@pytest.mark.parametrize(("cells", "holds"), [(["1", ""], "'1'"), (["", ""], "none"), (["0", "0"], "'0'")])
def test_one_class_is_told(tmp_path: Path, cells: list[str], holds: str) -> None:
    """There is nothing to learn."""
    (error,) = inspect(_data(tmp_path, cells * 50)).errors
    assert (error.code, error.column) == ("one_label_class", "bought")
    assert holds in error.message


def test_training_rows_must_have_both_classes(tmp_path: Path) -> None:
    """Where only other rows have one of them."""
    path = written(tmp_path / "x.csv", "click,bought,user,part\n" + "".join(
        f"{n % 2},{int(part == 'test' and n % 4 < 2)},u{n % 7},{part}\n" for part in ("train", "valid", "test") for n in range(20)
    ))  # fmt: skip
    data = DataConfig(path=path, columns=SchemaConfig.model_validate({"label": "click", "tasks": ["bought"]}))
    with pytest.raises(DataError, match="Training rows must have labels of both classes of `bought`"):
        ingest(data, EncodingConfig(), SplitConfig(kind="given", column="part"), 0, tmp_path / "out")


def test_the_report_knows_the_column(tmp_path: Path) -> None:
    """Its purpose and why; the file of columns states it again."""
    data = _data(tmp_path, _cells(), tasks={"bought": {"weight": 0.5, "exponent": 2.0}}, exponent=0.5)
    report = inspect(data)
    assert {one.column: (one.purpose, one.reason) for one in report.profiles}["bought"] == ("task", "stated under `tasks`")
    again = SchemaConfig.model_validate(tomllib.loads(column_file(report)))
    assert (again.tasks, again.exponent) == (data.columns.tasks, 0.5)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"tasks": ["paid"]}, "`tasks` must name columns of the table, but got 'paid'"),
        ({"tasks": ["click"]}, "must not be both `label` and `tasks`"),
        ({"categorical": ["bought"]}, "must not be both `tasks` and `categorical`"),
        ({"user_id": "bought"}, "must not be both `tasks` and `user_id`"),
    ],
)
def test_columns_that_contradict_each_other_are_told(tmp_path: Path, columns: dict[str, Any], told: str) -> None:
    """Before anything is learnt."""
    with pytest.raises(ConfigError, match=told):
        inspect(_data(tmp_path, _cells(), **columns))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"label": None}, "`tasks` stand beside the first label, which must be named. Set `label`."),
        ({"label_range": [1, 5]}, "learnt from rows with clicks and without, but `label_range` is set"),
        ({"negatives": {"per_positive": 4}}, "but `negatives` is set"),
        ({"negatives_kept": 0.5}, "but `negatives_kept` is set"),
        ({"exponent": 0.0}, "every `exponent` is 0"),
        ({"tasks": [], "exponent": 2.0}, "there are no `tasks`"),
        ({"tasks": {"bought": {"positive": ""}}}, "`positive` must name a value"),
        ({"tasks": {"bought": {"exponent": -1.0}}}, "greater than or equal to 0"),
        ({"tasks": {"bought": {"weight": 0.0}}}, "greater than 0"),
        ({"tasks": [f"t{n}" for n in range(16)]}, "at most 15"),
    ],
)
def test_settings_that_contradict_each_other_are_told(columns: dict[str, Any], told: str) -> None:
    """In a line."""
    with pytest.raises(ValidationError) as caught:
        SchemaConfig.model_validate({"label": "click", "tasks": ["bought"]} | columns)
    assert told in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"learning": {"backbone": {"kind": "dcn"}}}, "learnt by the backbone 'mlp' alone, but `backbone.kind` is 'dcn'"),
        ({"learning": {"backbone": {"kind": "auto"}}}, "learnt by the backbone 'mlp' alone, but `backbone.kind` is 'auto'"),
        ({"learning": {"evaluate": {"controls": True}}}, "`evaluate.controls` compares groups of rows"),
        ({"budget": {"multiply_adds": 1000}}, "`budget.multiply_adds` limits models of one label"),
        ({"budget": {"parameters": 1000}}, "`budget.parameters` limits models of one label"),
    ],
)
def test_what_does_not_carry_several_labels_is_told(settings: dict[str, Any], told: str) -> None:
    """When the recipe is read; the same without tasks is allowed."""
    data = {"path": "x.csv", "columns": {"label": "click", "tasks": ["bought"]}}
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"data": data} | settings)
    assert told in caught.value.errors()[0]["msg"]
    assert Recipe.model_validate({"data": {"path": "x.csv"}} | settings)


def test_settings_without_tasks_are_written_as_before() -> None:
    """So that keys of stages stay."""
    assert not {"tasks", "exponent"} & set(SchemaConfig(label="click").model_dump(mode="json"))
