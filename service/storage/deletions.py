"""Deletion of data sets, searches, versions and models: one transaction each, which refuses what is in use and names what uses it.

Rows go first, and with them whatever the API shows; files are put on the list of `ihas_service.storage.removals` in the same transaction.
"""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.states import JobState
from ihas_service.storage import job_rows
from ihas_service.storage.database import Database
from ihas_service.storage.dataset_deletions import delete_dataset, delete_dataset_version
from ihas_service.storage.job import BATCH, TRAINING_NAMES, Job, JobKind
from ihas_service.storage.model_deletions import delete_model, delete_version
from ihas_service.storage.removals import Deleted, noted
from ihas_service.storage.tables import JOBS, MODELS


class Deletions:
    """What may be deleted, by whom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def dataset(self, tenant: str, dataset_id: str) -> Deleted:
        """Delete a data set, its file and its estimates; a check that is under way is cancelled. What was trained on it stays.

        Raises:
            UnknownIdError: the tenant has no such data set.
            ConflictError: jobs on it wait or run.
        """
        return self._database.write(lambda connection: delete_dataset(connection, tenant, dataset_id))

    def dataset_version(self, tenant: str, dataset_id: str, version: int) -> Deleted:
        """Delete the newest version of a data set, and the rows that it appended; a check that is under way is cancelled.

        Raises:
            UnknownIdError: the tenant has no such data set, or it has no such version.
            ConflictError: jobs on it wait or run, later versions hold its rows, or it is the first one.
        """
        return self._database.write(lambda connection: delete_dataset_version(connection, tenant, dataset_id, version))

    def search(self, tenant: str, search_id: str) -> Deleted:
        """Delete a search that has ended, with its run folder, log and result.

        Raises:
            UnknownIdError: the tenant has no such search.
            ConflictError: it has not ended, or a version is its bundle.
        """
        return self._database.write(lambda connection: _delete_search(connection, tenant, search_id))

    def batch(self, tenant: str, batch_id: str) -> Deleted:
        """Delete a batch that has ended, with its answers.

        Raises:
            UnknownIdError: the tenant has no such batch.
            ConflictError: it has not ended.
        """

        def write(connection: sa.Connection) -> Deleted:
            job = _own(connection, tenant, batch_id, BATCH)
            if not job.finished:
                raise ConflictError(f"Batch {batch_id} is {job.state}. Cancel it first (`POST /v1/batches/{batch_id}/cancel`).")
            job_rows.delete_jobs(connection, sa.select(JOBS.c.id).where(JOBS.c.number == job.number))
            return Deleted(job.bytes or 0, noted(connection, [f"jobs/batch/{batch_id}"]))

        return self._database.write(write)

    def version(self, tenant: str, name: str, version: int, answering: int | None = None) -> Deleted:
        """Delete a version and its bundle; its number is not given again, and its search stays.

        Args:
            answering: version that answers under the name, as far as the caller knows.

        Raises:
            UnknownIdError: the tenant has no such version.
            ConflictError: it answers, is a canary or a shadow, or an alias points at it.
        """
        return self._database.write(lambda connection: delete_version(connection, (tenant, name), version, answering))

    def model(self, tenant: str, name: str, force: bool = False) -> Deleted:
        """Delete a model: all versions and their bundles, its aliases with their history, its traffic. Its searches stay.

        Args:
            force: also if it is in use.

        Raises:
            UnknownIdError: the tenant has no such model.
            ConflictError: it is in use: a version was promoted, or is a canary or a shadow, or an alias points at it, or a search that
                waits or runs is to become its next version.
        """
        return self._database.write(lambda connection: delete_model(connection, (tenant, name), force))

    def empty(self, search_id: str) -> Deleted:
        """Remove what the stages of a search that succeeded left; result, report, log and bundle stay.

        Raises:
            UnknownIdError: no such search.
            ConflictError: it has not succeeded.
        """

        def write(connection: sa.Connection) -> Deleted:
            job = job_rows.lock_job(connection, search_id)
            if job.state is not JobState.SUCCEEDED:
                raise ConflictError(f"Search {search_id} is {job.state}; the stages of one that succeeded are removed.")
            connection.execute(JOBS.update().where(JOBS.c.number == job.number).values(emptied=True))
            return Deleted(0, noted(connection, [f"searches/{job.id}/stages"]), (job.id,))

        return self._database.write(write)


def _own(connection: sa.Connection, tenant: str, job_id: str, kind: JobKind) -> Job:
    """A job of a tenant and a kind, locked."""
    try:
        job = job_rows.lock_job(connection, job_id)
    except UnknownIdError:
        job = None
    if job is None or job.tenant != tenant or job.kind != kind.name:
        raise UnknownIdError(f"There is no {kind} {job_id!r}.")
    return job


def _delete_search(connection: sa.Connection, tenant: str, search_id: str) -> Deleted:
    try:
        job = job_rows.lock_job(connection, search_id)
    except UnknownIdError:
        job = None
    if job is None or job.tenant != tenant or job.kind not in TRAINING_NAMES:
        raise UnknownIdError(f"There is no search {search_id!r}.")
    if not job.finished:
        raise ConflictError(f"Search {search_id} is {job.state}. Cancel it first (`POST /v1/searches/{search_id}/cancel`).")
    version = connection.execute(sa.select(MODELS.c.name, MODELS.c.version).where(MODELS.c.job_id == search_id)).one_or_none()
    if version is not None:
        what = f"version {version.version} of model {version.name!r}, whose bundle lies in its folder"
        way = f"Delete that version first (`DELETE /v1/models/{version.name}/versions/{version.version}`)"
        raise ConflictError(f"Search {search_id} is in use by {what}. {way}.")
    job_rows.delete_jobs(connection, sa.select(JOBS.c.id).where(JOBS.c.number == job.number))
    return Deleted(job.bytes or 0, noted(connection, [f"searches/{search_id}"]))
