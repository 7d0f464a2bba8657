"""The kinds of jobs, by name. A kind of iHAS is a file here and a line below; one from outside calls `register_job_kind`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ihas.errors import ConfigError
from ihas.extensions import load_extensions
from service.jobs.handlers.dataset import DatasetHandler
from service.jobs.handlers.estimate import EstimateHandler
from service.jobs.handlers.handler import JobHandler
from service.jobs.handlers.search import SearchHandler
from service.storage.job import Job

BUILT_IN: tuple[JobHandler, ...] = (
    DatasetHandler(),
    EstimateHandler(),
    SearchHandler(),
)
NAME, PREFIX = re.compile(r"[a-z][a-z-]{0,15}"), re.compile(r"[a-z]{2,8}")
_registered: dict[str, JobHandler] = {}


def register_job_kind(handler: JobHandler) -> None:
    """Add a kind of job from outside iHAS; to be called as its module is imported, in the API's process and in the worker's.

    Raises:
        ConfigError: the name or the prefix is taken, or has another form than the job table's.
    """
    kind = handler.kind
    if not NAME.fullmatch(kind.name) or not PREFIX.fullmatch(kind.prefix):
        law = "A job kind's name must be 1 to 16 letters of a to z or hyphens, and its prefix 2 to 8 letters"
        raise ConfigError(f"{law}, but got {kind.name!r} and {kind.prefix!r}. Choose others.")
    for other in (*BUILT_IN, *_registered.values()):
        if other is not handler and (kind.name == other.kind.name or kind.prefix == other.kind.prefix):
            raise ConfigError(f"Name and prefix of a job kind must be unique, but {other.kind} has one of them. Choose others.")
    _registered[kind.name] = handler


def unregister_job_kind(name: str) -> None:
    """Forget a kind from outside iHAS; its jobs stay in the table."""
    _registered.pop(name, None)


def handlers() -> Mapping[str, JobHandler]:
    """All kinds by name: those of iHAS, then those of extensions."""
    load_extensions()
    return MappingProxyType({handler.kind.name: handler for handler in (*BUILT_IN, *_registered.values())})


def handler_of(job: Job) -> JobHandler:
    """The handler of a job.

    Raises:
        ConfigError: no kind of this process has its name.
    """
    found = handlers().get(job.kind)
    if found is None:
        raise ConfigError(f"Job {job.id} is of the kind {job.kind!r}, which this process does not know. Install its extension.")
    return found
