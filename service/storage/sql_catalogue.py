"""Data sets and model versions on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from service.errors import ConflictError, UnknownIdError
from service.ids import new_id
from service.states import JobState
from service.storage import job_rows
from service.storage.catalogue import Dataset, DatasetState, ModelVersion, NewDataset, Upload
from service.storage.database import Database
from service.storage.job import Job, JobKind, NewJob
from service.storage.tables import DATASETS, MODELS
from service.storage.tenants import LOCAL


class SqlCatalogue(Database):
    """`Catalogue` on a relational database; the laws are written there."""

    def add_dataset(self, new: NewDataset) -> Dataset:
        """As `Catalogue` says."""
        return self.write(lambda connection: _add_dataset(connection, new))

    def receive_upload(self, dataset_id: str, upload: Upload) -> Dataset:
        """As `Catalogue` says."""
        return self.write(lambda connection: _receive_upload(connection, dataset_id, upload))

    def dataset(self, dataset_id: str) -> Dataset:
        """As `Catalogue` says."""
        found = self.read(sa.select(DATASETS).where(DATASETS.c.id == dataset_id))
        return _only(found, dataset_id)

    def datasets(self, before: int | None, limit: int, tenant: str = LOCAL) -> Sequence[Dataset]:
        """As `Catalogue` says."""
        query = sa.select(DATASETS).where(DATASETS.c.tenant == tenant).order_by(DATASETS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(DATASETS.c.number < before)
        return [_dataset_of(row) for row in self.read(query)]

    def models(self, tenant: str | None = None) -> Sequence[ModelVersion]:
        """As `Catalogue` says."""
        newest = sa.func.max(MODELS.c.version).over(partition_by=(MODELS.c.tenant, MODELS.c.name)).label("newest")
        ranked = sa.select(MODELS, newest).subquery()
        query = sa.select(*(ranked.c[column.name] for column in MODELS.c)).where(ranked.c.version == ranked.c.newest)
        if tenant is not None:
            query = query.where(ranked.c.tenant == tenant)
        return [ModelVersion(**row) for row in self.read(query.order_by(ranked.c.name, ranked.c.tenant))]

    def register(
        self, base: ModelVersion, name: str, path: str, facts: Mapping[str, Any], message: str, newest: int | None = None
    ) -> ModelVersion:
        """As `Catalogue` says."""

        def write(connection: sa.Connection) -> ModelVersion:
            before = job_rows.lock_job(connection, base.job_id)
            job = job_rows.insert_job(connection, NewJob(JobKind.SEARCH, name, before.dataset_id, before.settings, tenant=base.tenant))
            version = register_version(connection, job, path, facts)
            if newest is not None and version.version != newest + 1:
                found = f"version {version.version - 1} is the newest"
                raise ConflictError(f"What is added to version {newest} of model {name!r} must follow it, but {found}. Add to that one.")
            begun = job_rows.change(connection, job, JobState.RUNNING, message="Begins with another version.")
            values = {"fraction": 1.0, "model_version": version.version, **job_rows.NO_HOLDER}
            job_rows.change(connection, begun, JobState.SUCCEEDED, message=message, **values)
            return version

        return self.write(write)

    def versions(self, name: str, tenant: str = LOCAL) -> Sequence[ModelVersion]:
        """As `Catalogue` says."""
        same = (MODELS.c.name == name) & (MODELS.c.tenant == tenant)
        found = self.read(sa.select(MODELS).where(same).order_by(MODELS.c.version.desc()))
        return [ModelVersion(**row) for row in found]


def register_version(connection: sa.Connection, job: Job, path: str, facts: Mapping[str, Any]) -> ModelVersion:
    """Give a search's bundle the next version number of its name; a name's first version is the lock on its numbers."""
    same = (MODELS.c.name == job.name) & (MODELS.c.tenant == job.tenant)
    connection.execute(sa.select(MODELS.c.version).where(same, MODELS.c.version == 1).with_for_update())
    highest = connection.execute(sa.select(sa.func.max(MODELS.c.version)).where(same)).scalar()
    version = ModelVersion(job.tenant, job.name, (highest or 0) + 1, path, job.id, dict(facts), job.read_at)
    connection.execute(MODELS.insert().values(**asdict(version)))
    return version


def _dataset_of(row: sa.RowMapping) -> Dataset:
    return Dataset(**{**row, "state": DatasetState(row["state"])})


def _only(found: Sequence[sa.RowMapping], dataset_id: str) -> Dataset:
    if not found:
        raise UnknownIdError(f"There is no data set {dataset_id!r}.")
    return _dataset_of(found[0])


def _lock_dataset(connection: sa.Connection, dataset_id: str) -> Dataset:
    query = sa.select(DATASETS).where(DATASETS.c.id == dataset_id).with_for_update()
    return _only(connection.execute(query).mappings().all(), dataset_id)


def _add_dataset(connection: sa.Connection, new: NewDataset) -> Dataset:
    dataset_id = new.id or new_id("ds")
    values: dict[str, Any] = {name: getattr(new, name) for name in ("name", "reading", "path", "tenant")}
    values |= {"id": dataset_id, "referenced": new.path is not None, "state": DatasetState.UPLOADING}
    connection.execute(DATASETS.insert().values(**values, created_at=job_rows.now(connection)))
    dataset = _lock_dataset(connection, dataset_id)
    if new.path is None and new.upload is None:
        return dataset
    return _queue_check(connection, dataset, {} if new.upload is None else asdict(new.upload))


def _receive_upload(connection: sa.Connection, dataset_id: str, upload: Upload) -> Dataset:
    dataset = _lock_dataset(connection, dataset_id)
    if dataset.referenced:
        raise ConflictError(f"Data set {dataset_id} names a file by path and takes no upload. Create another data set without `path`.")
    if dataset.state not in (DatasetState.UPLOADING, DatasetState.INVALID):
        raise ConflictError(f"Data set {dataset_id} is {dataset.state} and takes no other file. Create another data set.")
    return _queue_check(connection, dataset, asdict(upload))


def _queue_check(connection: sa.Connection, dataset: Dataset, values: dict[str, Any]) -> Dataset:
    job = job_rows.insert_job(connection, NewJob(JobKind.DATASET, dataset.name, dataset.id, {}, tenant=dataset.tenant))
    values |= {"state": DatasetState.VALIDATING, "job_id": job.id, "report": None, "error": None}
    connection.execute(DATASETS.update().where(DATASETS.c.id == dataset.id).values(**values))
    return _lock_dataset(connection, dataset.id)
