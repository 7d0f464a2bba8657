"""A number for each different cell of a column, whatever it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.columns import is_list, joined_codes, list_column, text_column
from ihas.data.number_lists import cell_hashes, holds_numbers


def cell_codes(table: pa.Table, name: str) -> np.ndarray:
    """A code per different cell of a column, -1 where the cell is missing: int32 (rows,). Lists of numbers are told by a 64-bit hash."""
    if not is_list(table, name):
        return text_column(table, name).codes
    if holds_numbers(table, name):
        hashes = cell_hashes(table, name)
        codes = np.unique(hashes, return_inverse=True)[1].astype(np.int32)
        return np.where(hashes > 0, codes, -1).astype(np.int32)
    joined: Any = pc.binary_join(table.column(name), "\0")
    codes = joined_codes([chunk.indices for chunk in joined.dictionary_encode().chunks])
    return np.where(list_column(table, name).lengths > 0, codes, -1).astype(np.int32)
