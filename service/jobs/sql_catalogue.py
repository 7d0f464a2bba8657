"""Data sets and model versions on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.errors import ConflictError, UnknownIdError
from service.jobs import rows
from service.jobs.catalogue import Dataset, DatasetState, ModelVersion, NewDataset, Upload
from service.jobs.job import Job, JobKind, NewJob
from service.jobs.tables import DATASETS, MODELS, open_engine, reading

Result = TypeVar("Result")
TRIES = 5


class SqlCatalogue:
    """`Catalogue` on a relational database; the laws are written there."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._reads = reading(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def check(self) -> None:
        """Reach the database, or raise what the driver raises."""
        self._read(sa.select(sa.literal(1)))

    def add_dataset(self, new: NewDataset) -> Dataset:
        """As `Catalogue` says."""
        return self._write(lambda connection: _add_dataset(connection, new))

    def receive_upload(self, dataset_id: str, upload: Upload) -> Dataset:
        """As `Catalogue` says."""
        return self._write(lambda connection: _receive_upload(connection, dataset_id, upload))

    def dataset(self, dataset_id: str) -> Dataset:
        """As `Catalogue` says."""
        found = self._read(sa.select(DATASETS).where(DATASETS.c.id == dataset_id))
        return _only(found, dataset_id)

    def datasets(self, before: int | None, limit: int) -> Sequence[Dataset]:
        """As `Catalogue` says."""
        query = sa.select(DATASETS).order_by(DATASETS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(DATASETS.c.number < before)
        return [_dataset_of(row) for row in self._read(query)]

    def models(self) -> Sequence[ModelVersion]:
        """As `Catalogue` says."""
        newest = sa.select(MODELS.c.name, sa.func.max(MODELS.c.version).label("version")).group_by(MODELS.c.name).subquery()
        same = (MODELS.c.name == newest.c.name) & (MODELS.c.version == newest.c.version)
        found = self._read(sa.select(MODELS).join(newest, same).order_by(MODELS.c.name))
        return [ModelVersion(**row) for row in found]

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """As `Catalogue` says."""
        found = self._read(sa.select(MODELS).where(MODELS.c.name == name).order_by(MODELS.c.version.desc()))
        return [ModelVersion(**row) for row in found]

    def _read(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        with self._reads.begin() as connection:
            return connection.execute(query).mappings().all()

    def _write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` as one transaction; once more where another one took the same key or version number first."""
        for _ in range(TRIES - 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except IntegrityError:
                continue
        with self._engine.begin() as connection:
            return work(connection)


def register_version(connection: sa.Connection, job: Job, path: str) -> ModelVersion:
    """Give a search's bundle the next version number of its name; a name's first version is the lock on its numbers."""
    first = sa.select(MODELS.c.version).where(MODELS.c.name == job.name, MODELS.c.version == 1)
    connection.execute(first.with_for_update())
    highest = connection.execute(sa.select(sa.func.max(MODELS.c.version)).where(MODELS.c.name == job.name)).scalar()
    version = ModelVersion(name=job.name, version=(highest or 0) + 1, path=path, job_id=job.id, created_at=job.read_at)
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
    dataset_id = rows.new_id("ds")
    values: dict[str, Any] = {**asdict(new), "id": dataset_id, "referenced": new.path is not None, "state": DatasetState.UPLOADING}
    connection.execute(DATASETS.insert().values(**values, created_at=rows.now(connection)))
    dataset = _lock_dataset(connection, dataset_id)
    return dataset if new.path is None else _queue_check(connection, dataset, {})


def _receive_upload(connection: sa.Connection, dataset_id: str, upload: Upload) -> Dataset:
    dataset = _lock_dataset(connection, dataset_id)
    if dataset.referenced:
        raise ConflictError(f"Data set {dataset_id} names a file by path and takes no upload. Create another data set without `path`.")
    if dataset.state not in (DatasetState.UPLOADING, DatasetState.INVALID):
        raise ConflictError(f"Data set {dataset_id} is {dataset.state} and takes no other file. Create another data set.")
    return _queue_check(connection, dataset, asdict(upload))


def _queue_check(connection: sa.Connection, dataset: Dataset, values: dict[str, Any]) -> Dataset:
    job = rows.insert_job(connection, NewJob(JobKind.DATASET, dataset.name, dataset.id, {}))
    values |= {"state": DatasetState.VALIDATING, "job_id": job.id, "report": None, "error": None}
    connection.execute(DATASETS.update().where(DATASETS.c.id == dataset.id).values(**values))
    return _lock_dataset(connection, dataset.id)
