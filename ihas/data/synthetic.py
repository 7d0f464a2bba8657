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


@dataclass(frozen=True)
class Pairs:
    """Rows of which only the pair of user and item tells anything.

    Attributes:
        parts: encoded rows.
        logits: float32, per part in the order train, valid, test. True log-odds of each row; their AUC is the best reachable.
    """

    parts: Splits
    logits: tuple[np.ndarray, np.ndarray, np.ndarray]


def make_pairs(
    rng: np.random.Generator,
    users: int,
    items: int,
    rows: tuple[int, int, int],
    *,
    rank: int = 2,
    sharpness: float = 3.0,
    noise: int = 2,
    values: int = 20,
) -> Pairs:
    """Draw a table without main effects: every user, every item and every other value has a click rate of 1/2 by itself.

        P(click | user, item) = sigmoid(sharpness / sqrt(rank) * <u_user, v_item>),   u_{i + users / 2} = -u_i, u and v normal draws

    Args:
        rng: source of every draw.
        users, items: even numbers.
        rows: training, validation and test rows; users and items are drawn evenly.
        rank: dimensions of tastes.
        sharpness: deviation of the log-odds.
        noise: further fields, of `values` values each, that say nothing.
        values: of these.
    """
    names = ("user", "item", *(f"noise_{n}" for n in range(noise)))
    counts = (users, items, *(values for _ in range(noise)))
    layout = FieldLayout(names, tuple(count + 2 for count in counts), (1,) * len(names))
    tastes = [_balanced(rng, count, rank) for count in (users, items)]
    scale = sharpness / np.sqrt(rank)
    draws = [_draw_pairs(rng, layout, count, (tastes[0], tastes[1] * scale)) for count in rows]
    return Pairs(Splits(*(draw[0] for draw in draws)), (draws[0][1], draws[1][1], draws[2][1]))


def _balanced(rng: np.random.Generator, count: int, rank: int) -> np.ndarray:
    half = rng.normal(size=(count // 2, rank))
    return np.concatenate([half, -half])


def _draw_pairs(
    rng: np.random.Generator, layout: FieldLayout, rows: int, tastes: tuple[np.ndarray, np.ndarray]
) -> tuple[Dataset, np.ndarray]:
    local = rng.integers(np.array(layout.vocabulary_sizes) - 2, size=(rows, layout.num_fields))
    logits = (tastes[0][local[:, 0]] * tastes[1][local[:, 1]]).sum(axis=1).astype(np.float32)
    labels = (rng.random(rows) < 1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
    return Dataset(layout, (local + 2 + layout.first_rows).astype(np.int32), labels), logits
