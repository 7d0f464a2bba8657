"""Oracle data: tables whose right gates, right groups and best reachable AUC are known by construction.

A row belongs to tribe t, which the field `tribe` shows. The label of tribe t depends on field `taste_t` alone:

    P(click | row) = sigmoid(sharpness * weight[taste_t]),   weight[v] evenly spaced in [-1, 1]

so a tribe's instances need the dimensions of their own taste and no other. No additive model can tell which taste
counts. The best reachable AUC is that of the true probabilities. Source: our choice, after the checkerboard of
`implicit`'s tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout


@dataclass(frozen=True)
class Oracle:
    """Rows with everything that is known about them.

    Attributes:
        parts: encoded rows.
        tribe: int32, per part in the order train, valid, test. The right group of each row.
        logits: float32, per part. True log-odds of each row.
    """

    parts: Splits
    tribe: tuple[np.ndarray, np.ndarray, np.ndarray]
    logits: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def layout(self) -> FieldLayout:
        """Fields: tribe, taste_0, taste_1, ..., noise."""
        return self.parts.train.layout


def make_tribes(
    rng: np.random.Generator, num_tribes: int, rows: tuple[int, int, int], *, values: int = 20, sharpness: float = 3.0
) -> Oracle:
    """Draw an oracle.

    Args:
        rng: source of every draw.
        num_tribes: right number of groups; with 1 there is one taste and no group is worth forming.
        rows: training, validation and test rows.
        values: values of each taste.
        sharpness: log-odds of the best-liked value.
    """
    names = ("tribe", *(f"taste_{t}" for t in range(num_tribes)), "noise")
    sizes = (num_tribes + 2, *(values + 2 for _ in range(num_tribes)), values + 2)
    layout = FieldLayout(names, sizes, (1,) * len(names))
    weight = np.linspace(-1.0, 1.0, values) * sharpness
    draws = [_draw(rng, layout, num_tribes, count, weight) for count in rows]
    parts = Splits(*(draw[0] for draw in draws))
    return Oracle(parts, (draws[0][1], draws[1][1], draws[2][1]), (draws[0][2], draws[1][2], draws[2][2]))


def _draw(
    rng: np.random.Generator, layout: FieldLayout, num_tribes: int, rows: int, weight: np.ndarray
) -> tuple[Dataset, np.ndarray, np.ndarray]:
    tribe = rng.integers(num_tribes, size=rows)
    tastes = rng.integers(len(weight), size=(rows, num_tribes))
    noise = rng.integers(len(weight), size=rows)
    logits = weight[tastes[np.arange(rows), tribe]].astype(np.float32)
    labels = (rng.random(rows) < 1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
    local = np.column_stack([tribe, tastes, noise]) + 2  # 0 is unknown, 1 is missing
    return Dataset(layout, (local + layout.first_rows).astype(np.int32), labels), tribe.astype(np.int32), logits
