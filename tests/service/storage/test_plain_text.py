"""Texts that every database holds."""

from __future__ import annotations

import pytest

from ihas_service.storage.plain_text import plain
from ihas_service.storage.sql_store import SqlStore
from tests.contracts.job_store import claimed, progress, search
from tests.service.postgres import PostgresServer


def test_characters_that_no_database_holds_are_replaced() -> None:
    """In texts and names of a JSON value, however deep; a whole pair of surrogates is the character that it means."""
    value = {"a\0b": ["\ud800", "\ud83d\ude00", "é", 1, None, ("x\0",)]}
    assert plain(value) == {"a\ufffdb": ["\ufffd", "\N{GRINNING FACE}", "é", 1, None, ["x\ufffd"]]}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_childs_words_may_hold_anything(backend: str, request: pytest.FixtureRequest) -> None:
    """A message that quotes a cell with the character of number 0 neither stops the job nor is told as an outage."""
    if backend == "sqlite":
        store = SqlStore("sqlite://" + f"/{request.getfixturevalue('tmp_path') / 'ihas.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        store = SqlStore(server.new_database())
    store.submit(search())
    job = claimed(store)
    store.record(job.id, job.token, progress().model_copy(update={"message": "cell 'a\0b' \udcff"}))
    assert store.job(job.id).message == "cell 'a\ufffdb' \ufffd"
    store.fail(job.id, job.token, {"code": "data", "detail": "a\0b", "findings": [{"message": "\ud800"}]})
    assert store.job(job.id).error == {"code": "data", "detail": "a\ufffdb", "findings": [{"message": "\ufffd"}]}
    store.close()
