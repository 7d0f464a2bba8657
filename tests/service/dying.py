"""A worker and its runs that kill themselves at named points, one after the other: `python -m tests.service.dying work`.

The worker and every run are the real ones; what is put around their functions looks whether the next point that is due is its own,
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
    "run: in an epoch of the base",
    "worker: has written down an epoch",
    "run: gates written, not renamed",
    "run: groups kept",
    "run: bundle written, not renamed",
    "run: bundle kept, without a result",
    "worker: run is over, nothing written down",
    "worker: version written, not committed",
    "worker: version committed",
)
DEATHS = "IHAS_TEST_DEATHS"
STAGES = {"data": "rows", "search": "gates", "cluster": "groups"}


def deaths() -> Path:
    """File with the points that were died at, one a line."""
    return Path(os.environ[DEATHS])


def die(point: str) -> None:
    """Die here if this is the point that is due."""
    died = deaths().read_text().splitlines() if deaths().exists() else []
    if len(died) == len(POINTS) or POINTS[len(died)] != point:
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
    from service.jobs.worker import Worker, run_worker
    from service.settings import Settings
    from service.storage import sql_store
    from service.storage.sql_store import SqlStore

    before(Worker, "_carry_out", "worker: has claimed")
    record = SqlStore.record

    def recorded(store: SqlStore, job_id: str, token: int, progress: Any) -> None:
        record(store, job_id, token, progress)
        if progress.metrics:
            die("worker: has written down an epoch")

    SqlStore.record = recorded  # type: ignore[method-assign]
    before(SqlStore, "succeed", "worker: run is over, nothing written down")
    after(sql_store, "_succeed", "worker: version written, not committed")
    after(SqlStore, "succeed", "worker: version committed")
    run_worker(Settings(), threading.Event(), COMMAND)


def run() -> int:
    """`python -m pipelines`, which dies."""
    from pipelines.commands.app import main
    from pipelines.runs import assemble, child, folder
    from pipelines.runs.folder import RunFolder

    new_folder, stage_folder, replace_bundle = folder.new_folder, RunFolder.stage_folder, assemble.replace_bundle

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
    assemble.replace_bundle = dying_write
    before(child, "print_progress", "run: in an epoch of the base", lambda progress: bool(progress.metrics))
    return main()


if __name__ == "__main__":
    sys.exit(work() if sys.argv[1] == "work" else run())
