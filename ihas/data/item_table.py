"""Every item that can be recommended, encoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ItemTable:
    """Items of the training rows.

    Attributes:
        names: raw item ids, each once.
        ids: int32 (num_items, slots of all item fields). Encoded item fields, in the layout's order.
        popularity: int32 (num_items,). Training rows of each item.
    """

    names: tuple[str, ...]
    ids: np.ndarray
    popularity: np.ndarray
