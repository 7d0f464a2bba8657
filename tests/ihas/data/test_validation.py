"""Errors, warnings and profiles."""

from __future__ import annotations

from typing import Any

import pytest

from ihas.config.data import SchemaConfig
from ihas.data.findings import ValidationReport
from ihas.data.inference import infer_schema
from ihas.data.validation import validate
from ihas.errors import ConfigError
from tests.ihas.data.tables import made_table

ROWS = 60


def _report(cells: list[Any], labels: list[Any] | None = None, **settings: Any) -> ValidationReport:
    table = made_table({"label": labels or [number % 2 for number in range(len(cells))], "a": cells})
    return validate(table, infer_schema(table, SchemaConfig(**settings)))


def _places(report: ValidationReport) -> list[tuple[str, int | None, str | None]]:
    return [
        (finding.code, finding.row, finding.column) for finding in report.findings if finding.code not in ("repeated_rows", "rare_class")
    ]


@pytest.mark.parametrize("labels", [[0, 1], ["0", "1"], [True, False], [0.0, 1.0], ["TRUE", "false"]])
def test_labels_may_be_spelled_in_many_ways(labels: list[Any]) -> None:
    """0 and 1, true and false, as numbers or texts, are labels."""
    assert not _report(["x", "y"], labels).errors


def test_every_bad_label_is_an_error_with_its_row() -> None:
    """A label that is not 0 or 1 is shown with its row, and so is a missing one."""
    report = _report(["x"] * 4, [1, 2, None, 0])
    assert [place for place in _places(report) if place[2] == "label"] == [("label_missing", 3, "label"), ("label_not_binary", 2, "label")]
    assert "'2'" in report.errors[1].message


def test_one_label_class_is_an_error() -> None:
    """Nothing can be learnt from clicks alone."""
    assert [finding.code for finding in _report(["x", "y"], [1, 1]).errors] == ["one_label_class"]


def test_a_table_without_fields_is_an_error() -> None:
    """A label alone is not enough."""
    assert [finding.code for finding in _report(["x", "y"], ignored=("a",)).errors] == ["no_fields"]


def test_texts_in_a_numeric_field_are_errors() -> None:
    """Texts, NaN and infinities in a numeric field are errors with row and column; an empty cell is none."""
    report = _report(["1", "x", "", "NaN", "-Infinity", "2"], numeric=("a",))
    assert _places(report) == [("not_a_number", row, "a") for row in (2, 4, 5)]


def test_times_that_do_not_parse_are_errors() -> None:
    """A cell of the time column that is no time, or missing, is an error."""
    report = _report(["2013-01-01", "yesterday", None, "2013-01-02"], time="a", categorical=("a",))
    assert [place for place in _places(report) if place[0] == "not_a_time"] == [("not_a_time", 2, "a"), ("not_a_time", 3, "a")]


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["x"] * ROWS, ["constant_column"]),
        ([None] * ROWS, ["mostly_missing", "constant_column"]),
        (["x"] + [None] * (ROWS - 1), ["mostly_missing"]),
        (list(range(ROWS)), ["nearly_unique"]),
        ([number // 2 for number in range(ROWS)], []),
    ],
)
def test_odd_columns_are_warnings(cells: list[Any], codes: list[str]) -> None:
    """Constant, mostly missing and nearly unique columns are pointed out, and stop nothing."""
    report = _report(cells)
    assert _places(report) == [(code, None, "a") for code in codes]
    assert not report.errors


def test_repeated_rows_are_counted() -> None:
    """Rows are repeated if they agree in every column; rows 3 and 6 repeat rows 1 and 4, and row 3 is named."""
    report = _report(["x", "y", "x", None, "y", None], [0, 1, 0, 1, 0, 1])
    (finding,) = (finding for finding in report.findings if finding.code == "repeated_rows")
    assert finding.message.startswith("2 rows repeat an earlier row in every column")
    assert finding.row == 3


def test_profiles_say_what_columns_hold() -> None:
    """A profile counts distinct and missing cells, and lists the commonest values and the quartiles."""
    table = made_table({"label": [0, 1, 0, 1], "n": ["4", None, "1.5", "4"], "g": ["a|b", "a", "b|a", "c|a"], "id": ["p", "q", "r", "s"]})
    settings = SchemaConfig(numeric=("n",), ignored=("id",), multivalued={"g": "|"})
    label, number, genre, ignored = validate(table, infer_schema(table, settings)).profiles
    assert (label.purpose, ignored.purpose, number.purpose, number.kind, number.role) == ("label", "ignored", "field", "numeric", "context")
    assert (number.distinct, number.missing, number.commonest) == (2, 0.25, (("4", 2), ("1.5", 1)))
    assert number.quantiles == (1.5, 1.5, 4.0, 4.0, 4.0)
    assert (genre.distinct, genre.missing, genre.commonest) == (3, 0.0, (("a", 4), ("b", 2), ("c", 1)))


def test_a_report_survives_json() -> None:
    """A report read from its own JSON is equal."""
    report = _report(["x", None], [0, 1])
    assert ValidationReport.model_validate_json(report.model_dump_json()) == report


def test_a_header_that_looks_like_data_is_a_warning() -> None:
    """A file without a header whose first row was taken for one is pointed out."""
    table = made_table({"0": [0, 1], "17": ["x", "y"]})
    report = validate(table, infer_schema(table, SchemaConfig(label="0")))
    assert [finding.code for finding in report.findings] == ["rare_class", "header_looks_like_data"]


def test_an_attribute_of_the_item_among_the_context_is_a_warning() -> None:
    """A price that follows from the item is named; the hour, which does not, is not."""
    table = made_table({"label": [0, 1] * 4, "item": ["a", "b"] * 4, "price": ["9", "7"] * 4, "hour": list("11223344")})
    report = validate(table, infer_schema(table, SchemaConfig(item=("item",), item_id="item", categorical=("price", "hour"))))
    assert [finding.column for finding in report.findings if finding.code == "item_attribute_in_context"] == ["price"]
    assert not report.errors


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["-1", "1"] * 30, "in 30 rows it is not: the column holds '-1' (30), '1' (30). {} `positive = '1'`"),
        (["no", "yes"] * 30, "in 60 rows it is not: the column holds 'no' (30), 'yes' (30). {} `positive = 'yes'`"),
        (
            [1, 2, 3, 4, 5] * 12,
            "48 rows it is not: the column holds '1' (12), '2' (12), '3' (12), '4' (12), '5' (12). {} `positive = '>= 4'`",
        ),
    ],
)
def test_a_label_in_another_form_is_one_finding(labels: list[Any], says: str) -> None:
    """A column of other labels is said once, with what it holds and what to write; that a class is absent is not said besides."""
    report = _report([number // 2 for number in range(ROWS)], labels)
    assert [(finding.code, finding.row) for finding in report.errors] == [("label_not_binary", 1 if labels[0] != 1 else 2)]
    assert says.format("Say what counts as a click, for example") in report.errors[0].message


def test_many_equal_faults_are_one_finding() -> None:
    """Of a column with the same text in many rows the first row is named, and how many there are; other texts have rows of their own."""
    report = _report([str(number) if number % 3 else "n.a." for number in range(ROWS - 1)] + ["x"], numeric=("a",))
    assert [(finding.row, finding.message[-52:]) for finding in report.errors][0] == (
        1,
        "categorical. So it is in 20 rows; this is the first.",
    )
    assert [finding.row for finding in report.errors] == [1, ROWS]


def test_a_log_of_what_was_taken_is_told_where_it_belongs() -> None:
    """A label that is 1 in every row names the recipes that need none, and so does a table without any label; one that is 0 does not."""
    table = made_table({"user": ["a", "b"], "item": ["x", "y"]})
    with pytest.raises(ConfigError, match="recipe of the kind 'overrec' or 'transformer'"):
        infer_schema(table, SchemaConfig())
    assert "recipe of the kind 'overrec' or 'transformer'" in _report(["x", "y"], [1, 1]).errors[0].message
    assert "overrec" not in _report(["x", "y"], [0, 0]).errors[0].message
