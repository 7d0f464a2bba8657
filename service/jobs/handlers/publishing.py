"""Bringing a bundle into the store once its run has ended: again and again, for the store may be away just then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from ihas_pipelines.runs.progress import Progress
from ihas_service.errors import LostLeaseError, StoreError
from ihas_service.jobs.handlers.handler import JobContext
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.job import Job

WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds between two tries; after the last one the attempt is lost, and another repeats no stage of the run."""
AWAY = "The store of bundles took none; the finished model waits here and is published again."
STOPS = "Its worker stops before the store of bundles took the model; waits for another one."
GIVEN_UP = {
    "code": "store",
    "detail": "The store of bundles took none (IHAS_ARTEFACTS_URL). What the run has finished stays: resume it once the store is there.",
}
LOG = structlog.get_logger(__name__)


def published(job: Job, bundle: Path, context: JobContext) -> str | None:
    """Publish what a job left; the bundle's path below the service's folder.

    Returns:
        The path; None where the store did not take it, and the job has been queued again or has failed.

    Raises:
        LostLeaseError: the job is no longer this worker's.
    """
    settings = context.settings
    path = bundle.relative_to(settings.folder.resolve()).as_posix()
    took = stored(job, partial(Artefacts(settings.folder, settings.artefacts_url).publish, path), context)
    return path if took else None


def stored(job: Job, bring: Callable[[], None], context: JobContext) -> bool:
    """Bring what a job left into the store.

    Args:
        job: that left it.
        bring: brings it; called again and again while the store takes none.
        context: of the job.

    Returns:
        Whether the store took it; if not, the job has been queued again or has failed.

    Raises:
        LostLeaseError: the job is no longer this worker's.
    """
    for number, wait_s in enumerate((*WAITS_S, None)):
        try:
            bring()
            return True
        except StoreError as error:
            LOG.warning("the store of bundles took none", job=job.id, number=number, error=f"{error.__cause__}")
        if number == 0:
            context.store.record(job.id, job.token, Progress(stage="evaluate", message=AWAY, fraction=1.0))
        if wait_s is not None and context.stop.wait(wait_s):
            context.store.release(job.id, job.token, STOPS)
            return False
        if not context.store.owns(job.id, job.token):
            raise LostLeaseError("it was cancelled or taken over while its model waited for the store")
    context.store.lose_attempt(job.id, job.token, GIVEN_UP, context.settings.max_attempts)
    return False
