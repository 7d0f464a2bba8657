"""Items that a user has clicked, as far as events are kept."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.feedback import CLICK
from ihas_service.storage.tables import DIRECT_EVENTS, FEEDBACK


class SeenItems:
    """Reads them from the tables of events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant: str, model: str, user: str, most: int) -> Sequence[str]:
        """Ids of clicked items, those clicked last first, each once.

        Args:
            user: as `user_of` spells it.
            most: items.
        """
        clicked = [
            sa.select(table.c.item_id, sa.func.coalesce(table.c.happened_at, table.c.at).label("when")).where(
                table.c.tenant == tenant, table.c.model == model, table.c.user_id == user, table.c.kind == CLICK
            )
            for table in (FEEDBACK, DIRECT_EVENTS)
        ]
        both = sa.union_all(*clicked).subquery()
        last = sa.func.max(both.c.when)
        query = sa.select(both.c.item_id).group_by(both.c.item_id).order_by(last.desc(), both.c.item_id).limit(most)
        return [row["item_id"] for row in self._database.read(query)]

    def forget(self, tenant: str, model: str, user: str) -> int:
        """Let clicks be nobody's; how many were the user's."""

        def write(connection: sa.Connection) -> int:
            return sum(
                connection.execute(
                    table.update().where(table.c.tenant == tenant, table.c.model == model, table.c.user_id == user).values(user_id=None)
                ).rowcount
                for table in (FEEDBACK, DIRECT_EVENTS)
            )

        return self._database.write(write)
