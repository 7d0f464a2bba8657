"""A run keeps its newest test rows as they were given, so that a model of other vocabularies can score them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import newest
from ihas.data.ingest import ingest
from ihas.data.newest import load_newest
from tests.ihas.data.tables import written

pytestmark = pytest.mark.full


def table(folder: Path, rows: int = 40) -> DataConfig:
    """Clicks of users with tags, one an hour; every seventh has no tags."""
    lines = [f"{n % 2},user-{n},{'' if n % 7 == 0 else 'x|y'},{n * 3600}" for n in range(rows)]
    path = written(folder / "clicks.csv", "\n".join(["click,user,tags,time", *lines]) + "\n")
    return DataConfig(path=path, columns=SchemaConfig(label="click", time="time", multivalued={"tags": "|"}))


def test_the_newest_test_rows_are_kept_as_a_request_states_them(tmp_path: Path) -> None:
    """With their labels, in the order of the table; values that no training row had are there, and missing ones are left out."""
    ingest(table(tmp_path), EncodingConfig(), SplitConfig(kind="time", test_fraction=0.2), 0, tmp_path / "out")
    found = load_newest(tmp_path / "out")
    assert found is not None

    assert [row["user"] for row in found.rows] == [f"user-{n}" for n in range(32, 40)]
    assert [row.get("tags") for row in found.rows] == ["x|y"] * 3 + [None] + ["x|y"] * 4
    assert found.labels.tolist() == [0.0, 1.0] * 4
    assert all("click" not in row and "time" not in row for row in found.rows)


def test_a_row_states_a_moment_and_not_its_parts(tmp_path: Path) -> None:
    """Another model may read other parts of it, in another time zone."""
    lines = [f"{n % 2},user-{n},2023-01-{n % 28 + 1:02}T{n % 24:02}:00:00" for n in range(60)]
    path = written(tmp_path / "clicks.csv", "\n".join(["click,user,seen", *lines]) + "\n")
    ingest(DataConfig(path=path, columns=SchemaConfig(label="click")), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    found = load_newest(tmp_path / "out")
    assert found is not None

    assert {tuple(row) for row in found.rows} == {("user", "seen")}
    assert all(f"2023-01-{int(row['user'][5:]) % 28 + 1:02}T" in row["seen"] for row in found.rows)


@pytest.mark.parametrize("time", [True, False])
def test_of_many_rows_the_newest_are_kept(time: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the column of the time, whatever the order of the table; else spread over the test rows, the first and the last among them."""
    monkeypatch.setattr(newest, "MAX_NEWEST", 3)
    data = table(tmp_path)
    if not time:
        data = data.model_copy(update={"columns": SchemaConfig(label="click", ignored=("time",), multivalued={"tags": "|"})})
    split = SplitConfig(kind="time", test_fraction=0.2) if time else SplitConfig(test_fraction=0.1)
    made = ingest(data, EncodingConfig(), split, 0, tmp_path / "out")
    found = load_newest(tmp_path / "out")
    assert found is not None

    assert len(found.rows) == len(found.labels) == 3
    if time:
        assert [row["user"] for row in found.rows] == [f"user-{n}" for n in (37, 38, 39)]
    else:
        assert np.array_equal(found.labels, np.asarray(made.parts.test.labels)[[0, 1, 3]])


def test_the_folder_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    """It is read all the same."""
    assert load_newest(tmp_path) is None
