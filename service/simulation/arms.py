"""Arms: the same model and visits, refreshed never, weekly or daily by the service's own schedule."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ihas.errors import TrainingError
from ihas_service.client.client import Client
from ihas_service.client.transfer import POLL_S, check_time
from ihas_service.simulation.clock import ClockFile
from ihas_service.simulation.feeding import Feeding, Night
from ihas_service.simulation.plan import (
    COLUMNS,
    CRON,
    GATES,
    HISTORY_DAYS,
    HISTORY_VISITS,
    LEARNING,
    LIMITS,
    MODEL,
    REFRESH,
    WINDOW_DAYS,
    Arm,
    Plan,
    moment,
)
from ihas_service.simulation.processes import running
from ihas_service.simulation.traffic import Day, Traffic

NOON, NIGHT, DUE = 12.0, 26.0, 27.01
"""Hours of a day at which people come, rows are appended, and the schedule was due a moment ago; the last two lie in the night after it."""
CLICKED_AFTER_S = 60.0
WITHIN_S = 1_800.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Version:
    """What a refresh came to.

    Attributes:
        day: in whose night it was made.
        version: its number.
        promoted: whether it serves since.
        said: what the job said at last; names the gates that it failed.
    """

    day: int
    version: int
    promoted: bool
    said: str


@dataclass
class Course:
    """The days of an arm, its nights, and the versions that were made."""

    days: list[Day] = field(default_factory=list)
    nights: list[Night] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)

    @property
    def serving(self) -> int:
        """The version that must serve by now."""
        return max((one.version for one in self.versions if one.promoted), default=1)


class Arms:
    """Carries arms out, each on a service of its own, which begins as a copy of one that has searched."""

    def __init__(self, plan: Plan, traffic: Traffic, folder: Path, say: Say) -> None:
        self._plan, self._traffic, self._folder, self._say = plan, traffic, folder, say
        self._clock, self._dataset_id = ClockFile(folder / "clock"), ""

    def search(self) -> None:
        """Search on the history, in the service that all arms are copies of."""
        self._clock.set(moment(0, 0))
        with self._service("start") as client:
            path = self._folder / "history.csv"
            write_history(self._traffic, path)
            self._dataset_id = client.create_dataset("clicks", columns=COLUMNS, limits=LIMITS)["id"]
            client.upload(self._dataset_id, path)
            _expect(client.wait_dataset(self._dataset_id, WITHIN_S), "valid")
            job = client.create_search(MODEL, self._dataset_id, learning=LEARNING, run={"num_threads": 1})
            _expect(_ended(client, job["id"]), "succeeded")
            client.set_promotion(MODEL, "passing", GATES)

    def carry_out(self, arm: Arm) -> Course:
        """All days of an arm. But for people's visits and the nightly append, nothing is asked of the service."""
        self._clock.set(moment(0, NOON))
        shutil.copytree(self._folder / "start", self._folder / arm)
        course = Course()
        with self._service(arm) as client:
            feeding = Feeding(client, self._dataset_id, self._folder / arm, self._plan)
            if CRON[arm] is not None:
                refresh = {"dataset_id": self._dataset_id, "window": {"days": WINDOW_DAYS}, "settings": REFRESH}
                client.set_schedule(MODEL, {"cron": CRON[arm], "refresh": refresh})
            for day in range(self._plan.days):
                self._day(client, day, course)
                if CRON[arm] is not None:
                    self._night(client, day, feeding, course)
                self._say(f"{arm}, day {day + 1}: version {course.days[-1].version}, click rate {course.days[-1].click_rate:.3f}")
        return course

    def _day(self, client: Client, day: int, course: Course) -> None:
        self._clock.set(moment(day, NOON))
        _until(lambda: self._answers_with(client, course.serving), f"version {course.serving} to answer.")
        course.days.append(self._traffic.served(client, day, moment(day, NOON) + CLICKED_AFTER_S))

    def _answers_with(self, client: Client, version: int) -> bool:
        return bool(client.recommend(MODEL, {"context": {"town": "t0"}, "k": 1})["version"] == version)

    def _night(self, client: Client, day: int, feeding: Feeding, course: Course) -> None:
        """Append the day's rows, then let the schedule do what is due."""
        self._clock.set(moment(day, NIGHT))
        course.nights.append(feeding.night(day))
        before = client.schedule(MODEL)
        self._clock.set(moment(day, DUE))
        if _seconds(before["next_at"]) > moment(day, DUE):
            return
        _until(lambda: client.schedule(MODEL)["last_job_id"] != before["last_job_id"], "the schedule to start what is due.")
        job = _ended(client, client.schedule(MODEL)["last_job_id"])
        _expect(job, "succeeded")
        version = job["model_version"]
        course.versions.append(Version(day, version, not client.gates(MODEL, version)["candidate"], job["message"]))

    @contextmanager
    def _service(self, name: str) -> Iterator[Client]:
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        with running(self._folder / name, self._clock) as client:
            yield client


def write_history(traffic: Traffic, path: Path) -> None:
    """The table of the first search."""
    rows = traffic.history(HISTORY_DAYS, HISTORY_VISITS)
    for row in rows:
        row["at"] = int(moment(row.pop("day"), NOON))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _ended(client: Client, job_id: str) -> dict[str, Any]:
    for _ in client.events(job_id, within_s=WITHIN_S):
        pass
    return client.search(job_id)


def _expect(found: dict[str, Any], state: str) -> None:
    if found["state"] != state:
        raise TrainingError(f"The simulation needs {found.get('id')} to be {state}, but it is {found['state']}: {found.get('error')}")


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WITHIN_S
    while not true():
        check_time(end, what)
        time.sleep(POLL_S)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
