"""The users of a table: what describes each, and what each has clicked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ihas.data.item_table import FieldValues


@dataclass(frozen=True)
class UserTable:
    """Users of a table, by name.

    Attributes:
        names: raw user ids, ascending, each once.
        values: what the fields of the user say, by field.
        offsets: int64 (num_users + 1,). User u has clicked `items[offsets[u]:offsets[u + 1]]`.
        items: int32. Positions in the item table, ascending for each user; empty where there is none.
    """

    names: tuple[str, ...]
    values: Mapping[str, FieldValues]
    offsets: np.ndarray
    items: np.ndarray

    def clicked(self, user: int) -> np.ndarray:
        """Items that a user has clicked: int32 (n,)."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]
