"""Compressed files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from ihas.data.sources import check_expansion, opened
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written

CONTENT = b"a,b\n" + b"1,2\n" * 1000


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", CONTENT), ("x.csv.gz", gzip.compress(CONTENT, mtime=0)), ("x.csv.zst", pa.compress(CONTENT, codec="zstd", asbytes=True))],
)
def test_the_suffix_says_how_a_file_is_compressed(tmp_path: Path, name: str, content: bytes) -> None:
    """Plain, gzip and zstd files give the same bytes."""
    with opened(written(tmp_path / name, content)) as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(CONTENT, mtime=0)[:-9], gzip.compress(CONTENT, mtime=0)[:-8] + b"12345678"])
def test_damaged_compression_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    """A file that is no gzip, is cut short, or fails its checksum is refused with the way out."""
    with pytest.raises(DataError, match="Copy or compress it again") as error, opened(written(tmp_path / "x.gz", content)) as stream:
        stream.read()
    assert fault_places(error) == [("unreadable_file", None, None)]


def test_a_path_without_a_file(tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    with pytest.raises(DataError, match="there is none"), opened(tmp_path / "nothing.csv"):
        pass
    with pytest.raises(DataError, match="is a folder"), opened(tmp_path):
        pass


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path, suffix: str) -> None:
    """A hundred million zeros in a small file: at the limit it is taken, one byte below the limit is too little."""
    path = tmp_path / f"bomb.csv.{suffix}"
    with pa.output_stream(str(path), compression="gzip" if suffix == "gz" else "zstd") as stream:
        for _ in range(100):
            stream.write(bytes(10**6))

    assert path.stat().st_size < 10**6
    check_expansion(path, 10**8)
    with pytest.raises(DataError, match="at most 99,999,999 bytes"):
        check_expansion(path, 10**8 - 1)
