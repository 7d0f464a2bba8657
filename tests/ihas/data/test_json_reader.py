"""JSON lines and their faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.data.json_reader import read_json_lines
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written


def test_absent_keys_are_null_and_times_stay_texts(tmp_path: Path) -> None:
    """Rows may leave keys out, blank lines are no rows, and a text that looks like a time is not rewritten."""
    path = written(tmp_path / "x.jsonl", '{"a": 1, "t": "2013-01-01 00:00:00"}\n\n{"g": ["x", "y"]}\n')
    rows = read_json_lines(path).select(["a", "g", "t"]).to_pylist()
    assert rows == [{"a": 1, "g": None, "t": "2013-01-01 00:00:00"}, {"a": None, "g": ["x", "y"], "t": None}]


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (b"", [("empty_file", None, None)]),
        (b'{"a": 1}\n{"a": \n[1]\n', [("invalid_json", 2, None), ("invalid_json", 3, None)]),
        (b'{"a": 1}\n\n{"a": "x"}\n', [("mixed_types", 2, "a")]),
        (b'{"a": 1, "a": 2}\n', [("duplicate_column", 1, "a")]),
        (b'{"a": "\xff"}\n', [("wrong_encoding", 1, None)]),
    ],
)
def test_faults_have_their_row(content: bytes, places: list[tuple[str, int | None, str | None]], tmp_path: Path) -> None:
    """Every line that is no JSON object, and every cell of another type than those before, is named."""
    with pytest.raises(DataError) as error:
        read_json_lines(written(tmp_path / "x.jsonl", content))
    assert fault_places(error) == places
