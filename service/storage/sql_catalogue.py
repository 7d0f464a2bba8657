"""Data sets and model versions on SQLAlchemy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.ids import new_id
from ihas_service.states import JobState
from ihas_service.storage import dataset_versions, job_rows, quotas
from ihas_service.storage.catalogue import Dataset, DatasetState, DatasetVersion, ModelVersion, NewBundle, NewDataset, NewVersion, Upload
from ihas_service.storage.database import Database
from ihas_service.storage.job import DATASET, SEARCH, Job, NewJob
from ihas_service.storage.promotion import LIVE, Fate, promote, serving, settings_of
from ihas_service.storage.promotion_settings import PromotionSettings
from ihas_service.storage.removal_notes import note
from ihas_service.storage.room import Room
from ihas_service.storage.tables import DATASETS, JOBS, MODELS
from ihas_service.storage.tenants import LOCAL
from ihas_service.storage.version_numbers import next_number


class SqlCatalogue(Database):
    """`Catalogue` on a relational database; the laws are written there."""

    def add_dataset(self, new: NewDataset, max_bytes: int = 0) -> Dataset:
        """As `Catalogue` says."""
        return self.write(lambda connection: _add_dataset(connection, new, max_bytes))

    def receive_upload(self, dataset_id: str, upload: Upload, max_bytes: int = 0) -> Dataset:
        """As `Catalogue` says."""
        return self.write(lambda connection: _receive_upload(connection, dataset_id, upload, max_bytes))

    def dataset_room(self, tenant: str, max_bytes: int, without: str = "") -> Room:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            return quotas.dataset_room(connection, tenant, max_bytes, without)

    def search_room(self, tenant: str, max_bytes: int) -> Room:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            return quotas.search_room(connection, tenant, max_bytes)

    def dataset(self, dataset_id: str, version: int | None = None) -> Dataset:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            return dataset_versions.at_version(connection, _dataset(connection, dataset_id), version)

    def append(self, new: NewVersion, max_bytes: int = 0) -> DatasetVersion:
        """As `Catalogue` says."""
        return self.write(lambda connection: append_version(connection, new, max_bytes))

    def check_takes_rows(self, dataset_id: str, key: str | None = None) -> None:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            dataset = _dataset(connection, dataset_id)
            same = (JOBS.c.key == key) & (JOBS.c.tenant == dataset.tenant)
            if key is None or connection.execute(sa.select(JOBS.c.id).where(same)).scalar() is None:
                dataset_versions.check_takes_rows(connection, dataset)

    def checking(self, dataset_id: str) -> bool:
        """Whether a version of a data set is being checked."""
        with self._reads.begin() as connection:
            return dataset_versions.checking_job(connection, dataset_id) is not None

    def dataset_versions(self, dataset_id: str, before: int | None, limit: int) -> Sequence[DatasetVersion]:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            return dataset_versions.versions(connection, _dataset(connection, dataset_id), before, limit)

    def limit_growth(self, dataset_id: str, limits: Mapping[str, Any]) -> None:
        """As `Catalogue` says."""
        query = DATASETS.update().where(DATASETS.c.id == dataset_id).values(limits=dict(limits))
        self.write(lambda connection: connection.execute(query))

    def dataset_files(self, dataset_id: str) -> frozenset[str]:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            try:
                dataset = _dataset(connection, dataset_id)
            except UnknownIdError:
                return frozenset()
            return frozenset() if dataset.deleted_at else dataset_versions.files(connection, dataset_id) | {str(dataset.path)}

    def datasets(self, before: int | None, limit: int, tenant: str = LOCAL) -> Sequence[Dataset]:
        """As `Catalogue` says."""
        own = (DATASETS.c.tenant == tenant) & DATASETS.c.deleted_at.is_(None)
        query = sa.select(DATASETS).where(own).order_by(DATASETS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(DATASETS.c.number < before)
        with self._reads.begin() as connection:
            return dataset_versions.in_use(connection, [_dataset_of(row) for row in connection.execute(query).mappings()])

    def models(self, tenant: str | None = None) -> Sequence[ModelVersion]:
        """As `Catalogue` says."""
        newest = sa.func.max(MODELS.c.version).over(partition_by=(MODELS.c.tenant, MODELS.c.name)).label("newest")
        ranked = sa.select(MODELS, newest).subquery()
        query = sa.select(*(ranked.c[column.name] for column in MODELS.c)).where(ranked.c.version == ranked.c.newest)
        if tenant is not None:
            query = query.where(ranked.c.tenant == tenant)
        return [ModelVersion(**row) for row in self.read(query.order_by(ranked.c.name, ranked.c.tenant))]

    def register(
        self, base: ModelVersion, name: str, bundle: NewBundle, message: str, newest: int | None = None, max_bytes: int = 0
    ) -> ModelVersion:
        """As `Catalogue` says."""

        def write(connection: sa.Connection) -> ModelVersion:
            before = job_rows.lock_job(connection, base.job_id)
            if max_bytes:
                quotas.one_of_tenant(connection, base.tenant)
                quotas.search_room(connection, base.tenant, max_bytes).check(int(bundle.facts.get("bytes", 0)))
            job = job_rows.insert_job(
                connection,
                NewJob(SEARCH, name, before.dataset_id, before.settings, tenant=base.tenant, dataset_version=before.dataset_version),
            )
            fate = Fate(candidate=base.candidate and base.name == name)
            version = register_version(connection, job, next_number(connection, base.tenant, name), bundle, fate)
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

    def promotion(self, tenant: str, name: str) -> PromotionSettings:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            return settings_of(connection, tenant, name).settings

    def serving_version(self, tenant: str, name: str) -> ModelVersion | None:
        """As `Catalogue` says."""
        with self._reads.begin() as connection:
            number = serving(connection, tenant, name)
        return next((one for one in self.versions(name, tenant) if one.version == number), None)


def register_version(connection: sa.Connection, job: Job, number: int, bundle: NewBundle, fate: Fate = LIVE) -> ModelVersion:
    """Add the version of a search's bundle under a number that `next_number` gave; its facts say its `bytes` where they are known."""
    known = {name: fact for name, fact in bundle.facts.items() if name != "bytes"}
    size = int(bundle.facts.get("bytes", 0))
    version = ModelVersion(job.tenant, job.name, number, bundle.path, job.id, known, job.read_at, size, fate.candidate, fate.gates)
    connection.execute(MODELS.insert().values(**asdict(version)))
    if fate.promote is not None:
        promote(connection, job.tenant, job.name, number, fate.promote)
    return version


def _dataset_of(row: sa.RowMapping) -> Dataset:
    return Dataset(**{**row, "state": DatasetState(row["state"])})


def _only(found: Sequence[sa.RowMapping], dataset_id: str) -> Dataset:
    if not found:
        raise UnknownIdError(f"There is no data set {dataset_id!r}.")
    return _dataset_of(found[0])


def _dataset(connection: sa.Connection, dataset_id: str) -> Dataset:
    """The first version."""
    return _only(connection.execute(sa.select(DATASETS).where(DATASETS.c.id == dataset_id)).mappings().all(), dataset_id)


def append_version(connection: sa.Connection, new: NewVersion, max_bytes: int) -> DatasetVersion:
    """Append rows, inside an open transaction; as `Catalogue.append` says."""
    dataset = _lock_dataset(connection, new.dataset_id)
    body = f"append {dataset.id} {new.upload.sha256}"
    job = NewJob(DATASET, dataset.name, dataset.id, {}, new.key, hashlib.sha256(body.encode()).hexdigest(), dataset.tenant)
    known = job_rows.same_request(connection, job)
    version = None if known is None else dataset_versions.version_of_job(connection, known.id)
    if version is not None:
        note(connection, new.upload.path)
        return version
    parent = dataset_versions.check_takes_rows(connection, dataset)
    if max_bytes:
        quotas.one_of_tenant(connection, dataset.tenant)
        quotas.dataset_room(connection, dataset.tenant, max_bytes).check(new.upload.size)
    number = dataset_versions.next_number(connection, dataset.id)
    queued = job_rows.insert_job(connection, replace(job, dataset_version=number))
    return dataset_versions.insert_version(connection, dataset, parent, new, queued.id)


def _lock_dataset(connection: sa.Connection, dataset_id: str) -> Dataset:
    query = sa.select(DATASETS).where(DATASETS.c.id == dataset_id, DATASETS.c.deleted_at.is_(None)).with_for_update()
    return _only(connection.execute(query).mappings().all(), dataset_id)


def _add_dataset(connection: sa.Connection, new: NewDataset, max_bytes: int) -> Dataset:
    dataset_id = new.id or new_id("ds")
    values: dict[str, Any] = {name: getattr(new, name) for name in ("name", "reading", "path", "tenant", "limits")}
    values |= {"id": dataset_id, "referenced": new.path is not None, "state": DatasetState.UPLOADING}
    connection.execute(DATASETS.insert().values(**values, created_at=job_rows.now(connection)))
    dataset = _lock_dataset(connection, dataset_id)
    if new.path is None and new.upload is None:
        return dataset
    return _take_upload(connection, dataset, new.upload, max_bytes) if new.upload else _queue_check(connection, dataset, {})


def _receive_upload(connection: sa.Connection, dataset_id: str, upload: Upload, max_bytes: int) -> Dataset:
    dataset = _lock_dataset(connection, dataset_id)
    if dataset.referenced:
        raise ConflictError(f"Data set {dataset_id} names a file by path and takes no upload. Create another data set without `path`.")
    if dataset.state not in (DatasetState.UPLOADING, DatasetState.INVALID):
        raise ConflictError(f"Data set {dataset_id} is {dataset.state} and takes no other file. Create another data set.")
    return _take_upload(connection, dataset, upload, max_bytes)


def _take_upload(connection: sa.Connection, dataset: Dataset, upload: Upload, max_bytes: int) -> Dataset:
    """Let a data set name a file that has arrived, in the place of the one before."""
    if max_bytes:
        quotas.one_of_tenant(connection, dataset.tenant)
        quotas.dataset_room(connection, dataset.tenant, max_bytes, dataset.id).check(upload.size)
    if dataset.path is not None:
        note(connection, dataset.path)
    return _queue_check(connection, dataset, asdict(upload))


def _queue_check(connection: sa.Connection, dataset: Dataset, values: dict[str, Any]) -> Dataset:
    job = job_rows.insert_job(connection, NewJob(DATASET, dataset.name, dataset.id, {}, tenant=dataset.tenant))
    values |= {"state": DatasetState.VALIDATING, "job_id": job.id, "report": None, "error": None}
    connection.execute(DATASETS.update().where(DATASETS.c.id == dataset.id).values(**values))
    return _lock_dataset(connection, dataset.id)
