"""Numbers of a model's versions: a number is given once, also where its version was deleted.

The row of a name's highest number is the lock on its versions: whoever adds or deletes one holds it alone, whoever points at one shares it.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ihas_service.errors import ConflictError
from ihas_service.storage.tables import MODEL_NUMBERS, MODELS


def next_number(connection: sa.Connection, tenant: str, name: str) -> int:
    """The number after the highest that a name ever had; nobody else gets one before the transaction ends."""
    last = hold_alone(connection, tenant, name)
    if last:
        connection.execute(MODEL_NUMBERS.update().where(_same(tenant, name)).values(last=last + 1))
    else:
        connection.execute(MODEL_NUMBERS.insert().values(tenant=tenant, name=name, last=1))
    return last + 1


def hold_alone(connection: sa.Connection, tenant: str, name: str) -> int:
    """The highest number that a name ever had, 0 for none; nobody adds a version, or points at one, before the transaction ends."""
    return int(connection.execute(sa.select(MODEL_NUMBERS.c.last).where(_same(tenant, name)).with_for_update()).scalar() or 0)


def hold_together(connection: sa.Connection, tenant: str, name: str) -> int:
    """The highest number that a name ever had, 0 for none; no version is added or deleted before the transaction ends."""
    query = sa.select(MODEL_NUMBERS.c.last).where(_same(tenant, name)).with_for_update(read=True)
    return int(connection.execute(query).scalar() or 0)


def check_there(connection: sa.Connection, tenant: str, name: str, versions: Iterable[int]) -> None:
    """Let no version be deleted before the transaction ends, and check that those named have not been.

    Raises:
        ConflictError: one was deleted.
    """
    gone = deleted(connection, tenant, name, versions)
    if gone:
        raise ConflictError(f"Version {min(gone)} of model {name!r} was deleted. `GET /v1/models/{name}` lists those that there are.")


def deleted(connection: sa.Connection, tenant: str, name: str, versions: Iterable[int]) -> frozenset[int]:
    """Those of the versions that there were once; no further one is deleted before the transaction ends."""
    named, last = set(versions), hold_together(connection, tenant, name)
    same = (MODELS.c.tenant == tenant) & (MODELS.c.name == name) & MODELS.c.version.in_(named)
    there = set(connection.execute(sa.select(MODELS.c.version).where(same)).scalars())
    return frozenset(version for version in named - there if version <= last)


def _same(tenant: str, name: str) -> sa.ColumnElement[bool]:
    return (MODEL_NUMBERS.c.tenant == tenant) & (MODEL_NUMBERS.c.name == name)
