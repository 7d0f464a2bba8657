"""Public wording of a job's error: names the data set, and reveals no paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.storage.catalogue import Dataset
from service.storage.job import Job


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
