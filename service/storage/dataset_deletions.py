"""Deletion of data sets and of their versions, inside an open transaction."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.states import UNFINISHED, JobState
from ihas_service.storage import dataset_versions, job_rows
from ihas_service.storage.catalogue import Dataset, DatasetState
from ihas_service.storage.job import DATASET, ESTIMATE, Job
from ihas_service.storage.removals import Deleted, listed, noted
from ihas_service.storage.tables import DATASET_VERSIONS, DATASETS, JOBS

MANY = 100
WAY = "Cancel searches (`POST /v1/searches/{id}/cancel`), or wait until all have ended"


def delete_dataset(connection: sa.Connection, tenant: str, dataset_id: str) -> Deleted:
    """As `Deletions.dataset` says."""
    dataset, checks = _locked(connection, tenant, dataset_id)
    of_it = (JOBS.c.dataset_id == dataset_id) & (JOBS.c.kind != DATASET.name)
    _check_unused(connection, of_it, f"Data set {dataset_id}")
    for check in checks:
        _cancel(connection, check, "Its data set was deleted.")
    estimates = of_it & (JOBS.c.kind == ESTIMATE.name)
    found = connection.execute(sa.select(JOBS.c.id, JOBS.c.bytes).where(estimates)).all()
    job_rows.delete_jobs(connection, sa.select(JOBS.c.id).where(estimates))
    at = job_rows.now(connection)
    connection.execute(DATASETS.update().where(DATASETS.c.id == dataset_id).values(deleted_at=at, report=None, error=None))
    appended = dataset_versions.forget(connection, DATASET_VERSIONS.c.dataset_id == dataset_id, at)
    paths = [f"datasets/{dataset_id}", *(f"estimates/{one.id}" for one in found)]
    return Deleted((dataset.size or 0) + appended + sum(one.bytes or 0 for one in found), noted(connection, paths))


def delete_dataset_version(connection: sa.Connection, tenant: str, dataset_id: str, version: int) -> Deleted:
    """As `Deletions.dataset_version` says."""
    dataset, checks = _locked(connection, tenant, dataset_id)
    if version == 1:
        raise ConflictError(f"Version 1 of data set {dataset_id} holds the rows that it began with. Delete the data set.")
    found = dataset_versions.at_version(connection, dataset, version)
    if found.deleted_at is not None:
        raise UnknownIdError(f"Data set {dataset_id!r} has no version {version}.")
    named = f"Version {version} of data set {dataset_id}"
    later = dataset_versions.children(connection, dataset_id, version)
    if later:
        words = listed(f"version {number}" for number in later)
        raise ConflictError(f"{named} is in use by {words}, which hold its rows. Delete the newest version first.")
    _check_unused(
        connection, (JOBS.c.dataset_id == dataset_id) & (JOBS.c.dataset_version == version) & (JOBS.c.kind != DATASET.name), named
    )
    for check in (check for check in checks if check.id == found.job_id):
        _cancel(connection, check, "The version was deleted.")
    own = (DATASET_VERSIONS.c.dataset_id == dataset_id) & (DATASET_VERSIONS.c.version == version)
    size = dataset_versions.forget(connection, own, job_rows.now(connection))
    return Deleted(size, noted(connection, found.appended[-1:] if size else ()))


def _locked(connection: sa.Connection, tenant: str, dataset_id: str) -> tuple[Dataset, list[Job]]:
    """The first version, and the jobs that check it or another one, all locked: jobs before the data set, as the worker does.

    Raises:
        UnknownIdError: the tenant has no such data set.
        ConflictError: a file came meanwhile.
    """
    own = (DATASETS.c.id == dataset_id) & (DATASETS.c.tenant == tenant) & DATASETS.c.deleted_at.is_(None)
    first = connection.execute(sa.select(DATASETS.c.job_id).where(own)).scalar_one_or_none()
    ids = [one for one in (first, dataset_versions.checking_job(connection, dataset_id)) if one is not None]
    checks = [job_rows.lock_job(connection, one) for one in ids]
    row = connection.execute(sa.select(DATASETS).where(own).with_for_update()).mappings().one_or_none()
    if row is None:
        raise UnknownIdError(f"There is no data set {dataset_id!r}.")
    dataset = Dataset(**{**row, "state": DatasetState(row["state"])})
    checking = dataset_versions.checking_job(connection, dataset_id)
    if dataset.job_id != first or (checking is not None and checking not in ids):
        raise ConflictError(f"Data set {dataset_id} has received a file just now. Delete it again.")
    return dataset, checks


def _check_unused(connection: sa.Connection, which: sa.ColumnElement[bool], what: str) -> None:
    query = sa.select(JOBS.c.kind, JOBS.c.id, JOBS.c.state).where(which & JOBS.c.state.in_(UNFINISHED)).limit(MANY)
    users = connection.execute(query).all()
    if users:
        raise ConflictError(f"{what} is in use by {listed(f'{kind} {one} ({state})' for kind, one, state in users)}. {WAY}.")


def _cancel(connection: sa.Connection, check: Job, message: str) -> None:
    if not check.finished:
        job_rows.change(connection, check, JobState.CANCELLED, message=message, token=check.token + 1, eta_s=None)
