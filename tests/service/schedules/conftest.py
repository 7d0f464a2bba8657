"""A model that can be refreshed and a data set that grows, on either database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ihas_service.jobs.runs import search_folder
from ihas_service.schedules.scheduler import Scheduler
from ihas_service.settings import Settings
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.schedule_settings import ScheduleSettings
from ihas_service.storage.schedules import Schedule, Schedules
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.conftest import database_url, empty_store  # noqa: F401 - fixtures
from tests.service.storage.test_dataset_versions import append, check
from tests.service.storage.test_deletions import dataset


@dataclass(frozen=True)
class World:
    """Model `films`, whose version 1 was trained on version 1, of 2 rows, of a data set."""

    store: SqlStore
    folder: Path
    dataset_id: str

    @property
    def schedules(self) -> Schedules:
        """The table."""
        return Schedules(self.store)

    @property
    def settings(self) -> Settings:
        """Of a service with the folder."""
        return Settings(folder=self.folder)

    def scheduler(self) -> Scheduler:
        """Of one process of the service."""
        return Scheduler(self.store, self.settings)

    def put(self, at: float, model: str = "films", **when: Any) -> Schedule:
        """A schedule of the tenant `local`, set at a time."""
        refresh = {"dataset_id": self.dataset_id, **when.pop("refresh", {})}
        settings = ScheduleSettings.model_validate({**when, "refresh": refresh})
        return self.schedules.put(Schedule("local", model, 0, settings, "ada", 0.0, 0, 0.0), at=at)

    def seen(self, model: str = "films") -> Schedule:
        """The schedule as it is now."""
        return self.schedules.get("local", model)

    def end(self, job_id: str | None) -> None:
        """End a job."""
        self.store.cancel(str(job_id))

    def grow(self, digit: int, rows: int, changes: dict[str, Any] | None = None) -> int:
        """Number of a further valid version, of so many rows in all."""
        version = append(self.store, self.dataset_id, digit)
        job = check(self.store)
        self.store.accept_dataset(job.id, job.token, {"rows": rows, "changes": changes})
        return version.version

    def register(self, model: str = "films") -> None:
        """A further version of a model, which serves where none was promoted."""
        self.store.submit(NewJob(SEARCH, model, self.dataset_id, {"learning": {"seed": 3}, "run": {}}))
        job = self.store.claim("ada", 60.0, 3)
        assert job is not None
        run = search_folder(self.folder, job.id)
        (run / "stages" / "data-0123456789abcdef").mkdir(parents=True)
        for name in ("recipe.json", "result.json"):
            (run / name).write_text("{}")
        self.store.succeed(job.id, job.token, f"searches/{job.id}/bundle")


@pytest.fixture
def world(empty_store: SqlStore, tmp_path: Path) -> World:  # noqa: F811
    """With one version."""
    found = World(empty_store, tmp_path / "runs", dataset(empty_store))
    found.register()
    return found
