"""Deletion of data sets, searches, versions and models: one transaction each, which refuses what is in use and names what uses it.

Rows go first, and with them whatever the API shows; files are put on the list of `service.storage.removals` in the same transaction.
"""

from __future__ import annotations

import sqlalchemy as sa

from service.errors import ConflictError, UnknownIdError
from service.states import UNFINISHED, JobState
from service.storage import job_rows
from service.storage.catalogue import Dataset, DatasetState
from service.storage.database import Database
from service.storage.job import DATASET, ESTIMATE, TRAINING_NAMES
from service.storage.model_deletions import delete_model, delete_version
from service.storage.removals import Deleted, listed, noted
from service.storage.tables import DATASETS, JOBS, MODELS

MANY = 100


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
        return self._database.write(lambda connection: _delete_dataset(connection, tenant, dataset_id))

    def search(self, tenant: str, search_id: str) -> Deleted:
        """Delete a search that has ended, with its run folder, log and result.

        Raises:
            UnknownIdError: the tenant has no such search.
            ConflictError: it has not ended, or a version is its bundle.
        """
        return self._database.write(lambda connection: _delete_search(connection, tenant, search_id))

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


def _delete_dataset(connection: sa.Connection, tenant: str, dataset_id: str) -> Deleted:
    own = (DATASETS.c.id == dataset_id) & (DATASETS.c.tenant == tenant) & DATASETS.c.deleted_at.is_(None)
    check_id = connection.execute(sa.select(DATASETS.c.job_id).where(own)).scalar_one_or_none()
    check = None if check_id is None else job_rows.lock_job(connection, check_id)  # before the data set, as the worker does
    row = connection.execute(sa.select(DATASETS).where(own).with_for_update()).mappings().one_or_none()
    if row is None:
        raise UnknownIdError(f"There is no data set {dataset_id!r}.")
    dataset = Dataset(**{**row, "state": DatasetState(row["state"])})
    if dataset.job_id != check_id:
        raise ConflictError(f"Data set {dataset_id} has received a file just now. Delete it again.")
    of_it = (JOBS.c.dataset_id == dataset_id) & (JOBS.c.kind != DATASET.name)
    users = connection.execute(
        sa.select(JOBS.c.kind, JOBS.c.id, JOBS.c.state).where(of_it & JOBS.c.state.in_(UNFINISHED)).limit(MANY)
    ).all()
    if users:
        way = "Cancel searches (`POST /v1/searches/{id}/cancel`), or wait until all have ended"
        raise ConflictError(f"Data set {dataset_id} is in use by {listed(f'{kind} {one} ({state})' for kind, one, state in users)}. {way}.")
    if check is not None and not check.finished:
        job_rows.change(connection, check, JobState.CANCELLED, message="Its data set was deleted.", token=check.token + 1, eta_s=None)
    estimates = of_it & (JOBS.c.kind == ESTIMATE.name)
    found = connection.execute(sa.select(JOBS.c.id, JOBS.c.bytes).where(estimates)).all()
    job_rows.delete_jobs(connection, sa.select(JOBS.c.id).where(estimates))
    values = {"deleted_at": job_rows.now(connection), "report": None, "error": None}
    connection.execute(DATASETS.update().where(DATASETS.c.id == dataset_id).values(**values))
    paths = [f"datasets/{dataset_id}", *(f"estimates/{one.id}" for one in found)]
    return Deleted((dataset.size or 0) + sum(one.bytes or 0 for one in found), noted(connection, paths))


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
