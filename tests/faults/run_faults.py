"""Real searches whose runs and workers are killed at drawn moments: they end as the one that nobody disturbed, to the bit."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import psutil

from ihas_service.client.client import Client
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.job import Job
from ihas_service.storage.sql_store import SqlStore
from tests.faults.ledger import Ledger
from tests.faults.processes import Api, Process, eventually, new_folder, worker
from tests.pipelines.studies.overrec.walks import write_lines

RUN, WORKER = "SIGKILL of a real run", "SIGKILL of the worker of a real run"
ASKED = {"sigma_w": [1.0], "normalize": [False], "num_neighbours": [20]}
WITHIN_S = 600.0
UNTIL_S = 8.0
"""Seconds within which a run is killed; on a free machine it takes about as many."""


def kill_runs(root: Path, searches: int, kills: int, seed: int, ledger: Ledger) -> None:
    """Searches of which each is killed `kills` times, every other time with its worker."""
    folder = new_folder(root, "runs")
    settings = Settings(folder=folder / "runs", lease_s=3.0, heartbeat_s=0.5, poll_s=0.1, max_attempts=kills + 2)
    draw = random.Random(seed)
    api, process, store = Api(settings, folder / "api.log"), worker(settings, folder / "worker.log"), SqlStore(settings.url)
    try:
        with Client(api.url) as http:
            dataset = http.create_dataset("walks", format="sequences")["id"]
            http.upload(dataset, write_lines(folder / "walks.txt"))
            http.wait_dataset(dataset, WITHIN_S)
            calm = _finished(store, str(http.create_search("walks", dataset, "calm", overrec=ASKED)["id"]))
            for number in range(searches):
                job_id = str(http.create_search("walks", dataset, f"killed-{number}", overrec=ASKED)["id"])
                kinds = [(RUN, WORKER)[(number + turn) % 2] for turn in range(kills)]
                for kind in kinds:
                    ledger.add(kind, tries=1)
                    _kill(process, kind, draw, store, job_id)
                ledger.add(kinds[-1], jobs=1)
                _compare(settings, store, calm, _finished(store, job_id), kinds[-1], ledger)
    finally:
        process.end()
        api.end()
        store.close()


def _finished(store: SqlStore, job_id: str) -> Job:
    return eventually(lambda: job if (job := store.job(job_id)).finished else None, "the end of a search", WITHIN_S)


def _kill(process: Process, kind: str, draw: random.Random, store: SqlStore, job_id: str) -> None:
    """Kill the run, or its worker, some time after it began; a search that has ended is left alone."""

    def run() -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            return next((one for one in psutil.Process(process.pid).children() if job_id in " ".join(one.cmdline())), None)
        return None

    eventually(lambda: store.job(job_id).finished or run(), "the start of a run", WITHIN_S)
    time.sleep(draw.uniform(0.0, UNTIL_S))
    if kind == WORKER:
        process.end(signal.SIGKILL)
        process.start()
    elif (found := run()) is not None:
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)


def _compare(settings: Settings, store: SqlStore, calm: Job, killed: Job, kind: str, ledger: Ledger) -> None:
    if killed.state is not JobState.SUCCEEDED:
        ledger.wrong(kind, "lost", f"{killed.id} is {killed.state}: {killed.error}")
        return
    versions = [version for version in store.versions("walks") if version.job_id == killed.id]
    events = store.events(killed.id, 0, 10_000)
    if len(versions) != 1 or [event.id for event in events] != list(range(1, killed.last_event + 1)):
        ledger.wrong(kind, "doubled", f"{killed.id} has {len(versions)} versions and {len(events)} events of {killed.last_event}")
    if _left(settings.folder / "searches" / calm.id) != _left(settings.folder / "searches" / killed.id):
        ledger.wrong(kind, "differ", f"{killed.id} left another result or bundle than {calm.id}")


def _left(folder: Path) -> dict[str, Any]:
    """The result without its seconds, and every array of the bundle."""
    result = orjson.loads((folder / "result.json").read_bytes())
    result.pop("seconds", None)
    arrays = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("bundle/**/*")
        if path.suffix in (".npy", ".safetensors")
    }
    return {"result": result, **arrays}
