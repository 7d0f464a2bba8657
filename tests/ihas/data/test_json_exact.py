"""JSON lines to the last digit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data import json_reader
from ihas.data.cells import cell_text
from ihas.data.json_exact import read_exactly
from ihas.data.json_reader import read_json_lines
from ihas.data.readers import read, read_table
from ihas.data.reading import ReadOptions
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written


@pytest.mark.parametrize("first", [2**53 - 5, 2**63 - 5, 2**64 - 600, 10**25])
def test_ids_of_any_length_stay_distinct(first: int, tmp_path: Path) -> None:
    """Fifty users with neighbouring ids are fifty users, though one id of the column has a fraction."""
    ids = [*range(first, first + 50)]
    path = written(tmp_path / "x.jsonl", "".join(f'{{"user": {user}}}\n' for user in [1.5, *ids]))
    assert [row["user"] for row in read_table(path).to_pylist()] == ["1.5", *map(str, ids)]


def test_long_ids_in_lists_stay_distinct(tmp_path: Path) -> None:
    """Values within a list keep their digits as single ones do; rows without the key stay empty."""
    path = written(tmp_path / "x.jsonl", f'{{"a": 1, "h": [{2**63}, {2**63 + 1}]}}\n{{"a": 2}}\n{{"a": 3, "h": [1.5]}}\n')
    assert [row["h"] for row in read_table(path).to_pylist()] == [[str(2**63), str(2**63 + 1)], [], ["1.5"]]


@given(values=st.lists(st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=8))
def test_numbers_are_read_as_a_request_states_them(values: list[float | None], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever numbers a column mixes, each cell has the text that the same number has in a request."""
    path = written(tmp_path_factory.getbasetemp() / "numbers.jsonl", "".join(json.dumps({"a": value, "b": 1}) + "\n" for value in values))
    assert [row["a"] for row in read_table(path).to_pylist()] == [cell_text(value) for value in values]


@pytest.mark.parametrize("content", ['{"a": [1.0, "x"]}\n', '{"a": NaN}\n{"a": 2}\n', '{"a": 1e400}\n{"a": -0}\n'])
def test_what_pyarrow_refuses_is_read_if_it_has_a_text(content: str, tmp_path: Path) -> None:
    """Mixed lists, the NaN that Python writes and numbers beyond floats stop nothing."""
    assert read_json_lines(written(tmp_path / "x.jsonl", content)).num_rows == content.count("\n")


@pytest.mark.parametrize("block", [1 << 24, 40])
def test_columns_of_nulls_and_empty_lists_are_missing(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Null and empty lists alone are missing cells, in a file of one block as of many; so are they before the first list."""
    monkeypatch.setattr(json_reader, "_BLOCK_BYTES", block)
    empty = written(tmp_path / "x.jsonl", '{"n": null, "tags": [], "y": 1}\n' * 6)
    assert read_table(empty).to_pylist() == [{"n": None, "tags": [], "y": "1"}] * 6
    later = written(tmp_path / "y.jsonl", '{"tags": null, "y": 1}\n' * 6 + '{"tags": ["2013-01-01"], "y": 2}\n')
    assert read_table(later).to_pylist()[-2:] == [{"tags": [], "y": "1"}, {"tags": ["2013-01-01"], "y": "2"}]


def test_texts_in_lists_that_look_like_times_stay(tmp_path: Path) -> None:
    """A day in a list is not rewritten as a moment."""
    assert read_table(written(tmp_path / "x.jsonl", '{"days": ["2013-01-01"]}\n')).to_pylist() == [{"days": ["2013-01-01"]}]


@pytest.mark.parametrize(
    ("line", "places"),
    [
        (b'{"a": "\\ud800"}', [("wrong_encoding", 1, "a")]),
        (b'{"a": [[1]]}', [("unsupported_type", 1, "a")]),
        (b"[" * 100_000, [("invalid_json", 1, None)]),
        (b'{"a": "\xff"}', [("wrong_encoding", 1, None)]),
    ],
)
def test_faults_are_named(line: bytes, places: list[tuple[str, int | None, str | None]], tmp_path: Path) -> None:
    """Half surrogates, lists of lists, brackets without end and other bytes than UTF-8's are errors at their row."""
    with pytest.raises(DataError) as error:
        read_exactly(written(tmp_path / "x.jsonl", line + b"\n"), ReadOptions())
    assert fault_places(error) == places


@pytest.mark.parametrize(
    "second", ['{"a": 2, "raw": "text"}', '{"a": 2, "raw": {"b": 1}}', '{"a": 2, "raw": 1, "raw": 2}', '{"a": 2, "raw": "\udcff"}']
)
def test_an_ignored_column_refuses_nothing(second: str, tmp_path: Path) -> None:
    """Mixed types, objects, repeated keys and bytes that are no UTF-8 are no fault where the column is ignored or not wanted."""
    content = ('{"a": 1, "raw": 5}\n' + second + "\n").encode("utf-8", errors="surrogateescape")
    path = written(tmp_path / "x.jsonl", content)
    with pytest.raises(DataError):
        read(path, ReadOptions())
    assert [row["a"] for row in read(path, ReadOptions(ignored={"raw"})).rows.to_pylist()] == ["1", "2"]
    assert read(path, ReadOptions(only={"a"})).rows.to_pylist() == [{"a": "1"}, {"a": "2"}]
