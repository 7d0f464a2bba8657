"""Notes and tags of searches in the table, and the form before them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage.database import VERSION, bring_up_to_date
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.notes import set_note
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.rewinding import drop_0015

pytestmark = pytest.mark.full

ASKED = NewJob(SEARCH, "films", "ds_1", {"learning": {}, "run": {}})


def test_a_note_takes_the_place_of_the_one_before(empty_store: SqlStore) -> None:
    """Any text is kept, as far as a database holds it; the job's state and events stay."""
    job = empty_store.submit(ASKED)
    set_note(empty_store, job.id, "a\0b \ud800 ü\u202e", ["spring", "\0"])
    noted = empty_store.job(job.id)
    set_note(empty_store, job.id, "", [])
    bare = empty_store.job(job.id)

    assert (noted.note, noted.tags) == ("a\ufffdb \ufffd ü\u202e", ["spring", "\ufffd"])
    assert (bare.note, bare.tags, bare.state, bare.last_event) == (None, None, job.state, job.last_event)
    with pytest.raises(UnknownIdError, match="sr_none"):
        set_note(empty_store, "sr_none", "x", [])


def test_jobs_of_the_form_before_have_none(empty_store: SqlStore) -> None:
    """Rows of 0013 are read as before, and can be written about."""
    job = empty_store.submit(ASKED)

    def back(connection: sa.Connection) -> None:
        drop_0015(connection)
        connection.execute(VERSION.update().values(version_num="0014"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    assert (empty_store.job(job.id).note, empty_store.job(job.id).tags) == (None, None)
    set_note(empty_store, job.id, "Kept.", ["old"])
    assert (empty_store.job(job.id).note, empty_store.job(job.id).tags) == ("Kept.", ["old"])
