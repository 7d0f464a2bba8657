"""Labels that are no 0 and 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.label_rule import LabelRule
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.findings import ValidationReport
from ihas.data.ingest import ingest, inspect
from ihas.data.storage import Ingested
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import written

ROWS = 400


def _file(path: Path, *labels: str, name: str = "click") -> Path:
    lines = (f"u{row % 7},{row % 6},{labels[row * 5 % 7 % len(labels)]}" for row in range(ROWS))
    return written(path, "\n".join([f"user,item,{name}", *lines]) + "\n")


def _inspected(path: Path, **columns: Any) -> ValidationReport:
    return inspect(DataConfig(path=path, columns=SchemaConfig(**columns)))


def _ingested(path: Path, folder: Path, **columns: Any) -> Ingested:
    data = DataConfig(path=path, columns=SchemaConfig(**columns))
    return ingest(data, EncodingConfig(), SplitConfig(), 0, folder)


def _clicks(ingested: Ingested) -> int:
    return int(sum(part.labels.sum() for part in (ingested.parts.train, ingested.parts.valid, ingested.parts.test)))


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("Yes", "NO"), ("t", "f"), ("1", "-1"), ("clicked", "not clicked")])
def test_of_two_texts_one_says_yes(yes: str, no: str, tmp_path: Path) -> None:
    """Whichever spelling, the rows are those of 1 and 0; the report says what was taken, and the schema keeps the rule."""
    told = _ingested(_file(tmp_path / "a.csv", yes, no), tmp_path / "a")
    plain = _ingested(_file(tmp_path / "b.csv", "1", "0"), tmp_path / "b")
    assert _clicks(told) == _clicks(plain)
    assert (told.schema.positive, plain.schema.positive) == (yes, None)
    assert {"label_told", "label_rule"} <= {finding.code for finding in told.report.findings}
    assert "positive" not in plain.schema.model_dump()


@pytest.mark.parametrize(
    ("positive", "taken"),
    [
        (">= 4", {"4", "5"}), ("> 3.5", {"4", "5"}), ("<=2", {"1", "2"}), ("< 2e0", {"1"}), ("5", {"5"}), (5, {"5"}), (5.0, {"5"}),
        (["1", 5], {"1", "5"}),
    ],
)  # fmt: skip
def test_a_rule_says_which_ratings_are_clicks(positive: Any, taken: set[str], tmp_path: Path) -> None:
    """Comparisons and values hold for the ratings they name, however they are written."""
    ratings = ("1", "2", "3", "4", "5")
    ingested = _ingested(_file(tmp_path / "x.csv", *ratings, name="rating"), tmp_path / "x", label="rating", positive=positive)
    assert _clicks(ingested) == sum(ratings[row * 5 % 7 % 5] in taken for row in range(ROWS))


@pytest.mark.parametrize("in_memory", [1 << 28, 1])
def test_a_status_is_a_label(in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of four texts count as a click, and what the column holds is told; tables larger than memory too."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", in_memory)
    path = _file(tmp_path / "x.csv", "paid", "seen", "bought", "left", name="status")
    report = _inspected(path, label="status", positive=["paid", "bought"])
    (told,) = [finding.message for finding in report.findings if finding.code == "label_rule"]
    assert not report.errors
    assert "'paid' or 'bought' is a click" in told
    assert "'seen' (" in told


@pytest.mark.parametrize("positive", ["", " ", [], ["a", " "], ">= ", "=> 4", ">= four", "== 4", "!4", ">= 1e999", {"a": 1}, [["a"]]])
def test_what_is_no_rule_is_refused(positive: Any) -> None:
    """The refusal says what is allowed."""
    with pytest.raises(ValidationError, match="Allowed are a value such as 'yes'"):
        SchemaConfig(positive=positive)


def test_a_value_may_look_like_a_comparison() -> None:
    """In a list, nothing is compared."""
    assert LabelRule.parse((">= 4",)).values == (">= 4",)


@pytest.mark.parametrize("positive", [">= 9", "> 0", "yess", ["5", "4", "3", "2", "1"]])
def test_a_rule_must_divide_the_rows(positive: Any, tmp_path: Path) -> None:
    """A rule for none or all of the rows is refused, with what the column holds."""
    path = _file(tmp_path / "x.csv", "1", "2", "3", "4", "5", name="rating")
    with pytest.raises(ConfigError, match=r"`positive` must hold for some rows and not for others.*'3' \("):
        _inspected(path, label="rating", positive=positive)


def test_errors_of_one_cause_are_one_finding(tmp_path: Path) -> None:
    """Hundreds of texts under a comparison, or of ratings without a rule, are one error that says the way out."""
    compared = _inspected(_file(tmp_path / "a.csv", "4", "unrated", "1"), positive=">= 4")
    (finding,) = compared.errors
    assert (finding.code, finding.column) == ("label_not_a_number", "click")
    (finding,) = _inspected(_file(tmp_path / "b.csv", "1", "2", "3", "4", "5")).errors
    assert "`positive = '>= 4'`" in finding.message


def test_a_text_that_the_first_file_has_not_is_refused(tmp_path: Path) -> None:
    """Who told yes and no from the first file says nothing of a maybe in the second."""
    data = DataConfig(path=_file(tmp_path / "a.csv", "yes", "no"), test_path=_file(tmp_path / "b.csv", "yes", "no", "maybe"))
    with pytest.raises(DataError, match="must be 'yes' or 'no'"):
        ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out")


def test_a_missing_label_stays_an_error(tmp_path: Path) -> None:
    """An empty cell is neither a click nor none."""
    assert {finding.code for finding in _inspected(_file(tmp_path / "x.csv", "4", "", "1"), positive=">= 4").errors} == {"label_missing"}


def test_rows_without_a_label_are_dropped_on_request(tmp_path: Path) -> None:
    """Parts, clicks, vocabulary and items are those of the labelled rows alone; the report says how many are left out."""
    path = _file(tmp_path / "a.csv", "5", "", "1")
    lines = path.read_text().splitlines()
    kept = written(tmp_path / "b.csv", "\n".join(line for line in lines if not line.endswith(",")) + "\n")
    settings = {"positive": ">= 4", "label": "click"}
    dropped, full = _ingested(path, tmp_path / "a", unlabelled="drop", **settings), _ingested(kept, tmp_path / "b", **settings)
    sizes = [sum(map(len, (one.parts.train, one.parts.valid, one.parts.test))) for one in (dropped, full)]
    assert sizes[0] == sizes[1] == sum(not line.endswith(",") for line in lines) - 1
    assert _clicks(dropped) == _clicks(full)
    assert dropped.items is not None
    assert int(dropped.items.popularity.sum()) == len(dropped.parts.train)
    told = {finding.code: finding.message for finding in dropped.report.findings}
    assert told["rows_dropped"] == f"{ROWS - sizes[0]:,} rows have no label and are left out."
    assert dropped.schema.unlabelled == "drop"


def test_a_part_needs_labels(tmp_path: Path) -> None:
    """A file of test rows without any label is refused."""
    data = DataConfig(
        path=_file(tmp_path / "a.csv", "1", "0"), test_path=_file(tmp_path / "b.csv", ""), columns=SchemaConfig(unlabelled="drop")
    )
    with pytest.raises(DataError, match="The part 'test' must have rows with a label"):
        ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out")


def test_candidates_are_named_with_their_rule(tmp_path: Path) -> None:
    """Where no column is called like a label, one of ratings is proposed with a rule, one of yes and no without."""
    with pytest.raises(ConfigError, match="candidates: rating with `positive = '>= 4'`"):
        _inspected(_file(tmp_path / "a.csv", "1", "2", "3", "4", "5", name="rating"))
    with pytest.raises(ConfigError, match="candidates: bought"):
        _inspected(_file(tmp_path / "b.csv", "yes", "no", name="bought"))
