"""What a Parquet file decodes to is told without decoding it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.data import parquet_expansion
from ihas.data.parquet_expansion import check_parquet_expansion
from ihas.data.readers import read
from ihas.data.reading import ReadOptions
from ihas.errors import DataError
from tests.ihas.data.tables import BOMB_TEXT, write_bomb

ROWS = 2_000


@pytest.mark.parametrize("kind", ["list", "large list", "struct", "binary"])
def test_a_value_counts_as_often_as_it_stands(kind: str, tmp_path: Path) -> None:
    """One text of a million letters in 2,000 cells, in a file of some kilobytes: exactly what the cells hold, and 8 bytes of each label,
    and at least 4 of each code, is the least limit that lets it pass."""
    path = tmp_path / "bomb.parquet"
    write_bomb(path, ROWS, kind)
    holds = ROWS * (BOMB_TEXT + 8 + 4)

    assert path.stat().st_size < 100_000
    check_parquet_expansion(path, holds)
    with pytest.raises(DataError, match="Decoded it must have at most"):
        check_parquet_expansion(path, holds - 1)


def test_numbers_count_by_their_width(tmp_path: Path) -> None:
    """A million equal ones take no room in the file."""
    path = tmp_path / "zeros.parquet"
    pq.write_table(pa.table({"click": pa.array([0] * 10**6, pa.int64())}), path)

    check_parquet_expansion(path, 8 * 10**6)
    with pytest.raises(DataError, match="Decoded it must have at most"):
        check_parquet_expansion(path, 8 * 10**6 - 1)


def test_texts_that_stay_a_dictionary_take_their_codes(tmp_path: Path) -> None:
    """A column of texts is read as codes and one copy of each text, however long that is."""
    path = tmp_path / "texts.parquet"
    write_bomb(path, ROWS, "text")
    check_parquet_expansion(path, ROWS * 12)


def test_what_is_no_parquet_passes(tmp_path: Path) -> None:
    """Its reader says what is wrong."""
    path = tmp_path / "no.parquet"
    path.write_bytes(b"PAR1 but no more")
    check_parquet_expansion(path, 1)


@pytest.mark.parametrize("names", [["click", "user.id", "user"], ["click", "user", "user"], ["click", "a.b", "a.b.c"]])
def test_any_name_of_a_column_is_counted(names: list[str], tmp_path: Path) -> None:
    """A name with a dot is no place in a structure, and one that occurs twice is told by the reader."""
    path = tmp_path / "names.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([0, 1], pa.int64()), pa.array(["a", "b"]), pa.array(["c", "d"])], names=names), path)

    check_parquet_expansion(path, 2 * 8 + 2 * 2 * 4)
    with pytest.raises(DataError, match="Decoded it must have at most"):
        check_parquet_expansion(path, 2 * 8 + 2 * 2 * 4 - 1)


def test_columns_of_structures_are_told_from_texts(tmp_path: Path) -> None:
    """A text behind lists, maps and structures is counted as those in a structure are, not as a dictionary's."""
    path = tmp_path / "nested.parquet"
    nested = pa.array([[{"a": 1, "m": [("k", "v")]}]], pa.list_(pa.struct({"a": pa.int64(), "m": pa.map_(pa.string(), pa.string())})))
    pq.write_table(pa.table({"nested": nested, "text": ["x"], "click": pa.array([1], pa.int64())}), path)

    check_parquet_expansion(path, 10**3)
    with pytest.raises(DataError, match="Decoded it must have at most"):
        check_parquet_expansion(path, 8)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_parquet_in_a_compression_is_counted_too(suffix: str, tmp_path: Path) -> None:
    """The limit holds for what the file decodes to, in whatever it is wrapped."""
    write_bomb(tmp_path / "bomb.parquet", ROWS, "binary")
    path = tmp_path / f"bomb.parquet{suffix}"
    with pa.CompressedOutputStream(str(path), "gzip" if suffix == ".gz" else "zstd") as out:
        out.write((tmp_path / "bomb.parquet").read_bytes())
    holds = ROWS * (BOMB_TEXT + 8 + 4)

    check_parquet_expansion(path, holds)
    with pytest.raises(DataError, match="Decoded it must have at most"):
        check_parquet_expansion(path, holds - 1)


def test_parquet_in_a_compression_is_unpacked_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is parsed, by the check and by the reader; the way out is to send it as it is."""
    monkeypatch.setattr(parquet_expansion, "MAX_WRAPPED_BYTES", 1_000)
    path = tmp_path / "zeros.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1" + bytes(1_000)))
    for work in (lambda: check_parquet_expansion(path, 10**9), lambda: read(path, ReadOptions())):
        with pytest.raises(DataError, match=r"at most 1,000 bytes, but it has more\. Send it as it is"):
            work()
