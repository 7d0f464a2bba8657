"""About how many bytes the answers and events of a tenant take: a running sum, since their tables are large."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ihas_service.storage.tables import ANSWER_BYTES

EVENT_BYTES = 200
"""About the bytes of an event."""


def add(connection: sa.Connection, changes: Iterable[tuple[str, int]]) -> None:
    """Add to the sums of tenants, always in the same order, so that two transactions wait for each other in one direction only.

    Args:
        connection: within the transaction that adds or removes the rows.
        changes: tenant and bytes, below 0 for what goes. What went from before there was a sum leaves no sum below 0.
    """
    sums: dict[str, int] = {}
    for tenant, size in changes:
        sums[tenant] = sums.get(tenant, 0) + size
    for tenant, size in sorted(sums.items()):
        after = ANSWER_BYTES.c.bytes + size
        same = ANSWER_BYTES.c.tenant == tenant
        if connection.execute(ANSWER_BYTES.update().where(same).values(bytes=sa.case((after > 0, after), else_=0))).rowcount == 0:
            connection.execute(ANSWER_BYTES.insert().values(tenant=tenant, bytes=max(0, size)))


def of(connection: sa.Connection, tenant: str) -> int:
    """The sum of a tenant."""
    return int(connection.execute(sa.select(ANSWER_BYTES.c.bytes).where(ANSWER_BYTES.c.tenant == tenant)).scalar() or 0)
