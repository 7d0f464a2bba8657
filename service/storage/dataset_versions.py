"""Versions of data sets, inside an open transaction.

The first version is the row of the data set. Each later one is a row here, and holds the file that was appended to its parent: a version's
table is the files along its chain of parents. Only valid versions are parents, and only one that is nobody's parent is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ihas.folders import joined_digest
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.storage.catalogue import Dataset, DatasetState, DatasetVersion, NewVersion
from ihas_service.storage.plain_text import plain
from ihas_service.storage.removal_notes import note
from ihas_service.storage.tables import DATASET_VERSIONS, database_now

MAX_VERSIONS = 10_000
"""Versions of one data set; each is a file that a run opens."""
V = DATASET_VERSIONS.c
FACTS = tuple(column for column in DATASET_VERSIONS.c if column.name not in ("report", "error"))
SHOWN = tuple(V[name] for name in DatasetVersion.__dataclass_fields__)


def first_version(dataset: Dataset) -> DatasetVersion:
    """The first version of a data set, whose row this is."""
    rows = (dataset.report or {}).get("rows")
    facts = (dataset.size, dataset.sha256, dataset.sha256, rows, dataset.job_id, dataset.error)
    return DatasetVersion(1, dataset.state, None, *facts, None, dataset.created_at)


def version_of(row: sa.RowMapping | Mapping[str, Any]) -> DatasetVersion:
    """A version of the row that a query of `SHOWN` gives."""
    return DatasetVersion(**{**row, "state": DatasetState(row["state"])})


def at_version(connection: sa.Connection, dataset: Dataset, version: int | None) -> Dataset:
    """A data set as one of its versions; the one in use by default.

    Raises:
        UnknownIdError: there is no such version.
    """
    rows = _facts(connection, dataset.id)
    number = _in_use(rows) if version is None else version
    if number == 1:
        return dataset
    chain = _chain(rows, number)
    if not chain:
        raise UnknownIdError(f"Data set {dataset.id!r} has no version {number}.")
    own = (V.dataset_id == dataset.id) & (V.version == number)
    told = connection.execute(sa.select(V.report, V.error).where(own)).mappings().one()
    newest = chain[-1]
    return replace(
        dataset,
        **told,
        version=number,
        state=DatasetState(newest["state"]),
        size=(dataset.size or 0) + sum(row["size"] for row in chain),
        sha256=newest["sha256"],
        job_id=newest["job_id"],
        deleted_at=dataset.deleted_at or newest["deleted_at"],
        appended=tuple(str(row["path"]) for row in chain if row["path"] is not None),
    )


def in_use(connection: sa.Connection, datasets: Sequence[Dataset]) -> list[Dataset]:
    """Data sets as their versions in use, without these versions' reports and files."""
    ids = [dataset.id for dataset in datasets]
    valid = V.dataset_id.in_(ids) & (V.state == DatasetState.VALID) & V.deleted_at.is_(None)
    total, newest = sa.func.sum(V.size).label("size"), sa.func.max(V.version).label("version")
    sums = sa.select(V.dataset_id, total, newest).where(valid).group_by(V.dataset_id).subquery()
    same = (V.dataset_id == sums.c.dataset_id) & (V.version == sums.c.version)
    query = sa.select(sums.c.dataset_id, sums.c.size, sums.c.version, V.sha256).join_from(sums, DATASET_VERSIONS, same)
    found = {row["dataset_id"]: row for row in connection.execute(query).mappings()}
    return [_grown(dataset, found[dataset.id]) if dataset.id in found else dataset for dataset in datasets]


def _grown(dataset: Dataset, row: sa.RowMapping) -> Dataset:
    return replace(dataset, size=(dataset.size or 0) + int(row["size"]), version=row["version"], sha256=row["sha256"])


def check_takes_rows(connection: sa.Connection, dataset: Dataset) -> int:
    """Check that rows may be appended to a data set, whose first version this is; the version that they would follow.

    Raises:
        ConflictError: they may not.
    """
    if dataset.state is not DatasetState.VALID:
        raise ConflictError(
            f"Data set {dataset.id} is {dataset.state}; rows are appended to a valid one. Upload its first file, or mend it."
        )
    rows = _facts(connection, dataset.id)
    checking = [row["version"] for row in rows if row["state"] == DatasetState.VALIDATING and row["deleted_at"] is None]
    if checking:
        raise ConflictError(f"Version {checking[0]} of data set {dataset.id} is being checked. Append again once that has ended.")
    if len(rows) + 1 >= MAX_VERSIONS:
        raise ConflictError(
            f"Data set {dataset.id} has {len(rows) + 1:,} versions, the maximum. Make another data set, and append more at once."
        )
    return _in_use(rows)


def next_number(connection: sa.Connection, dataset_id: str) -> int:
    """Number of the next version; that of a deleted one is not given again."""
    return (
        int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(V.version), 1)).where(V.dataset_id == dataset_id)).scalar_one()) + 1
    )


def insert_version(connection: sa.Connection, dataset: Dataset, parent: int, new: NewVersion, job_id: str) -> DatasetVersion:
    """Add the next version, whose check is a job; the data set's row must be locked."""
    rows = _facts(connection, dataset.id)
    digests = [dataset.sha256, *(row["file_sha256"] for row in _chain(rows, parent)), new.upload.sha256]
    known = [digest for digest in digests if digest is not None]
    values = {
        "version": next_number(connection, dataset.id),
        "state": DatasetState.VALIDATING,
        "parent": parent,
        "size": new.upload.size,
        "file_sha256": new.upload.sha256,
        "sha256": joined_digest(known) if len(known) == len(digests) else None,
        "job_id": job_id,
        "actor": new.actor,
        "created_at": float(connection.execute(sa.select(database_now())).scalar_one()),
    }
    owner = {"dataset_id": dataset.id, "tenant": dataset.tenant, "path": new.upload.path}
    connection.execute(DATASET_VERSIONS.insert().values(**values, **owner))
    return version_of({**values, "rows": None, "error": None})


def version_of_job(connection: sa.Connection, job_id: str) -> DatasetVersion | None:
    """The version that a job checks; None for that of a first version."""
    row = connection.execute(sa.select(*SHOWN).where(V.job_id == job_id)).mappings().one_or_none()
    return None if row is None else version_of(row)


def versions(connection: sa.Connection, dataset: Dataset, before: int | None, limit: int) -> Sequence[DatasetVersion]:
    """Versions with a number below `before`, newest first, but for deleted ones; `dataset` is the first version."""
    query = sa.select(*SHOWN).where(V.dataset_id == dataset.id, V.deleted_at.is_(None)).order_by(V.version.desc()).limit(limit)
    if before is not None:
        query = query.where(V.version < before)
    found = [version_of(row) for row in connection.execute(query).mappings()]
    return [*found, first_version(dataset)][:limit] if before is None or before > 1 else found


def accept(connection: sa.Connection, job_id: str, report: Mapping[str, Any], sha256: str | None) -> None:
    """Let a version be valid."""
    values = {
        "state": DatasetState.VALID,
        "report": plain(dict(report)),
        "rows": report.get("rows"),
        "sha256": sa.func.coalesce(V.sha256, sha256),
    }
    connection.execute(DATASET_VERSIONS.update().where(V.job_id == job_id).values(**values))


def refuse(connection: sa.Connection, job_id: str, error: Mapping[str, Any], report: Mapping[str, Any] | None) -> None:
    """Let a version be invalid; its file goes. Nothing happens where the job checks none."""
    row = connection.execute(sa.select(V.path).where(V.job_id == job_id, V.state == DatasetState.VALIDATING)).one_or_none()
    if row is None:
        return
    values = {"state": DatasetState.INVALID, "report": plain(report), "error": plain(dict(error)), "path": None}
    connection.execute(DATASET_VERSIONS.update().where(V.job_id == job_id).values(**values))
    if row.path is not None:
        note(connection, row.path)


def checking_job(connection: sa.Connection, dataset_id: str) -> str | None:
    """Job that checks a version of a data set, where one does."""
    checking = (V.dataset_id == dataset_id) & (V.state == DatasetState.VALIDATING) & V.deleted_at.is_(None)
    return connection.execute(sa.select(V.job_id).where(checking)).scalar_one_or_none()


def children(connection: sa.Connection, dataset_id: str, version: int) -> Sequence[int]:
    """Versions that rows were appended to this one for, and that hold or may come to hold them."""
    alive = V.deleted_at.is_(None) & (V.state != DatasetState.INVALID)
    query = sa.select(V.version).where((V.dataset_id == dataset_id) & (V.parent == version) & alive).order_by(V.version)
    return connection.execute(query).scalars().all()


def forget(connection: sa.Connection, which: sa.ColumnElement[bool], at: float) -> int:
    """Delete versions; what jobs show of them stays. Bytes of their files."""
    there = which & V.deleted_at.is_(None)
    size = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(V.size), 0)).where(there & V.path.is_not(None))).scalar_one()
    connection.execute(DATASET_VERSIONS.update().where(there).values(deleted_at=at, report=None, error=None))
    return int(size)


def check_there(connection: sa.Connection, dataset_id: str, version: int | None) -> None:
    """Check that a version can be read; the data set's row must be locked.

    Raises:
        ConflictError: it was deleted, or is not valid.
    """
    if version is None or version == 1:
        return
    own = (V.dataset_id == dataset_id) & (V.version == version) & V.deleted_at.is_(None) & (V.state == DatasetState.VALID)
    if connection.execute(sa.select(V.version).where(own)).scalar() is None:
        raise ConflictError(f"Data set {dataset_id} has no valid version {version} any more. Submit a new search on another version.")


def files(connection: sa.Connection, dataset_id: str) -> frozenset[str]:
    """Paths of the files of a data set's versions, but for the first one's."""
    query = sa.select(V.path).where(V.dataset_id == dataset_id, V.deleted_at.is_(None), V.path.is_not(None))
    return frozenset(map(str, connection.execute(query).scalars()))


def _facts(connection: sa.Connection, dataset_id: str) -> Sequence[sa.RowMapping]:
    """Versions after the first, in order, the deleted ones too, without what is large."""
    return connection.execute(sa.select(*FACTS).where(V.dataset_id == dataset_id).order_by(V.version)).mappings().all()


def _in_use(rows: Sequence[sa.RowMapping]) -> int:
    return max((row["version"] for row in rows if row["state"] == DatasetState.VALID and row["deleted_at"] is None), default=1)


def _chain(rows: Sequence[sa.RowMapping], version: int) -> list[sa.RowMapping]:
    """Rows from the first one after version 1 to that of a version; empty where there is none."""
    by_number = {row["version"]: row for row in rows}
    found: list[sa.RowMapping] = []
    while version in by_number:
        found.append(by_number[version])
        version = by_number[version]["parent"]
    return found[::-1]
