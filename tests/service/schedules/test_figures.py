"""What asks for a run: a table of figures."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas_service.schedules.figures import Figures, asked_by
from ihas_service.storage.schedule_settings import Triggers

ALL = Triggers(new_rows=100, drift_above=0.25, click_through_below=0.05, impressions=1_000)


@pytest.mark.parametrize(
    ("triggers", "found", "told"),
    [
        (ALL, Figures(newer=True), None),
        (ALL, Figures(newer=True, new_rows=99), None),
        (ALL, Figures(newer=True, new_rows=100), "100 new rows (new_rows 100)."),
        (ALL, Figures(newer=False, new_rows=100, drift=(9.0, "town"), served=(5_000, 9.0), impressions=5_000), None),
        (ALL, Figures(newer=True, drift=(0.25, "town")), None),
        (ALL, Figures(newer=True, drift=(0.2501, "town")), "Appended rows drift by 0.250 in 'town' (drift_above 0.25)."),
        (ALL, Figures(newer=True, served=(999, 9.0)), None),
        (ALL, Figures(newer=True, served=(1_000, 0.25)), None),
        (ALL, Figures(newer=True, served=(1_000, 0.3)), "Groups of 1,000 served rows drift by 0.300 (drift_above 0.25)."),
        (ALL, Figures(newer=True, impressions=999, clicks=0), None),
        (ALL, Figures(newer=True, impressions=1_000, clicks=50), None),
        (ALL, Figures(newer=True, impressions=1_000, clicks=49), "49 clicks of 1,000 impressions are 0.0490 (click_through_below 0.05)."),
        (ALL, Figures(newer=True, new_rows=7, drift=(0.1, "town"), impressions=2_000, clicks=0), "0 clicks of 2,000"),
        (Triggers(new_rows=1), Figures(newer=True, new_rows=0, drift=(9.0, "town"), impressions=9_000), None),
        (Triggers(drift_above=1.0), Figures(newer=True, new_rows=10**9, impressions=9_000), None),
        (Triggers(click_through_below=1.0), Figures(newer=True, new_rows=10**9, drift=(9.0, "town")), None),
    ],
)
def test_one_figure_is_enough(triggers: Triggers, found: Figures, told: str | None) -> None:
    """Bounds are as named, `above` and `below` exclude them; without newer rows nothing asks, and too few impressions say nothing."""
    why = asked_by(triggers, found)
    assert why == told or (told is not None and why is not None and why.startswith(told))


@pytest.mark.parametrize("asked", [{}, {"pause_s": 3_600.0}, {"new_rows": 0}, {"new_rows": 1, "pause_s": 599.0}, {"drift_above": 0.0}])
def test_triggers_that_mean_nothing_are_refused(asked: dict[str, float]) -> None:
    """At least one figure, and at least ten minutes between two runs."""
    with pytest.raises(ValidationError):
        Triggers.model_validate(asked)
