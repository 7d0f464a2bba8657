"""How many bytes a tenant may keep, and how many it keeps.

Files are added up where they are listed, in small tables by an index; answers and events by a running sum. What is added is checked under
a lock of the tenant's, so that two who add at the same time never exceed a quota together.
"""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage.locks import QUOTA_LOCK, one_at_a_time
from ihas_service.storage.room import Room
from ihas_service.storage.tables import DATASET_VERSIONS, DATASETS, JOBS, MODELS

DATASET_WORDS = ("data sets", "IHAS_MAX_DATASET_BYTES_PER_TENANT", "Delete some (`DELETE /v1/datasets/{id}`, `ihas dataset rm ID`)")
SEARCH_WORDS = (
    "searches and models",
    "IHAS_MAX_SEARCH_BYTES_PER_TENANT",
    "Delete searches (`DELETE /v1/searches/{id}`, `ihas search rm ID`) or versions (`ihas model rm NAME VERSION`)",
)


def dataset_room(connection: sa.Connection, tenant: str, limit: int, without: str = "") -> Room:
    """Uploaded files of a tenant, but for that of the data set `without`, whose file is to be replaced; none was appended to it yet."""
    own = (DATASETS.c.tenant == tenant) & DATASETS.c.deleted_at.is_(None) & (DATASETS.c.id != without)
    appended = (DATASET_VERSIONS.c.tenant == tenant) & DATASET_VERSIONS.c.deleted_at.is_(None) & DATASET_VERSIONS.c.path.is_not(None)
    used = _sum(connection, DATASETS.c.size, own) + _sum(connection, DATASET_VERSIONS.c.size, appended)
    return Room(DATASET_WORDS, used, limit)


def search_room(connection: sa.Connection, tenant: str, limit: int) -> Room:
    """Run folders, estimates and bundles of a tenant."""
    versions = _sum(connection, MODELS.c.bytes, MODELS.c.tenant == tenant)
    return Room(SEARCH_WORDS, versions + _sum(connection, JOBS.c.bytes, (JOBS.c.tenant == tenant) & (JOBS.c.bytes > 0)), limit)


def one_of_tenant(connection: sa.Connection, tenant: str) -> None:
    """Let nobody else add to what the tenant keeps before the transaction ends."""
    one_at_a_time(connection, QUOTA_LOCK, sa.func.hashtext(tenant))


def _sum(connection: sa.Connection, column: sa.Column[int], which: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(which)).scalar_one())
