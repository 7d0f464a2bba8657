"""A day of visits: the service ranks, a list is shown, people click by taste, and both are reported as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ihas.errors import TrainingError
from ihas_service.client.batching import AT_ONCE
from ihas_service.client.client import Client
from ihas_service.models.experiments.exploration import explore
from ihas_service.simulation.plan import EXPLORED, MODEL, SHOWN
from ihas_service.simulation.population import DEVICES, ITEMS, Population, Visits


@dataclass(frozen=True)
class Day:
    """What a day came to.

    Attributes:
        shown: items.
        clicked: of them.
        version: that ranked; None for the oracle.
    """

    shown: int
    clicked: int
    version: int | None = None

    @property
    def click_rate(self) -> float:
        """Clicks per item shown."""
        return self.clicked / self.shown


class Traffic:
    """Visits of a population to a service."""

    def __init__(self, population: Population, visits: int, seed: int) -> None:
        self._population, self._visits, self._seed = population, visits, seed

    def served(self, client: Client, day: int, at: float) -> Day:
        """A day on which the service ranks and all that was shown is reported at a time; a fifth of the lists is in random order."""
        visits = self._population.visits(day, self._visits)
        would, rng = self._population.clicked(day, visits), np.random.default_rng([self._seed, 2, day])
        events, versions, clicked = list[dict[str, Any]](), set[int](), 0
        for number in range(len(visits)):
            answer = client.recommend(MODEL, {"context": context_of(visits, number), "k": ITEMS})
            shown = explore([item["id"] for item in answer["items"]], SHOWN, EXPLORED, rng).items
            clicks = [name for name in shown if would[number, number_of(name)]]
            events += _events(answer, shown, clicks, at)
            versions.add(answer["version"])
            clicked += len(clicks)
        _report(client, events)
        return Day(SHOWN * len(visits), clicked, max(versions))

    def best(self, day: int) -> Day:
        """The same visits, each shown the items that are most likely to be clicked."""
        visits = self._population.visits(day, self._visits)
        best = np.argsort(-self._population.likely(day), axis=1)[:, :SHOWN][visits.towns]
        clicked = np.take_along_axis(self._population.clicked(day, visits), best, axis=1)
        return Day(clicked.size, int(clicked.sum()))

    def history(self, days: int, visits: int) -> list[dict[str, Any]]:
        """Rows of days before the first one, on which items were shown at random to so many visitors each."""
        return [row for day in range(-days, 0) for row in self._random_day(day, visits)]

    def _random_day(self, day: int, number_of_visits: int) -> list[dict[str, Any]]:
        visits = self._population.visits(day, number_of_visits)
        would, rng = self._population.clicked(day, visits), np.random.default_rng([self._seed, 2, day + 1_000])
        shown = [rng.permutation(ITEMS)[:SHOWN] for _ in range(len(visits))]
        return [
            {"click": int(would[number, item]), **context_of(visits, number), "film": f"f{item}", "day": day}
            for number, items in enumerate(shown)
            for item in items
        ]


def context_of(visits: Visits, number: int) -> dict[str, str]:
    """What a request says of a visitor."""
    return {"town": f"t{visits.towns[number]}", "device": DEVICES[visits.devices[number]]}


def number_of(item: str) -> int:
    """Number of an item by its id."""
    return int(item.removeprefix("f"))


def _events(answer: Mapping[str, Any], shown: Sequence[str], clicks: Sequence[str], at: float) -> list[dict[str, Any]]:
    deeds = [(name, "impression") for name in shown] + [(name, "click") for name in clicks]
    return [{"recommendation_id": answer["recommendation_id"], "item_id": name, "kind": kind, "at": at} for name, kind in deeds]


def _report(client: Client, events: Sequence[Mapping[str, Any]]) -> None:
    for first in range(0, len(events), AT_ONCE):
        told = client.report_events(events[first : first + AT_ONCE])
        if told["rejected"]:
            raise TrainingError(f"Every event must be accepted, but {told['rejected'][0]} was not.")
