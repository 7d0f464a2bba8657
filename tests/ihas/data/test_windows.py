"""Windows: the newest rows by a column of times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig, InteractionColumns, SchemaConfig, WindowConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.ingest import ingest, inspect
from ihas.data.readers import read_table
from ihas.data.windows import newest_rows
from ihas.errors import ConfigError, DataError
from ihas.sequential.data.reading import read_sequences
from tests.ihas.data.tables import fault_places, made_table, written


def kept(times: Sequence[Any], days: float) -> list[int]:
    """Rows in the window."""
    return newest_rows(made_table({"at": times}), WindowConfig(days=days, column="at"), None).rows.tolist()


def test_a_window_holds_the_newest_days_in_whatever_order_rows_are() -> None:
    """Two days back from the newest, which is not the last row; a row exactly that far back is out."""
    times = ["2024-03-05", "2024-03-10 12:00:00", "2024-03-08 12:00:00", "2024-03-08 12:00:01", "2024-03-09"]

    assert kept(times, 2.0) == [1, 3, 4]
    assert kept(times, 0.001) == [1]
    assert kept(times, 1_000.0) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_numbers_are_moments_in_whatever_unit(unit: int) -> None:
    """Seconds, milliseconds, microseconds and nanoseconds since 1970 give the same window."""
    first = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())

    assert kept([(first + day * 86_400) * unit for day in range(10)], 3.0) == [7, 8, 9]


def test_zones_are_compared_in_utc() -> None:
    """Noon in Kiribati is the evening before in UTC."""
    assert kept(["2024-03-10T12:00:00+14:00", "2024-03-09T23:00:00+00:00"], 1 / 24) == [1]


def test_cells_that_are_no_time_are_refused_with_their_rows() -> None:
    """A text, and an empty cell."""
    with pytest.raises(DataError) as refused:
        kept(["2024-03-10", "soon", None], 1.0)

    assert sorted(fault_places(refused), key=str) == [("not_a_time", 2, "at"), ("not_a_time", 3, "at")]


def test_numbers_that_are_no_moments_are_refused() -> None:
    """Digits such as 20240310 order rows, but say no length of time."""
    with pytest.raises(DataError, match="number since 1970"):
        kept([20240301 + day for day in range(20)], 1.0)


def test_a_window_needs_a_column() -> None:
    """One that is stated, that exists, and that holds single values."""
    table = made_table({"when": ["2024-03-10"], "tags": [["a"]]})
    for window, time, words in (
        (WindowConfig(days=1), None, "none is stated"),
        (WindowConfig(days=1, column="wen"), None, "got 'wen'.*when"),
        (WindowConfig(days=1), "tags", "holds lists"),
    ):
        with pytest.raises(ConfigError, match=words):
            newest_rows(table, window, time)
    assert newest_rows(table, WindowConfig(days=1), "when").rows.tolist() == [0]


def test_a_window_of_a_table_beyond_memory_is_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells are those of the whole table's rows; lists too."""
    lines = "".join(f'{{"at": "2024-03-{day:02d}", "u": "u{day}", "tags": ["t{day}", "x"]}}\n' for day in range(1, 31) for _ in range(20))
    path = written(tmp_path / "a.jsonl", lines)
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 500)
    whole = read_table(path)
    window = newest_rows(whole, WindowConfig(days=7, column="at"), None)

    assert window.table.to_pydict() == whole.take(window.rows).to_pydict()
    assert len(window.rows) == 140


def test_a_run_sees_the_window_only_and_a_report_counts_rows_of_the_file(tmp_path: Path) -> None:
    """Values from before it are unknown to the encoder; a fault in it is told with its row in the file."""
    rows = [f"{row % 2},{'old' if row < 60 else f'new{row % 3}'},2024-{3 if row < 60 else 4:02d}-{row % 28 + 1:02d}" for row in range(120)]
    path = written(tmp_path / "a.csv", "\n".join(["click,item,at", *rows]) + "\n")
    data = DataConfig(path=path, columns=SchemaConfig(time="at"), window=WindowConfig(days=28))
    found = ingest(data, EncodingConfig(min_count=1), SplitConfig(), 0, tmp_path / "encoded")

    assert sum(len(part) for part in (found.parts.train, found.parts.valid, found.parts.test)) == 60
    assert "old" not in found.encoder.to_json()
    path.write_text(path.read_text().replace("1,new2,", "2,new2,", 1))
    fault = inspect(data).errors[0]
    assert fault.row is not None
    assert path.read_text().splitlines()[fault.row].startswith("2,new2,")


def test_a_window_of_interactions_cuts_sequences(tmp_path: Path) -> None:
    """By their time, or by another column; lines of users have no times."""
    rows = [f"u{day % 2},i{day},2024-03-{day:02d},2024-03-{31 - day:02d}" for day in range(1, 11)]
    path = written(tmp_path / "a.csv", "\n".join(["user,item,time,other", *rows]) + "\n")
    data = DataConfig(path=path, interactions=InteractionColumns(), window=WindowConfig(days=3))
    by_other = data.model_copy(update={"window": WindowConfig(days=3, column="other")})

    assert sorted(read_sequences(data).items) == ["i10", "i8", "i9"]
    assert sorted(read_sequences(by_other).items) == ["i1", "i2", "i3"]
    with pytest.raises(ConfigError, match="needs a column of times"):
        read_sequences(DataConfig(path=path, format="sequences", window=WindowConfig(days=3)))


def test_lines_of_users_in_several_files_follow_each_other(tmp_path: Path) -> None:
    """A user of both files has one sequence, the first file's items first."""
    first, second = written(tmp_path / "a.txt", "ann a b\nbob c\n"), written(tmp_path / "b.txt", "bob a d\ncat e\n")
    found = read_sequences(DataConfig(path=first, appended=(second,), format="sequences"))
    named = {user: [found.items[item] for item in items] for user, items in zip(found.users, found.sequences, strict=True)}

    assert named == {"ann": ["a", "b"], "bob": ["c", "a", "d"], "cat": ["e"]}
    assert np.all(found.sequences.lengths == [2, 3, 1])
