"""People click as it is stated, and their tastes turn."""

from __future__ import annotations

import numpy as np

from ihas_service.simulation.population import ITEMS, RARELY, TASTE, TOWNS, Population


def test_clicks_are_as_likely_as_stated() -> None:
    """Over many visits, town by town and item by item, within five standard errors."""
    people = Population(3)
    likely, visits = people.likely(4), people.visits(4, 6_000)
    clicked = people.clicked(4, visits)
    found = np.stack([clicked[visits.towns == town].mean(axis=0) for town in range(TOWNS)])

    assert likely.shape == (TOWNS, ITEMS)
    assert np.abs(found - likely).max() < 5 * 0.5 / np.sqrt(6_000 / TOWNS)


def test_tastes_turn_by_three_to_five_degrees_a_day() -> None:
    """The angle between taste and item, read from the odds, changes by that much; what was liked best is not so a month later."""
    people = Population(1)
    cosines = [(np.log(p / (1 - p)) - RARELY) / TASTE for p in (people.likely(0), people.likely(1), people.likely(30))]
    angles = [np.degrees(np.arccos(np.clip(cosine, -1, 1))) for cosine in cosines[:2]]
    turned = np.median(np.abs(angles[1] - angles[0]), axis=1)
    best = cosines[0].argmax(axis=1)

    assert np.all((turned > 2.9) & (turned < 5.1))
    assert np.all(np.take_along_axis(cosines[2], best[:, None], axis=1) < 0.3)


def test_a_seed_is_the_same_people_on_the_same_days() -> None:
    """Visits, devices and luck; other days and seeds have others."""
    one, again, other_day, other = (Population(seed).visits(day, 30) for seed, day in ((1, 2), (1, 2), (1, 3), (2, 2)))

    assert np.array_equal(one.luck, again.luck)
    assert np.array_equal(one.devices, again.devices)
    assert not np.array_equal(one.luck, other_day.luck)
    assert not np.array_equal(one.luck, other.luck)
    assert np.bincount(one.towns).tolist() == [30 // TOWNS] * TOWNS
