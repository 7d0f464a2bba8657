"""Notes and tags of searches: columns of the job's row, which go with it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage.database import Database
from ihas_service.storage.plain_text import plain, plain_text
from ihas_service.storage.tables import JOBS


def set_note(database: Database, job_id: str, note: str, tags: Sequence[str]) -> None:
    """Write down a note and tags in place of those before; neither state nor events of the job change.

    Raises:
        UnknownIdError: the job was deleted.
    """
    values = {"note": plain_text(note) or None, "tags": plain(list(tags)) or None}

    def write(connection: sa.Connection) -> None:
        if connection.execute(JOBS.update().where(JOBS.c.id == job_id).values(**values)).rowcount == 0:
            raise UnknownIdError(f"There is no job {job_id!r}.")

    database.write(write)
