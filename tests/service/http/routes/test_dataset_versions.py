"""Versions of data sets over HTTP: appended, compared, refused, searched on, deleted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.retention.maintenance import Maintenance
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker, eventually
from tests.service.http.routes.test_datasets import checked, created, files
from tests.service.http.routes.test_searches import done, submit
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

FIRST = b"click,user\n0,ada\n1,bob\n"
MORE = b"click,user\n1,eve\n"


def valid(live: LiveServer, **body: object) -> str:
    """Id of a data set whose first file was found valid; a worker must run."""
    dataset_id = created(live, **body)
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=FIRST)
    assert checked(live, dataset_id) == "valid"
    return dataset_id


def append(live: LiveServer, dataset_id: str, content: bytes, **options: Any) -> httpx.Response:
    """The answer to an append."""
    return live.http.post(f"/v1/datasets/{dataset_id}/append", content=content, **options)


def ended(live: LiveServer, dataset_id: str, version: int) -> Any:
    """A version once it was checked."""
    path = f"/v1/datasets/{dataset_id}/versions/{version}"
    return eventually(lambda: found if (found := live.json("GET", path))["state"] != "validating" else None)


def table(rows: Iterable[tuple[int, str, float]]) -> bytes:
    """Clicks, items and prices as CSV."""
    return ("click,item,price\n" + "".join(f"{click},{item},{price}\n" for click, item, price in rows)).encode()


def day(seed: int, number: int = 400, rate: float = 0.3) -> list[tuple[int, str, float]]:
    """Rows of a day."""
    draw = np.random.default_rng(seed)
    prices = draw.normal(5.0, 1.0, number).round(3)
    return [
        (int(click), str(item), float(price))
        for click, item, price in zip(draw.random(number) < rate, draw.choice(list("abcd"), number), prices, strict=True)
    ]


@pytest.mark.slow
def test_a_data_set_grows_by_files_of_any_format_and_by_rows(live: LiveServer, settings: Settings, tmp_path: Path) -> None:
    """The real check: CSV, then Parquet, JSON lines and rows of a request; every version has the rows of those before it."""
    rows = [day(seed, 50) for seed in range(4)]
    named = [dict(zip(("click", "item", "price"), row, strict=True)) for part in rows for row in part]
    pq.write_table(pa.Table.from_pylist(named[50:100]), tmp_path / "b.parquet")
    lines = "".join(json.dumps(row) + "\n" for row in named[100:150]).encode()
    dataset_id = created(live)
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=table(rows[0]))
    with RunningWorker(settings, PIPELINES):
        checked(live, dataset_id)
        for content in ((tmp_path / "b.parquet").read_bytes(), lines):
            answer = append(live, dataset_id, content)
            assert (answer.status_code, answer.json()["state"]) == (202, "validating")
            assert live.json("GET", answer.headers["location"])["version"] == answer.json()["version"]
            assert ended(live, dataset_id, answer.json()["version"])["state"] == "valid"
        live.json("POST", f"/v1/datasets/{dataset_id}/append/rows", json={"rows": named[150:]})
        assert ended(live, dataset_id, 4)["state"] == "valid"
    versions = live.json("GET", f"/v1/datasets/{dataset_id}/versions")["versions"]
    report = live.json("GET", f"/v1/datasets/{dataset_id}/report")

    assert [(one["version"], one["rows"], one["parent"]) for one in versions] == [(4, 200, 3), (3, 150, 2), (2, 100, 1), (1, 50, None)]
    assert (report["rows"], report["changes"]["rows_before"], report["changes"]["rows_appended"]) == (200, 150, 50)
    assert [one["column"] for one in report["changes"]["fields"]] == ["item", "price"]
    assert live.json("GET", f"/v1/datasets/{dataset_id}")["version"] == 4
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files(settings, dataset_id)]
    assert {one["file_sha256"] for one in versions} == set(digests)


@pytest.mark.slow
def test_a_bad_append_leaves_the_version_before_in_use(live: LiveServer, settings: Settings) -> None:
    """The real check: a missing column, a broken label, a bad day above the limits; each says why, with its row, and leaves no file."""
    dataset_id = created(live, limits={"click_rate": 0.5})
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=table(day(1, 1_000)))
    with RunningWorker(settings, PIPELINES):
        checked(live, dataset_id)
        bad = [b"click,item\n1,a\n", table([(7, "a", 0.5)]), table(day(2, 400, 0.9))]
        found = [ended(live, dataset_id, append(live, dataset_id, content).json()["version"]) for content in bad]
        live.json("PUT", f"/v1/datasets/{dataset_id}/limits", json={"click_rate": 9.0})
        taken = ended(live, dataset_id, append(live, dataset_id, bad[2]).json()["version"])
    told = [(one["state"], *[(part["code"], part["row"], part["column"]) for part in one["error"]["findings"]]) for one in found]

    assert told[0] == ("invalid", ("missing_column", None, "price"))
    assert told[1] == ("invalid", ("label_not_binary", 1_001, "click"))
    assert told[2] == ("invalid", ("click_rate_above_limit", None, None))
    assert found[0]["error"]["detail"].startswith("What was appended to data set 'clicks' cannot be appended")
    assert "Row 1 of what was appended" in found[1]["error"]["detail"]
    refused = live.json("GET", f"/v1/datasets/{dataset_id}/versions/4/report")
    assert refused["changes"]["click_rate"]["appended"] > 0.8
    assert (taken["version"], taken["state"], taken["rows"]) == (5, "valid", 1_400)
    store = SqlStore(settings.url)
    Maintenance(store, settings).sweep()  # what the thread of an API process does once a minute
    store.close()
    assert len(files(settings, dataset_id)) == 2


def test_a_search_stays_on_the_version_it_was_submitted_on(live: LiveServer, settings: Settings) -> None:
    """Rows are appended while it runs: it, its lineage and a copy name the version before; the next search reads the new one."""
    with RunningWorker(settings):
        dataset_id = valid(live)
        search = submit(live, dataset_id, "slow").json()
        recipe = settings.folder / "searches" / search["id"] / "recipe.json"
        eventually(recipe.is_file)
        with RunningWorker(settings):
            append(live, dataset_id, MORE)
            assert ended(live, dataset_id, 2)["state"] == "valid"
            later = done(live, submit(live, dataset_id).json()["id"])
        (recipe.parent / "go").touch()
        first = done(live, search["id"])
        copy = live.json("POST", f"/v1/searches/{search['id']}/clone", json={"name": "copy"})
    read = [json.loads((settings.folder / "searches" / one["id"] / "recipe.json").read_text())["data"] for one in (first, later)]
    lineage = [live.json("GET", f"/v1/models/{name}/versions/1") for name in ("slow", "films")]

    assert (first["dataset_version"], later["dataset_version"], copy["dataset_version"]) == (1, 2, 1)
    assert [len(data.get("appended", ())) for data in read] == [0, 1]
    assert [one["dataset_version"] for one in lineage] == [1, 2]
    assert lineage[0]["dataset_sha256"] == hashlib.sha256(FIRST).hexdigest() != lineage[1]["dataset_sha256"]


def test_a_version_and_a_window_are_stated(live: LiveServer, settings: Settings) -> None:
    """Both reach the recipe, and both are shown; what is not there is refused."""
    with RunningWorker(settings):
        dataset_id = valid(live)
        append(live, dataset_id, MORE)
        ended(live, dataset_id, 2)
        found = done(live, submit(live, dataset_id, dataset_version=1, window={"days": 28, "column": "click"}).json()["id"])
    recipe = json.loads((settings.folder / "searches" / found["id"] / "recipe.json").read_text())["data"]

    assert (found["dataset_version"], found["window"]) == (1, {"days": 28.0, "column": "click"})
    assert (recipe.get("appended"), recipe["window"]) == (None, {"days": 28.0, "column": "click"})
    assert live.json("GET", "/v1/models/films/versions/1")["window"] == {"days": 28.0, "column": "click"}
    for body, status, words in (
        ({"dataset_version": 9}, 404, "no version 9"),
        ({"dataset_version": 0}, 422, "at least 1"),
        ({"window": {"days": 28}}, 422, "states none"),
        ({"window": {"days": 28, "column": "when"}}, 422, "no column 'when'"),
        ({"window": {"days": -1, "column": "click"}}, 422, "days"),
    ):
        answer = submit(live, dataset_id, **body)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text


def test_the_same_key_and_file_is_the_same_version(live: LiveServer, settings: Settings) -> None:
    """Sent twice, it is appended once; with another file the key is refused."""
    with RunningWorker(settings):
        dataset_id = valid(live)
        first = append(live, dataset_id, MORE, headers={"idempotency-key": "night-1"})
        again = append(live, dataset_id, MORE, headers={"idempotency-key": "night-1"})
        other = append(live, dataset_id, MORE * 2, headers={"idempotency-key": "night-1"})
        ended(live, dataset_id, 2)

    assert (first.json()["version"], again.json()["version"], other.status_code) == (2, 2, 422)
    assert live.json("GET", f"/v1/datasets/{dataset_id}/versions")["versions"][0]["version"] == 2


def test_what_cannot_be_appended_is_refused_before_it_is_kept(live: LiveServer, settings: Settings, table: str) -> None:
    """No valid data set, a check under way, a form, a wrong digest, too many bytes, no rows, values that no cell holds."""
    waiting = created(live)
    path = f"/v1/datasets/{waiting}/append"
    with RunningWorker(settings):
        dataset_id = valid(live)
    grown = f"/v1/datasets/{dataset_id}/append"
    statuses = [
        live.http.post(path, content=MORE).status_code,
        live.http.post(grown, files={"file": MORE}).status_code,
        live.http.post(grown, content=MORE, headers={"x-content-sha256": "0" * 64}).status_code,
        live.http.post(grown, content=MORE, params={"format": "xls"}).status_code,
        live.http.post(f"{grown}/rows", json={"rows": []}).status_code,
        live.http.post(f"{grown}/rows", json={"rows": [{"click": {"a": 1}}]}).status_code,
        live.http.post(f"{grown}/rows", json={"rows": [{}] * 10_001}).status_code,
        live.http.post(f"{grown}/rows", content=b'{"rows": [{"click": NaN}]}', headers={"content-type": "application/json"}).status_code,
        live.http.post(f"{grown}/rows", content=b'{"rows": []}').status_code,
    ]

    assert statuses == [409, 415, 422, 422, 422, 422, 422, 400, 415]
    assert live.http.post(grown, content=MORE).status_code == 202
    refused = live.http.post(grown, content=MORE)
    assert (refused.status_code, "is being checked" in refused.json()["detail"]) == (409, True)
    assert [file.read_bytes() for file in files(settings, dataset_id)].count(MORE) == 1


def test_appends_keep_to_the_limits_of_uploads(settings: Settings, store: SqlStore) -> None:
    """413 for a file that is too large, and for one that the tenant's quota has no room for."""
    limited = settings.model_copy(update={"max_upload_bytes": 60, "max_dataset_bytes_per_tenant": 50})
    with LiveServer(limited) as live, RunningWorker(settings):
        dataset_id = valid(live)
        answers = [append(live, dataset_id, content) for content in (MORE * 10, MORE + b"1,a\n" * 5, iter([MORE, b"1,a\n" * 5]))]  # type: ignore[arg-type]

        assert [one.status_code for one in answers] == [413, 413, 413]
        assert ended(live, dataset_id, append(live, dataset_id, MORE).json()["version"])["state"] == "valid"
    assert len(files(settings, dataset_id)) == 2


def test_versions_are_a_tenants_own(guarded: LiveServer, settings: Settings, new_headers: NewKey) -> None:
    """Another tenant's caller finds none, and appends, limits and deletes nothing."""
    mine, theirs = new_headers(), new_headers("acme")
    guarded.http.headers.update(mine)
    with RunningWorker(settings):
        dataset_id = valid(guarded)
        append(guarded, dataset_id, MORE)
        assert ended(guarded, dataset_id, 2)["actor"].startswith("key:")
    path = f"/v1/datasets/{dataset_id}"
    asked = [
        guarded.http.post(f"{path}/append", content=MORE, headers=theirs),
        guarded.http.post(f"{path}/append/rows", json={"rows": [{"click": 1}]}, headers=theirs),
        guarded.http.put(f"{path}/limits", json={}, headers=theirs),
        guarded.http.get(f"{path}/versions", headers=theirs),
        guarded.http.get(f"{path}/versions/2", headers=theirs),
        guarded.http.get(f"{path}/versions/2/report", headers=theirs),
        guarded.http.delete(f"{path}/versions/2", headers=theirs),
        guarded.http.post("/v1/searches", json={"name": "films", "dataset_id": dataset_id, "dataset_version": 2}, headers=theirs),
    ]

    assert [answer.status_code for answer in asked] == [404] * len(asked)


def test_the_newest_version_is_deleted_unless_it_is_in_use(live: LiveServer, settings: Settings) -> None:
    """409 names the search; afterwards the version before is in use, and the file is gone."""
    with RunningWorker(settings):
        dataset_id = valid(live)
        append(live, dataset_id, MORE)
        ended(live, dataset_id, 2)
    search = submit(live, dataset_id).json()
    path = f"/v1/datasets/{dataset_id}/versions"
    used = live.http.delete(f"{path}/2")
    live.json("POST", f"/v1/searches/{search['id']}/cancel")
    gone = live.json("DELETE", f"{path}/2")

    assert (used.status_code, search["id"] in used.json()["detail"]) == (409, True)
    assert gone == {"deleted": f"{dataset_id}/2", "bytes": len(MORE)}
    assert [live.http.get(f"{path}/{number}").status_code for number in (1, 2, 3)] == [200, 404, 404]
    assert live.http.get(f"{path}/2/report").status_code == 404
    assert live.http.delete(f"{path}/1").status_code == 409
    assert live.json("GET", f"/v1/datasets/{dataset_id}")["version"] == 1
    assert [file.read_bytes() for file in files(settings, dataset_id)] == [FIRST]


def test_versions_are_listed_page_by_page(live: LiveServer, settings: Settings) -> None:
    """The cursor leads through all of them, newest first, and ends at the first."""
    with RunningWorker(settings):
        dataset_id = valid(live)
        for number in (2, 3, 4):
            append(live, dataset_id, MORE)
            ended(live, dataset_id, number)
    pages, cursor = [], ""
    while cursor is not None:
        page = live.json("GET", f"/v1/datasets/{dataset_id}/versions?limit=2{cursor}")
        pages.append([one["version"] for one in page["versions"]])
        cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"

    assert pages == [[4, 3], [2, 1]]


def test_a_start_keeps_the_files_of_all_versions(settings: Settings, store: SqlStore) -> None:
    """What an interrupted append left goes."""
    with LiveServer(settings) as live, RunningWorker(settings):
        dataset_id = valid(live)
        append(live, dataset_id, MORE)
        ended(live, dataset_id, 2)
        kept = files(settings, dataset_id)
        kept[0].with_name("upload-9.part").write_bytes(b"half")
    with LiveServer(settings):
        assert files(settings, dataset_id) == kept
