"""What a Parquet file decodes to is told without decoding it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.data.parquet_expansion import check_parquet_expansion
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
