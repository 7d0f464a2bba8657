"""Labels that are numbers: read, brought to their range, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.negatives import NegativesConfig
from ihas.config.split import SplitConfig
from ihas.data.ingest import ingest, inspect, read_tables
from ihas.data.kept_parts import hash_ids
from ihas.data.label_numbers import encode_numbers, taken_rows
from ihas.data.reingest import Earlier, ingest_newer
from ihas.data.schema import Field, Schema
from ihas.data.storage import Ingested
from ihas.errors import DataError

SPLIT = SplitConfig(kind="given", column="part")
FIELDS = (Field(name="a", kind="categorical"),)


def _columns(label_range: object, **more: object) -> SchemaConfig:
    return SchemaConfig.model_validate({"label": "y", "label_range": label_range, "categorical": ("a",), **more})


def _ingested(folder: Path, labels: list[str], label_range: object, **more: object) -> Ingested:
    """A table of so many training rows as there are labels but four; two of validation and two of test follow."""
    parts = ["train"] * (len(labels) - 4) + ["valid"] * 2 + ["test"] * 2
    rows = "".join(f"{label},a{place % 3},{part}\n" for place, (label, part) in enumerate(zip(labels, parts, strict=True)))
    (folder / "x.csv").write_text(f"y,a,part\n{rows}", encoding="utf-8")
    data = DataConfig(path=folder / "x.csv", columns=_columns(label_range, **more))
    return ingest(data, EncodingConfig(), SPLIT, 0, folder / "out")


def test_a_number_becomes_its_place_in_the_range(tmp_path: Path) -> None:
    """As float32, mapped with its range; what is outside is taken for the nearer end, and told."""
    data = _ingested(tmp_path, ["1", "3", "5.0", "4e0", "7", "-2", "2", "3"], (1.0, 5.0))
    assert data.parts.train.labels.tolist() == [0.0, 0.5, 1.0, 0.75]
    assert (data.parts.valid.labels.tolist(), data.parts.test.labels.tolist()) == ([1.0, 0.0], [0.25, 0.5])
    assert data.parts.train.labels.dtype == np.float32
    assert data.parts.test.label_range == data.schema.numbers == (1.0, 5.0)
    clipped = [one for one in data.report.findings if one.code == "label_clipped"]
    assert [(one.row, one.severity) for one in clipped] == [(5, "warning")]
    assert clipped[0].message.startswith("2 rows have a label outside 1 to 5")
    assert data.parts.test.take(np.array([1])).label_range == data.parts.test.block(0, 1).label_range == (1.0, 5.0)


def test_the_range_is_found_in_training_rows_alone(tmp_path: Path) -> None:
    """It is told, with the rows of other parts that lie outside."""
    data = _ingested(tmp_path, ["10", "20", "30", "0", "99", "20", "25", "10"], "training")
    assert data.schema.label_range == (0.0, 30.0)
    assert data.report.columns.label_range == (0.0, 30.0)
    assert data.parts.valid.labels.tolist() == pytest.approx([1.0, 2.0 / 3.0])
    told = {one.code: one for one in data.report.findings}
    assert "from 0 to 30" in told["label_range"].message
    assert told["label_clipped"].row == 5


def test_rows_without_a_number_are_dropped_where_that_is_stated(tmp_path: Path) -> None:
    """And refused where it is not, with the row; `NA` is a missing one."""
    labels = ["1", "", "2", "NA", "3", "1", "2", "1", "3"]
    assert len(_ingested(tmp_path, labels, "training", unlabelled="drop").parts.train) == 3
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError) as caught:
        _ingested(tmp_path / "other", labels, (0.0, 5.0))
    assert [(one.code, one.row, one.column) for one in caught.value.findings] == [("label_missing", 2, "y"), ("label_missing", 4, "y")]


def test_training_rows_without_any_number_say_no_range(tmp_path: Path) -> None:
    """Where rows without a label are dropped and other parts have all of them."""
    with pytest.raises(DataError, match="Training rows must have a label"):
        _ingested(tmp_path, ["", "", "", "1", "2", "3", "4"], "training", unlabelled="drop")


@pytest.mark.parametrize("bad", ["good", "inf", "1e999", "nan?"])
def test_what_is_no_number_is_an_error_with_its_row(tmp_path: Path, bad: str) -> None:
    """Nothing is written."""
    with pytest.raises(DataError) as caught:
        _ingested(tmp_path, ["1", "2", bad, "3", "1", "2", "1", "3"], "training")
    assert [(one.code, one.row, one.column) for one in caught.value.findings] == [("label_not_a_number", 3, "y")]
    assert not (tmp_path / "out").exists()


def test_many_cells_that_are_no_numbers_are_one_error(tmp_path: Path) -> None:
    """With the values that occur."""
    with pytest.raises(DataError) as caught:
        _ingested(tmp_path, ["good", "bad"] * 20, "training")
    assert [one.code for one in caught.value.findings] == ["label_not_a_number"]
    assert "'good' (20)" in caught.value.findings[0].message


def test_labels_must_differ(tmp_path: Path) -> None:
    """In the table, and in each part."""
    with pytest.raises(DataError) as caught:
        _ingested(tmp_path, ["2"] * 8, (1.0, 5.0))
    assert "all are 2" in caught.value.findings[0].message
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="training rows must differ"):
        _ingested(tmp_path / "b", ["2"] * 4 + ["1", "3", "1", "3"], "training")
    (tmp_path / "c").mkdir()
    with pytest.raises(DataError, match="Different labels must occur in the part 'valid', but all 2 are 0.25"):
        _ingested(tmp_path / "c", ["1", "3", "2", "5", "2", "2", "1", "3"], (1.0, 5.0))


def test_an_inspection_says_what_the_label_is(tmp_path: Path) -> None:
    """Without rates of clicks, and without telling columns; ratings without a setting are told of it."""
    (tmp_path / "x.csv").write_text("y,a\n" + "".join(f"{row % 5}.5,a{row % 7}\n" for row in range(60)), encoding="utf-8")
    report = inspect(DataConfig(path=tmp_path / "x.csv", columns=_columns("training")))
    assert not report.errors
    assert "a number to be predicted" in str(next(one.reason for one in report.profiles if one.column == "y"))
    assert all(part.clicks is None for one in report.profiles for part in one.parts)
    told = inspect(DataConfig(path=tmp_path / "x.csv", columns=SchemaConfig(label="y"))).errors
    assert "label_range = 'training'" in told[0].message


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"label": None}, "Set `label`"),
        ({"positive": ">= 4"}, "`positive` is set"),
        ({"negatives": NegativesConfig()}, "`negatives` is set"),
        ({"negatives_kept": 0.5}, "`negatives_kept` is set"),
        ({"label_range": (5.0, 1.0)}, "a larger one"),
        ({"label_range": (float("nan"), 1.0)}, "finite"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(more: dict[str, object], told: str) -> None:
    """Each with what to change."""
    with pytest.raises(ValidationError, match=told):
        SchemaConfig.model_validate({"label": "y", "label_range": (1.0, 5.0), **more})


def test_a_refresh_keeps_the_range_and_the_parts(tmp_path: Path) -> None:
    """A row that was trained on stays so, told by its ids and its number; one beyond the range is clipped."""
    random = SplitConfig(kind="random", valid_fraction=0.2, test_fraction=0.2)
    rng = np.random.default_rng(0)
    lines = [f"{rng.integers(1, 6)},a{row % 40}\n" for row in range(200)]
    (tmp_path / "x.csv").write_text("y,a\n" + "".join(lines), encoding="utf-8")
    config = LearningConfig(split=random)
    first = DataConfig(path=tmp_path / "x.csv", columns=_columns("training"))
    old = ingest(first, config.encoding, random, 0, tmp_path / "old")
    (tmp_path / "x.csv").write_text("y,a\n" + "".join([*lines, "9,a1\n"]), encoding="utf-8")
    new = ingest_newer(first, Earlier(old, config), tmp_path / "new")
    assert new.schema.label_range == old.schema.label_range == (1.0, 5.0)
    same = [len(getattr(new.parts, name)) - len(getattr(old.parts, name)) for name in ("train", "valid", "test")]
    assert sorted(same) == [0, 0, 1]
    assert "label_clipped" in [one.code for one in new.report.findings]


def test_equal_ids_with_other_numbers_are_other_rows() -> None:
    """Hashes of clicks are those of earlier versions."""
    ids = np.zeros((4, 2), np.int32)
    hashes = hash_ids(ids, np.array([0.0, 1.0, 0.25, 0.5], np.float32))
    assert len(set(hashes.tolist())) == 4


def test_every_row_with_a_number_was_taken() -> None:
    """The least one too, but none that is missing; of clicks, the clicks."""
    labels = np.array([0.0, 0.5, np.nan, 1.0], np.float32)
    numbers = Schema(label="y", fields=FIELDS, label_range=(0.0, 2.0))
    assert taken_rows(labels, numbers).tolist() == [True, True, False, True]
    assert taken_rows(labels, Schema(label="y", fields=FIELDS)).tolist() == [False, True, False, True]


def test_a_range_that_is_not_told_yet_encodes_nothing(tmp_path: Path) -> None:
    """The caller has forgotten to ask the training rows."""
    (tmp_path / "x.csv").write_text("y,a\n1,u\n2,v\n", encoding="utf-8")
    files = read_tables(DataConfig(path=tmp_path / "x.csv", columns=_columns("training")))
    with pytest.raises(ValueError, match="told from training rows"):
        encode_numbers(files.rows["train"], Schema(label="y", fields=FIELDS, label_range="training"))
