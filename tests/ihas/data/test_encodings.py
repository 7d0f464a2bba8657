"""CSV in other encodings than UTF-8."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.data import DataConfig
from ihas.config.file_form import Encoding
from ihas.data import streams
from ihas.data.encodings import in_utf8
from ihas.data.ingest import read_tables
from ihas.data.readers import read
from ihas.data.reading import ReadOptions
from ihas.errors import DataError

WORDS: dict[Encoding, str] = {
    "utf-16": "Ærø 本 🎬",
    "latin-1": "Métropolis",
    "windows-1252": "€ “Métropolis”",
    "windows-1251": "Зеркало",
    "shift_jis": "東京物語",
    "gb18030": "悲情城市",
    "big5": "悲情城市",
    "euc-kr": "살인의 추억",
}


@pytest.mark.parametrize("encoding", WORDS)
def test_texts_are_those_that_were_written(encoding: Encoding, tmp_path: Path) -> None:
    """Header and cells of each encoding."""
    word = WORDS[encoding]
    text = f"{word.split()[0]},label\n" + "".join(f"{word} {row % 3},{row % 2}\n" for row in range(20))
    (tmp_path / "clicks.csv").write_bytes(text.encode(encoding))
    files = read_tables(DataConfig(path=tmp_path / "clicks.csv", encoding=encoding))

    assert files.rows["train"].column(0).to_pylist() == [f"{word} {row % 3}" for row in range(20)]
    assert files.rows["train"].column_names[0] == word.split()[0]


@given(st.text(st.characters(codec="utf-16")), st.integers(1, 7))
def test_characters_may_lie_across_blocks(text: str, block: int) -> None:
    """Any text, read some bytes at a time, comes out in UTF-8."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ihas.data.encodings.BLOCK_BYTES", block)
        found = in_utf8(io.BytesIO(text.encode("utf-16")), "utf-16", Path("x.csv")).read()  # type: ignore[arg-type]

    assert found == text.encode()


@given(st.integers(0, 40), st.integers(1, 9))
def test_a_byte_that_does_not_fit_is_named(before: int, block: int) -> None:
    """Its place in the file, whatever the blocks."""
    stream = in_utf8(io.BytesIO(b"a" * before + b"\x81\x20" + b"a" * 9), "windows-1252", Path("x.csv"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ihas.data.encodings.BLOCK_BYTES", block)
        with pytest.raises(DataError, match=f"byte {before} of the file does not fit"):
            stream.read()


def test_pieces_of_any_length_are_one_stream() -> None:
    """Empty ones too."""
    assert streams.pieced(iter([b"ab", b"", b"c", b""])).read() == b"abc"


@pytest.mark.parametrize("content", [b"film,label\na,1\n", "film,label\na,1\n".encode("utf-16-le")], ids=["UTF-8", "no mark"])
def test_utf_16_begins_with_its_byte_order_mark(tmp_path: Path, content: bytes) -> None:
    """A text that does not is refused by name: which byte of a pair comes first would be a guess."""
    (tmp_path / "films.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"films.csv cannot be read: The text must be utf-16, .* but UTF-16 stream does not start with BOM"):
        read(tmp_path / "films.csv", ReadOptions(encoding="utf-16"))
