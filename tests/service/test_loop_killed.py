"""SIGKILL at thirteen named points of a refresh, its promotion, an export and a promotion by a person.

After every death whoever is left, and whoever comes next, finds what was before or what is after: never a version without its promotion, a
promotion without its version, a part of a file, or rows that belong to nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ihas.config.refresh import RefreshConfig
from ihas.results.gates import GateBounds
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.run import run_recipe
from ihas_service.client.client import Client
from ihas_service.errors import ServiceError
from ihas_service.http.examples import searches
from ihas_service.jobs.refresh_jobs import RefreshAsked, refresh_job
from ihas_service.jobs.runs import bundle_facts
from ihas_service.server import free_port
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.aliases import CHAMPION, Aliases, AliasRef
from ihas_service.storage.catalogue import ModelVersion, NewDataset
from ihas_service.storage.job import SEARCH, Job, NewJob
from ihas_service.storage.promotion import Promotion, Promotions
from ihas_service.storage.promotion_settings import PromotionSettings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.pipelines.runs.clicks import COLUMNS, clicks_recipe, write_clicks
from tests.pipelines.small_run import ROOT, arrays
from tests.service.conftest import eventually
from tests.service.dying import API_POINTS, COMMAND, DEATHS, REFRESH_POINTS, WANTED
from tests.service.postgres import PostgresServer

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1_800)]

ROWS, USERS, SHOWN = 2_000, 40, 5
WITHIN_S = 3_000.0
BOUNDS = GateBounds(auc_tolerance=0.5, calibration_low=0.01, calibration_high=100.0, calibration_error=1.0, latency_ratio=1_000.0)
"""That every version meets: gates have tests of their own."""
CLICKS = AliasRef("local", "clicks", CHAMPION, "", "")


@dataclass(frozen=True)
class World:
    """A service whose processes die.

    Attributes:
        folder: takes the logs, and the points that were died at.
        settings: of all its processes.
        points: to die at, one after the other.
    """

    folder: Path
    settings: Settings
    store: SqlStore
    points: tuple[str, ...]

    @property
    def died(self) -> list[str]:
        """Points that were died at."""
        return (self.folder / "deaths").read_text().splitlines()

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """Start a worker, or the API."""
        said = self.settings.model_dump(mode="json", exclude_defaults=True)
        asked = {f"IHAS_{name.upper()}": str(value) for name, value in said.items()}
        dying = {DEATHS: str(self.folder / "deaths"), WANTED: "\n".join(self.points)}
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen([*COMMAND, role], cwd=ROOT, env={**os.environ, **asked, **dying}, stdout=log, stderr=log)

    @contextmanager
    def api(self) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
        """The API, and a client of it."""
        process = self.start("serve")
        try:
            with Client(f"http://127.0.0.1:{self.settings.port}", HANG_S) as client:
                client.wait_ready(HANG_S)
                yield client, process
        finally:
            process.terminate()
            process.wait(HANG_S)
            process.kill()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search, and beside it an older and a newer table."""
    folder = tmp_path_factory.mktemp("searched")
    write_clicks(folder / "new.csv", ROWS * 4 // 3, first_new=ROWS)
    recipe = clicks_recipe(write_clicks(folder / "old.csv", ROWS))
    retrieval = recipe.learning.retrieval.model_copy(update={"when": "never"})
    short = {"retrieval": retrieval, "members": recipe.learning.members.model_copy(update={"counts": ()})}
    recipe = recipe.model_copy(update={"learning": recipe.learning.model_copy(update=short)})
    run_recipe(recipe, folder / "run", _ignore)
    (folder / "run" / "recipe.json").write_text(recipe.model_dump_json())
    return folder


def _ignore(line: Progress) -> None:
    """Listens to no line."""


@contextmanager
def world(folder: Path, database_url: str | None, points: tuple[str, ...]) -> Iterator[World]:
    """A service whose processes die at points."""
    folder.mkdir()
    (folder / "deaths").touch()
    times: dict[str, Any] = {"lease_s": 2.0, "heartbeat_s": 0.5, "poll_s": 0.1, "max_attempts": len(points) + 1}
    settings = Settings(folder=folder / "runs", database_url=database_url, port=free_port("127.0.0.1"), **times)
    settings.folder.mkdir()
    store = SqlStore(settings.url)
    try:
        yield World(folder, settings, store, points)
    finally:
        store.close()


def version_of(world: World, searched: Path) -> ModelVersion:
    """A version that a search made of the older table."""
    world.store.submit(NewJob(SEARCH, "clicks", _dataset(world.store, searched / "old.csv"), {"learning": {}, "run": {"num_threads": 1}}))
    search = world.store.claim("search", 60.0, 1)
    assert search is not None
    run = world.settings.folder / "searches" / search.id
    shutil.copytree(searched / "run", run)
    return world.store.succeed(search.id, search.token, f"searches/{search.id}/bundle", bundle_facts(run / "bundle"))


def refresh_of(world: World, base: ModelVersion, searched: Path) -> Job:
    """A refresh on the newer table, which waits for a worker; its version is promoted as it is registered."""
    promoted = PromotionSettings(auto_promote="passing", gates=BOUNDS)
    Promotions(world.store).put(Promotion("local", "clicks", 0, promoted, "ada", 0.0))
    dataset = world.store.dataset(_dataset(world.store, searched / "new.csv"))
    return world.store.submit(refresh_job(world.store, world.settings.folder, base, dataset, RefreshAsked(RefreshConfig(), None, None, 0)))


def _dataset(store: SqlStore, path: Path) -> str:
    reading = {"format": "csv", "columns": COLUMNS.model_dump(mode="json"), "labelled": True}
    dataset_id = store.add_dataset(NewDataset(path.stem, reading, path=str(path))).id
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, searches.REPORT)
    return dataset_id


def refreshed(world: World, job: Job) -> int:
    """Start a worker whenever there is none, until the refresh has ended and all deaths are died; how many were started."""
    started = 0
    while not started or len(world.died) < len(world.points):
        dies, process = len(world.died) < len(world.points), world.start("work")
        started += 1
        try:
            eventually(lambda one=process: one.poll() is not None or world.store.job(job.id).finished, WITHIN_S)  # type: ignore[misc]
            if dies:
                assert process.wait(HANG_S) == -signal.SIGKILL, f"See {world.folder / 'work.log'}."
            check(world, job)
        finally:
            process.kill()
            process.wait()
    return started


def check(world: World, job: Job) -> None:
    """Either the refresh has its version, which was promoted once and serves, or there is nothing of it."""
    done = world.store.job(job.id).state is JobState.SUCCEEDED
    served = world.store.serving_version("local", "clicks")
    assert served is not None
    assert [version.version for version in world.store.versions("clicks")] == ([2, 1] if done else [1])
    assert (served.version, served.candidate) == (2 if done else 1, False)
    assert history(world) == ([(2, "service")] if done else [])


def history(world: World) -> list[tuple[int, str]]:
    """What was promoted by whom, newest first."""
    return [(change.version, change.actor) for change in Aliases(world.store).history(CLICKS, None, 10)]


def answer_everybody(client: Client) -> int:
    """Every user is recommended items, which are all shown; how many were."""
    events = []
    for user in range(USERS):
        answer = client.recommend("clicks", {"context": {"user": f"u{user}", "place": "a", "age": 30}, "k": SHOWN})
        shown = [item["id"] for item in answer["items"]]
        events += [{"recommendation_id": answer["recommendation_id"], "item_id": name, "kind": "impression"} for name in shown]
    told = client.report_events(events)
    assert told == {"accepted": USERS * SHOWN, "rejected": []}
    return len(events)


def die_of(world: World, request: Callable[[Client], object]) -> None:
    """Send a request that the API dies of; it is not answered."""
    died = len(world.died)
    with world.api() as (client, process):
        with pytest.raises(ServiceError):
            request(client)
        assert process.wait(HANG_S) == -signal.SIGKILL
    assert len(world.died) == died + 1


def exported(client: Client, path: Path) -> pl.DataFrame:
    """Rows of what was shown."""
    client.export_events("clicks", path, open=True)
    return pl.read_parquet(path)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Where an empty database is; None for a file of the service's own."""
    if request.param == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="module")
def calm(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a refresh that nobody disturbed."""
    with world(tmp_path_factory.mktemp("calm") / "world", None, ()) as one:
        job = refresh_of(one, version_of(one, searched), searched)
        assert refreshed(one, job) == 1
        assert one.store.job(job.id).attempt == 1
        return one.settings.folder / "searches" / job.id


@pytest.mark.timeout(3_600)
def test_a_refresh_and_its_promotion(calm: Path, searched: Path, database_url: str | None, tmp_path: Path) -> None:
    """Every death at its point; the refreshed model equals that of an undisturbed refresh to the bit, its events have no gap, and its
    version was registered and promoted once."""
    with world(tmp_path / "world", database_url, REFRESH_POINTS) as killed:
        waiting = refresh_of(killed, version_of(killed, searched), searched)
        workers = refreshed(killed, waiting)
        job, events = killed.store.job(waiting.id), killed.store.events(waiting.id, 0, 10_000)

        assert killed.died == list(REFRESH_POINTS)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, len(REFRESH_POINTS))
        assert workers == sum(point.startswith("worker") for point in REFRESH_POINTS)
        assert [event.id for event in events] == list(range(1, job.last_event + 1))
        assert [event.state for event in events].count(JobState.SUCCEEDED) == 1
        assert killed.store.claim("another", 60.0, 1) is None
        ours = killed.settings.folder / "searches" / job.id
        for stage in ("warm", "variant-refreshed"):
            for name, value in arrays(calm, stage).items():
                np.testing.assert_array_equal(value, arrays(ours, stage)[name])


def test_exports_and_promotions_by_a_person(searched: Path, database_url: str | None, tmp_path: Path) -> None:
    """An export that breaks off leaves no file, a data set that is not registered no rows, and a promotion that is not answered was made
    once or not at all; asked again, each is whole."""
    with world(tmp_path / "world", database_url, API_POINTS) as killed:
        for _ in range(2):
            version_of(killed, searched)
        with killed.api() as (client, _):
            shown = answer_everybody(client)
            before = client.datasets()["datasets"]
        die_of(killed, lambda client: exported(client, tmp_path / "half.parquet"))
        assert not list(tmp_path.glob("*half*"))
        with killed.api() as (client, _):
            rows = exported(client, tmp_path / "whole.parquet")
        assert (rows.height, rows["user"].n_unique()) == (shown, USERS)

        die_of(killed, lambda client: client.create_event_dataset("clicks", "shown", open=True))
        with killed.api() as (client, _):
            assert client.datasets()["datasets"] == before
            assert not list((killed.settings.folder / "datasets").glob("*"))
            made = client.create_event_dataset("clicks", "shown", open=True)["id"]
            assert [one["id"] for one in client.datasets()["datasets"]] == [made, *(one["id"] for one in before)]
        (file,) = (path for path in (killed.settings.folder / "datasets" / made).rglob("*") if path.is_file())
        assert pl.read_parquet(file).height == shown

        for made_by_then in ([], [(1, "local")]):
            die_of(killed, lambda client: client.document("POST", "/v1/models/clicks/promote", json={"version": 1}))
            assert history(killed) == made_by_then
            with killed.api() as (client, _):
                assert client.model("clicks")["serving"] == (1 if made_by_then else 2)
        assert killed.died == list(API_POINTS)
