"""A data set that is read anew with other columns: the service copies the file that it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ihas_service.auth.scopes import EVERYTHING
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker
from tests.service.http.routes.test_datasets import CSV, checked, created, files
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def _read(settings: Settings, dataset_id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((settings.folder / "datasets" / dataset_id / "data.json").read_text())
    return found


def test_a_copy_has_the_same_bytes_and_what_is_stated_of_its_columns(live: LiveServer, settings: Settings) -> None:
    """Digest and format are the original's, the columns its own; it is checked, and outlives the original."""
    first = created(live, format="csv", delimiter=",", columns={"label": "click"})
    sent = live.json("PUT", f"/v1/datasets/{first}/content", content=CSV)
    second = live.json("POST", "/v1/datasets", json={"name": "again", "copy_of": first, "columns": {"label": "click", "ignored": ["user"]}})
    live.json("DELETE", f"/v1/datasets/{first}")
    with RunningWorker(settings):
        state = checked(live, second["id"])
    read = _read(settings, second["id"])

    assert (second["name"], second["state"], second["sha256"]) == ("again", "validating", sent["sha256"])
    assert (state, [path.read_bytes() for path in files(settings, second["id"])]) == ("valid", [CSV])
    assert (read["format"], read["delimiter"]) == ("csv", ",")
    assert isinstance(read["columns"], dict)
    assert (read["columns"]["label"], read["columns"]["ignored"]) == ("click", ["user"])


def test_an_invalid_file_is_read_anew(live: LiveServer, settings: Settings) -> None:
    """A wrong label is corrected without the file being sent again."""
    first = created(live, columns={"label": "user"})
    live.json("PUT", f"/v1/datasets/{first}/content", content=CSV + b"1,\n")
    with RunningWorker(settings):
        checked(live, first)
        second = created(live, copy_of=first, columns={"label": "click"})
        state = checked(live, second)

    assert state == "valid"


def test_a_copy_of_a_file_named_by_path_names_it_too(live: LiveServer, settings: Settings, table: str) -> None:
    """Nothing is copied: it lies where the original reads it."""
    second = created(live, copy_of=created(live, path=table), columns={"label": "click"})
    with RunningWorker(settings):
        state = checked(live, second)

    assert (state, files(settings, second), _read(settings, second)["path"]) == ("valid", [], str(Path(table)))


def test_what_cannot_be_copied_is_refused(live: LiveServer, store: SqlStore, settings: Settings) -> None:
    """An unknown data set, one without a file, two sources at once, one that was appended to, rules that both together break."""
    empty, whole = created(live), created(live, interactions={"user": "user", "item": "click"})
    live.json("PUT", f"/v1/datasets/{whole}/content", content=CSV)
    bodies = [{"copy_of": "ds_none"}, {"copy_of": empty}, {"copy_of": whole, "uri": "s3://shop/a"}, {"copy_of": whole, "labelled": False}]
    said = [live.http.post("/v1/datasets", json={"name": "again", **body}) for body in bodies]
    with RunningWorker(settings):
        checked(live, whole)
    live.json("POST", f"/v1/datasets/{whole}/append", content=CSV)
    with RunningWorker(settings):
        checked(live, whole)
    live.json("GET", f"/v1/datasets/{whole}")

    assert [one.status_code for one in said] == [404, 409, 422, 422]
    assert "has no file to copy" in said[1].json()["detail"]
    assert len(live.json("GET", "/v1/datasets")["datasets"]) == 2


def test_no_other_tenant_copies(guarded: LiveServer, new_headers: NewKey) -> None:
    """404, as of what is not there."""
    mine = str(guarded.json("POST", "/v1/datasets", json={"name": "clicks"}, headers=new_headers())["id"])
    guarded.json("PUT", f"/v1/datasets/{mine}/content", content=CSV, headers=new_headers())
    refused = guarded.http.post("/v1/datasets", json={"name": "again", "copy_of": mine}, headers=new_headers("acme", EVERYTHING))

    assert refused.status_code == 404


def test_a_copy_counts_in_the_quota(settings: Settings, store: SqlStore) -> None:
    """413 where both do not fit, and nothing is left."""
    with LiveServer(settings.model_copy(update={"max_dataset_bytes_per_tenant": 30})) as live:
        first = created(live)
        live.json("PUT", f"/v1/datasets/{first}/content", content=CSV)
        refused = live.http.post("/v1/datasets", json={"name": "again", "copy_of": first})

        assert (refused.status_code, len(live.json("GET", "/v1/datasets")["datasets"])) == (413, 1)
    assert [path.name for path in (settings.folder / "datasets").iterdir()] == [first]
