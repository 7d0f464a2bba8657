"""A worker, its runs and an API that kill themselves at named points, one after the other: `python -m tests.service.dying work` (`serve`).

The worker, every run and the API are the real ones; what is put around their functions looks whether the next point that is due is its own,
writes the point down and sends SIGKILL to its own process. Each point is died at once, so that the job comes to an end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tests.service.dying")
POINTS = (
    "worker: has claimed",
    "run: rows written, not renamed",
    "run: rows kept",
    "run: in an epoch",
    "worker: has written down an epoch",
    "run: gates written, not renamed",
    "run: groups kept",
    "run: bundle written, not renamed",
    "run: bundle kept, without a result",
    "worker: run is over, nothing written down",
    "worker: version written, not committed",
    "worker: version committed",
)
"""Of a search."""
REFRESH_POINTS = (
    "run: rows written, not renamed",
    "run: in an epoch",
    "run: weights kept",
    "run: bundle written, not renamed",
    "run: bundle kept, without a result",
    "worker: run is over, gates not evaluated",
    "worker: run is over, nothing written down",
    "worker: version written, not committed",
    "worker: version committed",
)
"""Of a refresh whose version is promoted as it is registered."""
API_POINTS = (
    "api: a piece of an export sent",
    "api: rows of a data set written, not registered",
    "api: alias written, not committed",
    "api: alias committed, not answered",
)
DEATHS, WANTED = "IHAS_TEST_DEATHS", "IHAS_TEST_POINTS"
STAGES = {"data": "rows", "search": "gates", "cluster": "groups", "warm": "weights"}


def deaths() -> Path:
    """File with the points that were died at, one a line."""
    return Path(os.environ[DEATHS])


def wanted() -> list[str]:
    """Points to die at, in this order; those of a search where nothing else is said."""
    return os.environ.get(WANTED, "\n".join(POINTS)).splitlines()


def die(point: str) -> None:
    """Die here if this is the point that is due."""
    died, points = deaths().read_text().splitlines() if deaths().exists() else [], wanted()
    if len(died) == len(points) or points[len(died)] != point:
        return
    with deaths().open("a") as file:
        file.write(f"{point}\n")
        file.flush()
        os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)


def after(holder: Any, name: str, point: str) -> None:
    """Let a function return, then die, if that is due."""
    function = getattr(holder, name)

    def dying(*arguments: Any, **options: Any) -> Any:
        found = function(*arguments, **options)
        die(point)
        return found

    setattr(holder, name, dying)


def before(holder: Any, name: str, point: str, wanted: Callable[..., bool] = lambda *_: True) -> None:
    """Die instead of calling a function, if that is due."""
    function = getattr(holder, name)

    def dying(*arguments: Any, **options: Any) -> Any:
        if wanted(*arguments):
            die(point)
        return function(*arguments, **options)

    setattr(holder, name, dying)


def work() -> None:
    """Carry out jobs; runs are children that die too."""
    from ihas_service.jobs.handlers import search
    from ihas_service.jobs.worker import Worker, run_worker
    from ihas_service.settings import Settings
    from ihas_service.storage import sql_store
    from ihas_service.storage.sql_store import SqlStore

    before(Worker, "_carry_out", "worker: has claimed")
    record = SqlStore.record

    def recorded(store: SqlStore, job_id: str, token: int, progress: Any) -> None:
        record(store, job_id, token, progress)
        if progress.metrics:
            die("worker: has written down an epoch")

    SqlStore.record = recorded  # type: ignore[method-assign]
    before(search, "release_of", "worker: run is over, gates not evaluated")
    before(SqlStore, "succeed", "worker: run is over, nothing written down")
    after(sql_store, "_succeed", "worker: version written, not committed")
    after(SqlStore, "succeed", "worker: version committed")
    run_worker(Settings(), threading.Event(), COMMAND)


def serve() -> None:
    """Serve HTTP."""
    from ihas_service import server
    from ihas_service.datasets.event_files import EventFile
    from ihas_service.settings import Settings
    from ihas_service.storage import aliases
    from ihas_service.storage.sql_store import SqlStore

    pieces = EventFile.pieces

    def dying_pieces(self: EventFile, shown: Iterator[Any]) -> Iterator[bytes]:
        for number, piece in enumerate(pieces(self, shown)):
            if number:
                die("api: a piece of an export sent")
            yield piece

    EventFile.pieces = dying_pieces  # type: ignore[method-assign]
    before(SqlStore, "add_dataset", "api: rows of a data set written, not registered")
    after(aliases, "_point", "api: alias written, not committed")
    after(aliases.Aliases, "put", "api: alias committed, not answered")
    server.serve(Settings(), drains=False)


def run() -> int:
    """`python -m ihas_pipelines`, which dies."""
    from ihas_pipelines.commands.app import main
    from ihas_pipelines.runs import assemble, child, folder, refreshed
    from ihas_pipelines.runs.folder import RunFolder

    new_folder, stage_folder, replace_bundle = folder.new_folder, RunFolder.stage_folder, folder.replace_bundle

    @contextmanager
    def dying_folder(path: Path) -> Iterator[Path]:
        with new_folder(path) as partial:
            yield partial
            die(f"run: {STAGES.get(path.name.rpartition('-')[0])} written, not renamed")

    def dying_stage(self: RunFolder, name: str, *arguments: Any) -> Any:
        found = stage_folder(self, name, *arguments)
        die(f"run: {STAGES.get(name)} kept")
        return found

    def dying_write(path: Path, write: Callable[[Path], None]) -> None:
        def written(partial: Path) -> None:
            write(partial)
            die("run: bundle written, not renamed")

        replace_bundle(path, written)
        die("run: bundle kept, without a result")

    folder.new_folder = dying_folder  # type: ignore[assignment]
    RunFolder.stage_folder = dying_stage  # type: ignore[method-assign]
    for module in (assemble, refreshed):
        module.replace_bundle = dying_write  # type: ignore[attr-defined]
    before(child, "print_progress", "run: in an epoch", lambda progress: bool(progress.metrics))
    return main()


if __name__ == "__main__":
    sys.exit({"work": work, "serve": serve}.get(sys.argv[1], run)())
