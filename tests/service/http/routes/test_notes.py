"""Notes and tags of searches over HTTP."""

from __future__ import annotations

import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.client.client import Client
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell

pytestmark = pytest.mark.full


def test_a_note_is_shown_with_its_search(live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """In lists too; tags are trimmed and count once; the next note takes its place."""
    job = store.submit(NewJob(SEARCH, "films", valid_dataset, {"learning": {}, "run": {}})).id
    with Client(live.url) as client:
        made = client.set_note(job, "Baseline.", ["may ", "may", "shop"])
        listed = client.searches()["searches"][0]
        gone = client.set_note(job)

    assert (made["note"], made["tags"]) == ("Baseline.", ["may", "shop"])
    assert (listed["note"], listed["tags"]) == ("Baseline.", ["may", "shop"])
    assert (gone["note"], gone["tags"]) == ("", [])


@pytest.mark.parametrize(
    "body",
    [{"note": "x" * 4_001}, {"tags": ["x" * 41]}, {"tags": [""]}, {"tags": ["  "]}, {"tags": [f"t{number}" for number in range(21)]},
     {"tags": "may"}, {"note": None}, {"note": 7}, {"notes": "x"}, {"tags": [["may"]]}],
)  # fmt: skip
def test_what_is_no_note_is_refused(body: dict[str, object], live: LiveServer, store: SqlStore, valid_dataset: str) -> None:
    """And nothing is written."""
    job = store.submit(NewJob(SEARCH, "films", valid_dataset, {"learning": {}, "run": {}})).id

    assert live.http.put(f"/v1/searches/{job}/note", json=body).status_code == 422
    assert store.job(job).note is None


def test_another_tenant_has_no_part_in_it(guarded: LiveServer, store: SqlStore, valid_dataset: str, new_headers: NewKey) -> None:
    """Nor has a key that only reads; the search stays as it was."""
    job = store.submit(NewJob(SEARCH, "films", valid_dataset, {"learning": {}, "run": {}})).id
    reader = new_headers(scopes=frozenset({Scope.READ}))
    asked = [
        guarded.http.put(f"/v1/searches/{job}/note", json={"note": "x"}, headers=one).status_code for one in (new_headers("acme"), reader)
    ]

    assert asked == [404, 403]
    assert store.job(job).note is None


def test_the_command_line_writes_it(
    live: LiveServer, store: SqlStore, valid_dataset: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text and tags; without them the note goes."""
    job = store.submit(NewJob(SEARCH, "films", valid_dataset, {"learning": {}, "run": {}})).id
    monkeypatch.setenv("IHAS_URL", live.url)
    shell = Shell(capsys)
    capsys.readouterr()

    assert shell("search", "note", job, "--text", "Baseline.", "--tag", "may", "--tag", "shop")["tags"] == ["may", "shop"]
    assert shell("search", "note", job)["note"] == ""
