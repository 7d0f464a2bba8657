"""Users who walk a circle of items step by step: the next item is known four times in five."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NUM_ITEMS = 30


def walks(users: int = 60, length: int = 10, seed: int = 0) -> list[list[str]]:
    """Item names of each user, oldest first."""
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random((users, length)) < 0.8, 1, rng.integers(2, NUM_ITEMS, (users, length)))
    found = (rng.integers(NUM_ITEMS, size=(users, 1)) + steps.cumsum(axis=1)) % NUM_ITEMS
    return [[f"i{item}" for item in one] for one in found.tolist()]


def write_lines(path: Path) -> Path:
    """A user a line."""
    path.write_text("".join(f"u{user} {' '.join(items)}\n" for user, items in enumerate(walks())))
    return path


def write_table(path: Path) -> Path:
    """An interaction a row, in no order."""
    rows = [f"u{user},{item},{time}" for user, items in enumerate(walks()) for time, item in enumerate(items)]
    order = np.random.default_rng(1).permutation(len(rows))
    path.write_text("\n".join(["who,what,when", *(rows[row] for row in order)]) + "\n")
    return path
