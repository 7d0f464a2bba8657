"""Public wording of a job's error: names the data set, reveals no paths, and says what a signal that ended a check means."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import Job

TOO_LONG = "The check of the table takes longer than allowed. Upload fewer rows or columns, or raise IHAS_CHECK_CPU_S."
BROKEN = "The table ends the process that reads it ({name}), for example by values nested too deeply. Write it anew, with plain cells."
KILLED = "The process that reads the table was killed (SIGKILL), as the system does where memory runs out. Send fewer rows or columns."
FAULTS = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE})
OUT_OF_TIME = frozenset({signal.SIGXCPU, signal.SIGALRM})


def fault_of_signal(number: int) -> Mapping[str, str] | None:
    """Error document of a check that a signal ended for what the table is, and would end again; None for any other end."""
    if number in OUT_OF_TIME:
        return {"code": "data", "detail": TOO_LONG}
    if number == signal.SIGKILL:
        return {"code": "data", "detail": KILLED}
    return {"code": "data", "detail": BROKEN.format(name=signal.Signals(number).name)} if number in FAULTS else None


def public_error(error: Mapping[str, Any], job: Job, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """A child's error, with the data set's name for its file, without the service's folder; a bug's says where to look."""
    said: dict[str, Any] = _renamed(dict(error), _names(dataset, folder))
    return said | {"detail": f"{said.get('detail')} {see_log(job)}"} if said.get("code") == "internal" else said


def public_text(text: str, dataset: Dataset, folder: Path) -> str:
    """What a child wrote, with the data set's name for its file, without the service's folder."""
    return str(_renamed(text, _names(dataset, folder)))


def _names(dataset: Dataset, folder: Path) -> dict[str, str]:
    names = {f"{folder.resolve()}/": ""}
    if dataset.path is None:
        return names
    path = folder.resolve() / dataset.path
    called = f"Data set {dataset.name!r}"
    for appended in dataset.appended:
        words = f"What was appended to data set {dataset.name!r}"
        names = {str(folder.resolve() / appended): words} | names | {appended.rpartition("/")[2]: words}
    return {str(path): called, f"{path.parent}/": ""} | names | ({} if dataset.referenced else {path.name: called})


def see_log(job: Job) -> str:
    """Where the rest is written."""
    return f"See the worker's log of job {job.id}."


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {key: _renamed(part, names) for key, part in value.items()}
    return [_renamed(part, names) for part in value] if isinstance(value, list) else value
