"""Where a job stands: the words that the database, the HTTP API and its clients share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ihas_pipelines.runs.progress import OLD_STAGES


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waits for a worker."""
    RUNNING = "running"
    """A worker carries it out; `stage` says what it is doing."""
    SUCCEEDED = "succeeded"
    """Finished; the model is registered, or the data set is valid."""
    FAILED = "failed"
    """Gave up; `error` says why."""
    CANCELLED = "cancelled"
    """A person stopped it."""


class JobStage(StrEnum):
    """What a running job is doing."""

    READING = "reading"
    """The data are read and checked."""
    BASE = "base"
    """The plain model is trained."""
    DISTIL = "distil"
    """A teacher and its student are trained."""
    SEARCH = "search"
    """Gates over the embedding dimensions, or other settings, are searched."""
    CLUSTER = "cluster"
    """Instances are grouped by their gates."""
    RETRAIN = "retrain"
    """A model of each group is trained."""
    EVALUATE = "evaluate"
    """Variants are compared, and the bundle is written."""


RUNNING = frozenset({JobState.RUNNING})
UNFINISHED = RUNNING | {JobState.QUEUED}
TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
STAGE_OF_OLD_STATE: Mapping[str, JobStage] = MappingProxyType({old: JobStage(stage) for old, stage in OLD_STAGES.items()})
"""States of version 0.1.0 that are stages of a running job since. Clients understand them until version 0.3.0."""


def with_stage(document: dict[str, Any]) -> dict[str, Any]:
    """A job or an event as this version words it, where a service of version 0.1.0 may have written it."""
    stage = STAGE_OF_OLD_STATE.get(document.get("state", ""))
    if stage is not None:
        return {**document, "state": str(JobState.RUNNING), "stage": str(stage)}
    return {"stage": None, **document}
