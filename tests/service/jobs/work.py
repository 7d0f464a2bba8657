"""What is seen of a worker's children."""

from __future__ import annotations

from pathlib import Path

import psutil

from ihas_service.settings import Settings
from ihas_service.states import JobStage
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import eventually


def run_folder(settings: Settings, job_id: str) -> Path:
    """Where a search's files are."""
    return settings.folder / "searches" / job_id


def children(settings: Settings, job_id: str) -> list[tuple[int, int]]:
    """Process id and niceness of every child that was started for the search."""
    starts = run_folder(settings, job_id) / "starts"
    lines = starts.read_text().splitlines() if starts.exists() else []
    return [(int(pid), int(nice)) for pid, nice in (line.split() for line in lines)]


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def searching(store: SqlStore, settings: Settings, job_id: str) -> int:
    """Process id of the newest child once the search runs."""
    eventually(lambda: store.job(job_id).stage is JobStage.SEARCH)
    return children(settings, job_id)[-1][0]
