"""Weights of rows, from the file to the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig
from ihas.data.ingest import ingest, inspect
from ihas.data.reingest import Earlier, ingest_newer
from ihas.data.storage import load_ingested
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import fault_places, written


def _data(folder: Path, weights: list[str], name: str = "x.csv", header: str = "label,user,w", **columns: Any) -> DataConfig:
    lines = [f"{n % 2},u{n % 7},{weight}" for n, weight in enumerate(weights)]
    path = written(folder / name, "\n".join([header, *lines]) + "\n")
    return DataConfig(path=path, columns=SchemaConfig(**({"weight": "w"} | columns)))


def _weights(rows: int = 100) -> list[str]:
    return [str(1 + n % 4) for n in range(rows)]


def test_training_rows_have_a_weight_of_one_on_average(tmp_path: Path) -> None:
    """In the order of the rows; validation rows have theirs by the same measure, for the model that learns from them at last."""
    ingested = ingest(_data(tmp_path, _weights()), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    weights = ingested.parts.train.weights
    assert weights is not None
    assert float(weights.mean()) == pytest.approx(1.0)
    assert len(set(np.round(weights / weights.min(), 4).tolist())) == 4
    assert ingested.parts.test.weights is None
    assert [field.name for field in ingested.encoder.fields] == ["user"], "the column is no field"
    assert (valid := ingested.parts.valid.weights) is not None
    assert {round(float(weight / weights.min()), 4) for weight in valid} <= {1.0, 2.0, 3.0, 4.0}
    assert len(valid) == len(ingested.parts.valid)
    again = load_ingested(tmp_path / "out").parts.train.weights
    assert again is not None
    assert np.array_equal(again, weights)


def test_the_report_says_what_the_weights_are_worth(tmp_path: Path) -> None:
    """Weights 1 to 4 of a hundred rows: 250 squared over 750, as many as 83 equal ones."""
    report = inspect(_data(tmp_path, _weights()))
    (note,) = (one for one in report.findings if one.code == "weighted_rows")
    assert "100 rows are worth 83 rows of equal weight. Metrics count every row once." in note.message
    assert {one.column: (one.purpose, one.reason) for one in report.profiles}["w"] == ("weight", "stated under `weight`")


def test_a_cell_that_is_no_weight_is_told(tmp_path: Path) -> None:
    """Negative, missing, not finite and not a number, each with its row; many are one error."""
    weights = _weights(20)
    weights[3:7] = ["-1", "", "inf", "many"]
    with pytest.raises(DataError) as error:
        ingest(_data(tmp_path, weights), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    assert fault_places(error) == [("not_a_weight", row, "w") for row in (4, 5, 6, 7)]
    assert "but it is 'missing'" in error.value.findings[1].message
    assert not (tmp_path / "out").exists()
    many = [f"-{n}" for n in range(1, 60)]
    (found,) = inspect(_data(tmp_path, many)).errors
    assert found.message.endswith("59 rows have such a fault, the first of them 1, 2, 3, 4, 5.")


def test_weights_of_zero_alone_are_refused(tmp_path: Path) -> None:
    """Nothing would be learnt from."""
    with pytest.raises(DataError, match="Some training rows must have a weight above 0"):
        ingest(_data(tmp_path, ["0"] * 100), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")


@pytest.mark.parametrize("other", [{"numeric": ("w",)}, {"label": "w"}, {"ignored": ("w",)}, {"user_id": "w"}, {"time": "w"}])
def test_a_weight_is_nothing_else(tmp_path: Path, other: dict[str, Any]) -> None:
    """The column has one purpose."""
    with pytest.raises(ConfigError, match="A column must not be both"):
        inspect(_data(tmp_path, _weights(), **other))


def test_drawn_negatives_weigh_what_their_positive_does(tmp_path: Path) -> None:
    """A row that counts twice does so with what it was compared with."""
    lines = [f"m{n % 11},u{n // 5},{1 + n % 2}" for n in range(200)]
    path = written(tmp_path / "x.csv", "\n".join(["item,user,w", *lines]) + "\n")
    columns = SchemaConfig(weight="w", user_id="user", item_id="item", negatives={"per_positive": 2})  # type: ignore[arg-type]
    parts = ingest(DataConfig(path=path, columns=columns), EncodingConfig(), SplitConfig(), 0, tmp_path / "out").parts
    for rows in (parts.train, parts.valid):
        assert rows.weights is not None
        assert len(rows.weights) == len(rows)
        starts = np.flatnonzero(rows.labels > 0.5)
        for first, end in zip(starts, [*starts[1:], len(rows)], strict=True):
            assert len(set(rows.weights[first:end].tolist())) == 1


def test_a_newer_table_may_have_weights_or_not(tmp_path: Path) -> None:
    """They are read where they are there; rows made of what was shown have none, and count alike."""
    earlier = Earlier(ingest(_data(tmp_path, _weights()), EncodingConfig(), SplitConfig(), 0, tmp_path / "old"), LearningConfig())
    same = ingest_newer(_data(tmp_path, _weights(120)), earlier, tmp_path / "same")
    assert same.parts.train.weights is not None
    without = ingest_newer(_data(tmp_path, _weights(120), "y.csv", "label,user,other"), earlier, tmp_path / "without")
    assert without.parts.train.weights is None
