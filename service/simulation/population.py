"""People of six towns, each with a taste that turns day by day; how likely a click is is known.

    P(click | town t, item i, day d) = sigmoid(-2.5 + 1.8 cos(a_t + s_t d - b_i))

a_t: where the taste of town t begins, s_t: how fast and which way it turns, b_i: the place of item i on the same circle. Source: our
choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.metrics import sigmoid

TOWNS, ITEMS, DEVICES = 6, 24, ("phone", "tablet", "desk")
RARELY, TASTE = -2.5, 1.8
DEGREES_A_DAY = (3.0, 5.0)
"""Between these a town's taste turns, either way."""


@dataclass(frozen=True)
class Visits:
    """Visits of one day, in order.

    Attributes:
        towns: int64 (visits,); as many of each town, in turn.
        devices: int64 (visits,); say nothing about tastes.
        luck: float64 (visits, items), uniform in [0, 1): a visitor who is shown an item clicks if the click is more likely than that. The
            same whatever is shown, so that rankings are compared on the same luck.
    """

    towns: np.ndarray
    devices: np.ndarray
    luck: np.ndarray

    def __len__(self) -> int:
        """How many."""
        return len(self.towns)


class Population:
    """People of a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rng = np.random.default_rng([seed, 0])
        self._tastes = (rng.permutation(TOWNS) + rng.uniform(-0.3, 0.3, TOWNS)) * 2 * np.pi / TOWNS
        self._speeds = np.radians(rng.uniform(*DEGREES_A_DAY, TOWNS)) * rng.choice([-1.0, 1.0], TOWNS)
        self._items = rng.permutation(ITEMS) * 2 * np.pi / ITEMS

    def likely(self, day: float) -> np.ndarray:
        """How likely clicks are on a day: float64 (towns, items)."""
        turned = self._tastes + self._speeds * day
        return np.asarray(sigmoid(RARELY + TASTE * np.cos(turned[:, None] - self._items[None, :])))

    def visits(self, day: int, number: int) -> Visits:
        """Visits of a day; days before the first one have negative numbers."""
        rng = np.random.default_rng([self._seed, 1, day + 1_000])
        return Visits(np.arange(number) % TOWNS, rng.integers(0, len(DEVICES), number), rng.random((number, ITEMS)))

    def clicked(self, day: int, visits: Visits) -> np.ndarray:
        """Who would click what, were it shown: bool (visits, items)."""
        return np.asarray(visits.luck < self.likely(day)[visits.towns])
