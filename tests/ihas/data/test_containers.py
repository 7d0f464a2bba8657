"""Compressed files, recognised by what is in them."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.data import sources
from ihas.data.readers import read_table
from ihas.data.sources import check_expansion, opened
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written

CSV = b"click,user\n1,a\n0,b\n"
ROWS = [{"click": "1", "user": "a"}, {"click": "0", "user": "b"}]


def _zip(path: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: pa.compress(content, "zstd", asbytes=True)])
def test_the_first_bytes_say_what_a_name_does_not(tmp_path: Path, pack: object) -> None:
    """A download that lost its last suffix is read as it is."""
    packed = pack(CSV)  # type: ignore[operator]
    assert read_table(written(tmp_path / "x.csv", packed)).to_pylist() == ROWS
    assert read_table(written(tmp_path / "u.data", packed), "csv").to_pylist() == ROWS


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_archive_of_one_file_is_that_file(tmp_path: Path, kind: int) -> None:
    """Its name within says the format; what a file manager adds does not count."""
    beside = {"__MACOSX/._x.csv": b"junk", ".DS_Store": b"junk", "logs/": b""}
    assert read_table(_zip(tmp_path / "x.zip", beside | {"logs/x.csv": CSV}, kind)).to_pylist() == ROWS
    buffer = io.BytesIO()
    pq.write_table(pa.table({"click": [1, 0], "user": ["a", "b"]}), buffer)
    assert read_table(_zip(tmp_path / "y.zip", {"x.parquet": buffer.getvalue()}, kind)).to_pylist() == ROWS
    assert (
        read_table(_zip(tmp_path / "z.zip", {"x.jsonl": b'{"click": 1, "user": "a"}\n{"click": 0, "user": "b"}\n'}, kind)).to_pylist()
        == ROWS
    )


def test_an_archive_of_several_files_or_none_names_them(tmp_path: Path) -> None:
    """With the way out; an Excel workbook, which is an archive too, is told as such, and an encrypted one."""
    with pytest.raises(DataError, match=r"must hold one file, but holds 2: a.csv, b.csv. Unpack it into a folder"):
        read_table(_zip(tmp_path / "x.zip", {"a.csv": CSV, "b.csv": CSV}))
    with pytest.raises(DataError, match="holds 0: none"):
        read_table(_zip(tmp_path / "y.zip", {"a/": b""}))
    with pytest.raises(DataError, match="Save the sheet as CSV") as error:
        read_table(_zip(tmp_path / "z.xlsx", {"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}), "csv")
    assert fault_places(error) == [("other_format", None, None)]
    path = _zip(tmp_path / "e.zip", {"a.csv": CSV}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="must not be encrypted"):
        read_table(written(tmp_path / "f.zip", bytes(content)))


def test_a_damaged_archive_is_a_data_error(tmp_path: Path) -> None:
    """Cut short, or with a content that fails its checksum."""
    whole = _zip(tmp_path / "x.zip", {"a.csv": CSV * 999}, zipfile.ZIP_STORED).read_bytes()
    with pytest.raises(DataError, match="intact zip archive"):
        read_table(written(tmp_path / "y.zip", whole[:-30]))
    changed = bytearray(whole)
    changed[400] ^= 1
    with pytest.raises(DataError, match="intact zip archive"), opened(written(tmp_path / "z.zip", bytes(changed))) as stream:
        stream.read()


@pytest.mark.parametrize("kind", ["zip", "zst"])
def test_what_unpacks_far_beyond_its_size_is_refused_while_it_is_read(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit of the service's too; where there is one, the file is unpacked as far as that before anything is made of it."""
    zeros = bytes(10**7)
    path = (
        _zip(tmp_path / "x.zip", {"a.csv": zeros})
        if kind == "zip"
        else written(tmp_path / "x.zst", pa.compress(zeros, "zstd", asbytes=True))
    )
    with pytest.raises(DataError, match="at most 9,999,999 bytes"):
        check_expansion(path, 10**7 - 1)
    check_expansion(path, 10**7)
    monkeypatch.setattr(sources, "MIN_BOUND", 10**6)
    monkeypatch.setattr(sources, "MAX_RATIO", 10)
    with opened(path) as stream, pytest.raises(DataError, match="far more than any table of its size") as error:
        list(iter(lambda: stream.read(2**20), b""))
    assert fault_places(error) == [("too_large_unpacked", None, None)]
