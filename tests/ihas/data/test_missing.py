"""Texts that say that a cell is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.findings import FindingCollector
from ihas.data.ingest import ingest, inspect
from ihas.data.missing import SPELLINGS, spelled_missing, without_spelled_missing
from ihas.errors import DataError
from ihas.serving.grouped.row_reader import RowReader
from tests.ihas.data.tables import made_table, written

ROWS = 60


def _prices(path: Path, spelling: str, rest: str = "{}.25") -> Path:
    lines = (f"u{row % 7},{row % 6},{rest.format(row % 37) if row % 10 else spelling},{row * 7 % 3 % 2}" for row in range(ROWS))
    return written(path, "\n".join(["user,item,price,click", *lines]) + "\n")


@pytest.mark.parametrize("spelling", [*SPELLINGS, "", " NULL "])
def test_a_column_of_numbers_stays_one(spelling: str, tmp_path: Path) -> None:
    """However a missing cell is spelled, the column is numeric and six of its cells are missing; the spelling is told."""
    report = inspect(DataConfig(path=_prices(tmp_path / "x.csv", spelling)))
    price = next(profile for profile in report.profiles if profile.column == "price")
    assert (price.kind, price.missing, price.distinct) == ("numeric", 0.1, 36)
    told = [finding.message for finding in report.findings if finding.code == "missing_spelled"]
    assert told == ([] if not spelling else told)
    assert all(f"6 cells say {spelling.strip()!r}" in message for message in told)
    assert len(told) == bool(spelling)


def test_whole_numbers_stay_categories_without_the_spelling(tmp_path: Path) -> None:
    """A column of whole numbers has no category called NULL."""
    report = inspect(DataConfig(path=_prices(tmp_path / "x.csv", "NULL", "{}")))
    price = next(profile for profile in report.profiles if profile.column == "price")
    assert (price.kind, price.missing) == ("categorical", 0.1)


@pytest.mark.parametrize("settings", [{"categorical": ("price",)}, {"ignored": ("price",)}])
def test_a_stated_category_keeps_its_texts(settings: dict[str, Any], tmp_path: Path) -> None:
    """Who states a category, or ignores the column, gets the texts as they stand."""
    report = inspect(DataConfig(path=_prices(tmp_path / "x.csv", "NULL"), columns=SchemaConfig(**settings)))
    price = next(profile for profile in report.profiles if profile.column == "price")
    assert (price.missing, price.distinct) == (0.0, 37)
    assert "missing_spelled" not in {finding.code for finding in report.findings}


def test_a_text_among_texts_is_a_value() -> None:
    """NA is Namibia among countries; among numbers it is no number."""
    assert not spelled_missing(pa.array(["NA", "DE"])).any()
    assert spelled_missing(pa.array(["NA", "1.5", "7"])).tolist() == [True, False, False]
    assert not spelled_missing(pa.array(["NA", "-"])).any()


def test_a_stated_number_may_be_spelled_missing(tmp_path: Path) -> None:
    """In a column that is stated to be numeric the spelling is missing, and another text is an error."""
    path = _prices(tmp_path / "x.csv", "n/a")
    path.write_text(path.read_text() + "u1,1,cheap,1\n")
    report = inspect(DataConfig(path=path, columns=SchemaConfig(numeric=("price",))))
    assert [(finding.code, finding.row) for finding in report.errors] == [("not_a_number", ROWS + 1)]


def test_other_files_are_read_alike(tmp_path: Path) -> None:
    """The main file decides; the test file's own spelling is told with its name."""
    train, test = _prices(tmp_path / "train.csv", "1.5"), _prices(tmp_path / "test.csv", "-")
    report = inspect(DataConfig(path=train, test_path=test))
    told = [finding.message for finding in report.findings if finding.code == "missing_spelled"]
    assert [message[:28] for message in told] == ["test_path: 6 cells say '-' a"]
    assert not report.errors


def test_a_request_may_spell_it_too(tmp_path: Path) -> None:
    """What was missing in training is missing in a request, and another text is an error in both."""
    data = DataConfig(path=_prices(tmp_path / "x.csv", "NULL"))
    encoder = ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out").encoder
    assert type(encoder).from_json(encoder.to_json()) == encoder
    reader = RowReader(encoder, ("price",))
    assert reader.read({"price": "NULL"}, "").ids == reader.read({}, "").ids == encoder.encode_row({"price": None}, ("price",)).tolist()


def test_codes_larger_than_memory_are_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that lies in a file gives the same cells."""
    table = made_table({"a": ["1", "NULL", None, "2", "NULL"]})
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 0)
    cleaned = without_spelled_missing({"train": table}, SchemaConfig(), {"train": FindingCollector()})
    assert cleaned.tables["train"].to_pylist() == [{"a": cell} for cell in ("1", None, None, "2", None)]
    assert cleaned.missing == {"a": ("NULL",)}


def test_a_missing_label_is_still_an_error(tmp_path: Path) -> None:
    """A label that says NULL is missing, and no label."""
    path = written(tmp_path / "x.csv", "user,click\n" + "a,0\nb,1\n" * 30 + "a,NULL\n")
    with pytest.raises(DataError, match="row 61, column `click`: The label must be 0 or 1, but it is missing"):
        ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
