"""Who each row is about, beyond what ids say: the user and the item, by their places in the tables of users and items."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.columns import text_column
from ihas.data.mapped import load_mapped


@dataclass(frozen=True)
class RowKeys:
    """Users and items of the rows of a part.

    Attributes:
        users: int64 (rows,). A number per user; those of the user table come first, in its order. -1 is a missing user.
        items: int64 (rows,). Position in the item table, -1 for none of it.
    """

    users: np.ndarray
    items: np.ndarray

    def save(self, folder: Path) -> None:
        """Write `users.npy` and `items.npy`."""
        np.save(folder / "users.npy", self.users.astype(np.int32), allow_pickle=False)
        np.save(folder / "items.npy", self.items.astype(np.int32), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> RowKeys | None:
        """What was written; None where nothing was."""
        if not (folder / "users.npy").exists():
            return None
        return cls(load_mapped(folder / "users.npy"), load_mapped(folder / "items.npy"))


class Positions:
    """Places of texts among known ones; further texts get the next places, in the order in which they are met."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self._texts: pa.StringArray = pa.array(known, pa.string())

    def of(self, table: pa.Table, name: str, rows: np.ndarray, *, adding: bool) -> np.ndarray:
        """Place of the text of each row, int64 (n,): -1 where the cell is missing or, unless they are added, the text is not known."""
        column = text_column(table, name)
        texts = column.texts
        if adding:
            fresh = texts.filter(pc.invert(pc.is_in(texts, self._texts)))
            self._texts = pa.concat_arrays([self._texts, fresh])
        known: Any = pc.index_in(texts, self._texts)
        places = np.append(np.asarray(pc.fill_null(known, -1), np.int64), -1)  # the last place is that of code -1
        return np.asarray(places[column.codes[rows]])
