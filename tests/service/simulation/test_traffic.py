"""What the oracle shows is the best that can be shown."""

from __future__ import annotations

import numpy as np

from ihas_service.simulation.plan import SHOWN
from ihas_service.simulation.population import Population
from ihas_service.simulation.traffic import Traffic

VISITS = 3_000
ERROR = 5 * 0.5 / (VISITS * SHOWN) ** 0.5
"""Five standard errors of a share at most."""


def test_the_oracle_shows_what_is_most_likely_clicked() -> None:
    """Its click rate is the mean of each town's highest probabilities; that of random lists is the mean of all."""
    people = Population(0)
    traffic, best = Traffic(people, VISITS, 0), np.sort(people.likely(5), axis=1)[:, -SHOWN:].mean()
    day, rows = traffic.best(5), traffic.history(1, VISITS)

    assert day.shown == len(rows) == VISITS * SHOWN
    assert abs(day.click_rate - best) < ERROR
    assert abs(sum(row["click"] for row in rows) / len(rows) - people.likely(-1).mean()) < ERROR
