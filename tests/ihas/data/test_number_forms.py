"""Numbers as they are written elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.data import mapped
from ihas.data.findings import FieldProfile, ValidationReport
from ihas.data.ingest import inspect
from tests.ihas.data.tables import written

ROWS = 120


def _price(path: Path, cells: list[str], columns: SchemaConfig | None = None, **form: Any) -> tuple[FieldProfile, ValidationReport]:
    lines = (f"u{row % 7};{cells[row % len(cells)]};{row * 5 % 7 % 2}" for row in range(ROWS))
    data = DataConfig(path=written(path, "\n".join(["user;price;click", *lines]) + "\n"), columns=columns or SchemaConfig(), **form)
    report = inspect(data)
    return next(profile for profile in report.profiles if profile.column == "price"), report


@pytest.mark.parametrize("in_memory", [1 << 28, 1])
@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ({"decimal": ","}, [f"{number},25" for number in range(40)]),
        ({"decimal": ",", "thousands": "."}, [f"1.{number:03d},25" for number in range(40)]),
        ({"thousands": ","}, [f"-12,3{number:02d}.25" for number in range(40)]),
        ({"decimal": ",", "thousands": " "}, [*(f"{number} 000,5" for number in range(1, 40)), "NULL"]),
    ],
)
def test_a_column_of_such_numbers_is_numeric(
    form: dict[str, Any], cells: list[str], in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commas and groups of digits are read as the number that a person reads; tables larger than memory too."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", in_memory)
    profile, report = _price(tmp_path / "x.csv", cells, **form)
    assert not report.errors
    assert profile.kind == "numeric"
    decimal, thousands = form.get("decimal", "."), form.get("thousands", "")
    wanted = [float(cell.replace(thousands, "").replace(decimal, ".")) for cell in cells if cell != "NULL"]
    assert (profile.quantiles[0], profile.quantiles[-1]) == (min(wanted), max(wanted))


@pytest.mark.parametrize("cells", [["1,5", "a"], ["1,5", "12,"], ["1.5,2", "3"], ["red", "blue"]])
def test_a_column_with_other_texts_stays(cells: list[str], tmp_path: Path) -> None:
    """Only where every cell is such a number, or says that it is missing, is anything changed."""
    profile, _ = _price(tmp_path / "x.csv", cells, decimal=",")
    assert {value for value, _ in profile.commonest} == set(cells)


def test_what_is_stated_wins(tmp_path: Path) -> None:
    """A category keeps its comma; in a numeric column each other text is an error with its row."""
    cells = [f"{number},5" for number in range(40)]
    profile, _ = _price(tmp_path / "x.csv", cells, SchemaConfig(categorical=("price",)), decimal=",")
    assert "0,5" in {value for value, _ in profile.commonest}
    _, report = _price(tmp_path / "y.csv", [*cells[1:], "much"], SchemaConfig(numeric=("price",)), decimal=",")
    assert [(finding.code, finding.row, finding.column) for finding in report.errors][:1] == [("not_a_number", 40, "price")]


def test_equal_numbers_are_one_value(tmp_path: Path) -> None:
    """1.000 and 1000 are the same value, as they are in a request."""
    profile, _ = _price(tmp_path / "x.csv", ["1.000", "1000", "2.000,0"], decimal=",", thousands=".")
    assert dict(profile.commonest) == {"1000": 80, "2000": 40}


def test_separators_must_differ() -> None:
    """A comma cannot be both."""
    with pytest.raises(ValidationError, match="`thousands` must differ from `decimal`"):
        DataConfig.model_validate({"path": "x.csv", "decimal": ",", "thousands": ","})
