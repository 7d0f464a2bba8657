"""The job of a refresh, whoever asks for it: a caller, or a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihas.config.data import WindowConfig
from ihas.config.refresh import RefreshConfig
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.jobs.runs import FRONTIER_OF, origin, search_folder
from ihas_service.storage.catalogue import Dataset, ModelVersion
from ihas_service.storage.job import REFRESH, Job, NewJob
from ihas_service.storage.job_store import JobStore
from ihas_service.storage.promotion_settings import AutoPromote

OF_RUN = ("recipe.json", "result.json", "stages")
"""What a run folder must hold to be carried on."""


@dataclass(frozen=True, slots=True)
class RefreshAsked:
    """What is asked of a refresh.

    Attributes:
        settings: how the model learns on.
        window: the newest rows that count; None for all.
        auto_promote: whether the version goes live without a person; None for the settings by default.
        priority: jobs of a higher one start first.
    """

    settings: RefreshConfig
    window: WindowConfig | None
    auto_promote: AutoPromote | None
    priority: int


def refresh_job(store: JobStore, folder: Path, base: ModelVersion, dataset: Dataset, asked: RefreshAsked) -> NewJob:
    """The job that carries a version on.

    Args:
        store: of jobs.
        folder: the service's.
        base: the version.
        dataset: the newer rows.
        asked: how.

    Raises:
        ConflictError: the run behind the version is no longer there, or was not one with `learning`.
    """
    job = _run_behind(store, folder, base)
    point = base.facts.get("chosen") if FRONTIER_OF in base.facts else None
    of_refresh = {"source": job.id, "version": base.version, "point": point, "settings": asked.settings.model_dump(mode="json")}
    kept: dict[str, Any] = {group: job.settings[group] for group in ("learning", "run", "budget") if group in job.settings}
    kept |= {} if asked.window is None else {"window": asked.window.model_dump(mode="json")}
    kept |= {} if asked.auto_promote is None else {"auto_promote": asked.auto_promote}
    settings = {**kept, "refresh": of_refresh}
    return NewJob(REFRESH, base.name, dataset.id, settings, tenant=base.tenant, priority=asked.priority, dataset_version=dataset.version)


def _run_behind(store: JobStore, root: Path, base: ModelVersion) -> Job:
    """The search or refresh whose run folder a version came from.

    Raises:
        ConflictError: it is no longer there, or was not one with `learning`.
    """
    what = f"Version {base.version} of model {base.name!r}"
    try:
        job = store.job(origin(base))
    except UnknownIdError:
        raise ConflictError(f"{what} came of search {origin(base)}, which was deleted. Run a search on the newer rows.") from None
    folder = search_folder(root, job.id)
    if job.emptied or not all((folder / part).exists() for part in OF_RUN) or not _holds_clicks(folder):
        way = "Run a search on the newer rows; IHAS_SEARCHES_KEPT_S says for how long stages are kept."
        raise ConflictError(f"{what} can be refreshed while its search with `learning` keeps its stages, but {job.id} has none. {way}")
    return job


def _holds_clicks(folder: Path) -> bool:
    """Whether a run folder is one of the kind `grouped`, whose first stage encodes a table."""
    return any((folder / "stages").glob("data-*"))
