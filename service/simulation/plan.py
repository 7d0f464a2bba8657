"""What is simulated, when what goes wrong, and with which settings models learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

DAY_S = 86_400.0
MONDAY = 1_767_571_200.0
"""The first simulated day begins: Monday, 5 January 2026, UTC."""
Arm = Literal["never", "weekly", "daily"]
CRON: dict[Arm, str | None] = {"never": None, "weekly": "0 3 * * 1", "daily": "0 3 * * *"}
MODEL, SHOWN, EXPLORED = "films", 5, 0.2
HISTORY_DAYS, HISTORY_VISITS = 7, 600
"""What the first search reads: a week before the first day, with items shown at random."""
WINDOW_DAYS = 7
LIMITS = {"click_rate": 2.0, "drift": 1.0, "missing": 0.2}
COLUMNS: dict[str, Any] = {"label": "click", "item_id": "film", "item": ["film"], "user": ["town", "device"], "time": "at"}
LEARNING: dict[str, Any] = {
    "training": {"embedding_dim": 4, "batch_size": 128, "learning_rate": 0.02, "embedding_l2": 1e-4, "epochs": 6},
    "members": {"counts": [], "larger": []},
    "distil": {"members": 0},
    "search": {"epochs": 1},
    "cluster": {"num_groups": [2], "on": ["masked"], "thresholds": [0.5]},
    "retrain": {"epochs": 1},
    "retrieval": {"when": "never"},
    "split": {"kind": "time", "valid_fraction": 0.14, "test_fraction": 0.14},
}
GATES = {"auc_tolerance": 0.05, "calibration_low": 0.6, "calibration_high": 1.6, "calibration_error": 0.15, "latency_ratio": 10.0}
"""Test rows are 1,500, of one day; click rates move by a quarter within a week, as tastes drift and models follow; and what else runs on
the machine disturbs the latency."""
REFRESH = {"epochs": 6, "shrink": 0.5}


@dataclass(frozen=True)
class Plan:
    """A simulation.

    Attributes:
        days: how many.
        seed: of people, their visits and their luck.
        arms: how often the model is refreshed.
        visits: a day.
        bad_day: on which every item shown is counted as clicked.
        bug_week: in which the nightly append stands still from Monday to Saturday; on Sunday night the rows of all days are appended, those
            until Saturday with the next town's number. Counted from 0.
    """

    days: int = 30
    seed: int = 0
    arms: tuple[Arm, ...] = ("never", "weekly", "daily")
    visits: int = 300
    bad_day: int = 10
    bug_week: int = 2

    @property
    def silent_days(self) -> range:
        """Days whose rows are appended late, and wrong."""
        return range(7 * self.bug_week, 7 * self.bug_week + 6)


def moment(day: int, hour: float) -> float:
    """Seconds since 1970 of an hour of a simulated day."""
    return MONDAY + day * DAY_S + hour * 3_600.0
