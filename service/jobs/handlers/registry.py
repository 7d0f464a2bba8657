"""The kinds of jobs, by name. A kind of iHAS is a file here and a line below; one from outside calls `register_job_kind`."""

from __future__ import annotations

import re

from ihas.extensions.registry import Registry
from ihas_service.jobs.handlers.batch import BatchHandler
from ihas_service.jobs.handlers.dataset import DatasetHandler
from ihas_service.jobs.handlers.estimate import EstimateHandler
from ihas_service.jobs.handlers.handler import JobHandler
from ihas_service.jobs.handlers.refresh import RefreshHandler
from ihas_service.jobs.handlers.search import SearchHandler
from ihas_service.storage.job import JobKind

JOB_KINDS: Registry[JobHandler] = Registry(
    "job kind",
    {
        "batch": BatchHandler(),
        "dataset": DatasetHandler(),
        "estimate": EstimateHandler(),
        "search": SearchHandler(),
        "refresh": RefreshHandler(),
    },
)
PREFIX = re.compile(r"[a-z]{2,8}")
MAX_NAME = 16


def register_job_kind(handler: JobHandler) -> None:
    """Add a kind of job from outside iHAS; to be called as its module is imported, in the API's process and in the worker's.

    Raises:
        ValueError: name or prefix is taken by another kind, or has another form than the job table's.
    """
    kind = handler.kind
    if not PREFIX.fullmatch(kind.prefix) or len(kind.name) > MAX_NAME:
        law = f"The prefix of a job kind must be 2 to 8 letters, and its name at most {MAX_NAME} characters"
        raise ValueError(f"{law}, but got {kind.prefix!r} and {kind.name!r}. Choose others.")
    for other in job_kinds():
        if other.prefix == kind.prefix and other != kind:
            raise ValueError(f"The prefix of a job kind must be unique, but {kind.prefix!r} is that of {other}. Choose another one.")
    JOB_KINDS.register(kind.name, handler)


def job_kinds() -> tuple[JobKind, ...]:
    """All kinds: those of iHAS, then those of extensions."""
    return tuple(JOB_KINDS[name].kind for name in JOB_KINDS)
