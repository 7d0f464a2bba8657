"""Data sets over HTTP: created, uploaded or named by path, checked, described."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

CSV = b"click,user\n0,ada\n1,bob\n"
PEAK = 3_000_000


def created(live: LiveServer, **body: object) -> str:
    """Id of a new data set."""
    return str(live.json("POST", "/v1/datasets", json={"name": "clicks", **body})["id"])


def checked(live: LiveServer, dataset_id: str) -> str:
    """The state of a data set once it was checked."""
    eventually(lambda: live.json("GET", f"/v1/datasets/{dataset_id}")["state"] not in ("uploading", "validating"))
    return str(live.json("GET", f"/v1/datasets/{dataset_id}")["state"])


def files(settings: Settings, dataset_id: str) -> list[Path]:
    """Uploads of a data set."""
    return sorted((settings.folder / "datasets" / dataset_id).glob("upload-*"))


def test_a_created_data_set_waits_for_its_file(live: LiveServer) -> None:
    """201, and where to find it."""
    response = live.http.post("/v1/datasets", json={"name": "clicks"})

    assert (response.status_code, response.json()["state"]) == (201, "uploading")
    assert live.json("GET", response.headers["location"]) == response.json()


def test_an_upload_arrives_byte_by_byte_and_is_found_valid(live: LiveServer, settings: Settings) -> None:
    """202 with digest and size; the file is what was sent; the report and the profile follow."""
    dataset_id = created(live)
    response = live.http.put(f"/v1/datasets/{dataset_id}/content", content=CSV)
    with RunningWorker(settings):
        state = checked(live, dataset_id)

    assert (response.status_code, response.json()["state"]) == (202, "validating")
    assert (response.json()["sha256"], response.json()["size"]) == (hashlib.sha256(CSV).hexdigest(), len(CSV))
    assert [path.read_bytes() for path in files(settings, dataset_id)] == [CSV]
    assert (state, live.json("GET", f"/v1/datasets/{dataset_id}/report")["rows"]) == ("valid", 2)
    assert [profile["column"] for profile in live.json("GET", f"/v1/datasets/{dataset_id}/profile")] == ["click"]


def test_an_upload_of_unstated_length_is_streamed(live: LiveServer, settings: Settings) -> None:
    """Three megabytes in pieces arrive whole."""
    dataset_id = created(live)
    pieces = (bytes([number]) * 1_000_000 for number in range(3))

    assert live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=pieces)["size"] == PEAK
    assert files(settings, dataset_id)[0].stat().st_size == PEAK


def test_an_upload_over_the_limit_leaves_nothing_behind(settings: Settings, store: SqlStore) -> None:
    """413, whether the length was stated or not, and the data set takes a smaller file afterwards."""
    with LiveServer(settings.model_copy(update={"max_upload_bytes": 100})) as live:
        dataset_id = created(live)
        path = f"/v1/datasets/{dataset_id}/content"
        pieces: Iterator[bytes] = (b"x" * 60 for _ in range(3))
        statuses = [live.http.put(path, content=b"x" * 101).status_code, live.http.put(path, content=pieces).status_code]

        assert (statuses, files(settings, dataset_id)) == ([413, 413], [])
        assert live.json("GET", f"/v1/datasets/{dataset_id}")["state"] == "uploading"
        assert live.json("PUT", path, content=b"x" * 100)["state"] == "validating"


def test_an_upload_that_breaks_off_leaves_nothing_behind(live: LiveServer, settings: Settings) -> None:
    """A client that goes away in the middle changes nothing."""
    dataset_id = created(live)
    with socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(f"PUT /v1/datasets/{dataset_id}/content HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nhalf".encode())
        eventually(lambda: files(settings, dataset_id))
    eventually(lambda: not files(settings, dataset_id))

    assert live.json("GET", f"/v1/datasets/{dataset_id}")["state"] == "uploading"
    assert 'status="499"' in live.http.get("/metrics").text


def test_an_upload_with_another_digest_leaves_nothing_behind(live: LiveServer, settings: Settings) -> None:
    """One byte turned over on the way: 422 with both digests, no file, and the right bytes are taken afterwards."""
    path = f"/v1/datasets/{(dataset_id := created(live))}/content"
    said = {"x-content-sha256": hashlib.sha256(CSV).hexdigest()}
    damaged = CSV.replace(b"ada", b"adb")
    refused = live.http.put(path, content=damaged, headers=said)

    assert (refused.status_code, files(settings, dataset_id)) == (422, [])
    assert all(digest in refused.json()["detail"] for digest in (said["x-content-sha256"], hashlib.sha256(damaged).hexdigest()))
    assert live.json("GET", f"/v1/datasets/{dataset_id}")["state"] == "uploading"
    assert live.http.put(path, content=CSV, headers={"x-content-sha256": "no digest"}).status_code == 422
    assert live.json("PUT", path, content=CSV, headers=said)["sha256"] == said["x-content-sha256"]


def test_a_form_is_no_file(live: LiveServer) -> None:
    """A form's boundaries would end up in the table."""
    response = live.http.put(f"/v1/datasets/{created(live)}/content", files={"file": CSV})

    assert (response.status_code, response.json()["detail"]) == (415, "The body must be the file itself, not a form.")


def test_the_format_of_an_upload_is_told_from_its_first_bytes(live: LiveServer, settings: Settings) -> None:
    """CSV, JSON lines, Parquet, and compressed, each under the suffix that the reader goes by."""
    uploads = {".csv": CSV, ".jsonl": json.dumps({"click": 1}).encode(), ".parquet": b"PAR1....", ".csv.gz": gzip.compress(CSV)}
    for suffix, content in uploads.items():
        dataset_id = created(live)
        live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=content)

        assert "".join(files(settings, dataset_id)[0].suffixes) == suffix


def test_a_bad_file_is_said_to_be_bad_and_can_be_replaced(live: LiveServer, settings: Settings) -> None:
    """The error has row and column; another upload is checked again."""
    dataset_id = created(live)
    with RunningWorker(settings):
        live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=b"nonsense")
        states = [checked(live, dataset_id)]
        error = live.json("GET", f"/v1/datasets/{dataset_id}")["error"]
        report = live.http.get(f"/v1/datasets/{dataset_id}/report")
        live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=CSV)
        states.append(checked(live, dataset_id))

    assert (states, error["code"]) == (["invalid", "valid"], "data")
    assert (report.status_code, [(part["row"], part["column"]) for part in report.json()["errors"]]) == (422, [(2, "click")])


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: pa.compress(content, "zstd", asbytes=True)])
def test_a_compressed_upload_of_no_stated_format_is_read(live: LiveServer, settings: Settings, pack: Callable[[bytes], bytes]) -> None:
    """The real check unpacks it and counts its rows."""
    dataset_id = created(live, columns={"label": "click"})
    live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=pack(CSV))
    with RunningWorker(settings, PIPELINES):
        state = checked(live, dataset_id)

    assert (state, live.json("GET", f"/v1/datasets/{dataset_id}/report")["rows"]) == ("valid", 2)


def test_a_start_removes_what_killed_uploads_left(settings: Settings, store: SqlStore) -> None:
    """A part and a replaced file go; the file that is named stays, and so does one that another process is writing."""
    with LiveServer(settings) as live:
        dataset_id = created(live)
        live.json("PUT", f"/v1/datasets/{dataset_id}/content", content=CSV)
        (kept,) = files(settings, dataset_id)
        for name in ("upload-1.part", "upload-2.csv", "upload-3.part"):
            kept.with_name(name).write_bytes(b"half")
        with kept.with_name("upload-3.part").open("rb") as writing:
            fcntl.flock(writing, fcntl.LOCK_EX)
            with LiveServer(settings):
                assert files(settings, dataset_id) == sorted([kept, kept.with_name("upload-3.part")])


def test_a_file_below_an_allowed_folder_is_taken_by_path(live: LiveServer, settings: Settings, table: str) -> None:
    """Its check begins without an upload, and reads the file where it lies."""
    dataset_id = created(live, path=table)
    with RunningWorker(settings):
        state = checked(live, dataset_id)

    assert state == "valid"
    assert json.loads((settings.folder / "datasets" / dataset_id / "data.json").read_text())["path"] == table


def test_what_is_known_of_the_columns_reaches_the_check(live: LiveServer, settings: Settings, table: str) -> None:
    """Format, delimiter and columns are those of the request."""
    dataset_id = created(live, path=table, format="csv", delimiter=";", columns={"label": "click", "ignored": ["user"]})
    with RunningWorker(settings):
        checked(live, dataset_id)

    read = json.loads((settings.folder / "datasets" / dataset_id / "data.json").read_text())
    assert (read["format"], read["delimiter"], read["columns"]["label"], read["columns"]["ignored"]) == ("csv", ";", "click", ["user"])


def test_data_sets_are_listed_page_by_page(live: LiveServer) -> None:
    """The cursor leads through all of them, newest first, and ends."""
    ids = [created(live) for _ in range(3)]
    first = live.json("GET", "/v1/datasets?limit=2")
    second = live.json("GET", f"/v1/datasets?limit=2&cursor={first['next_cursor']}")

    assert [one["id"] for one in (*first["datasets"], *second["datasets"])] == ids[::-1]
    assert second["next_cursor"] is None


def test_a_deleted_data_set_is_gone_with_its_file(live: LiveServer, settings: Settings) -> None:
    """200 with the bytes that no longer count; then 404, and no folder is left."""
    path = f"/v1/datasets/{(dataset_id := created(live))}"
    live.json("PUT", f"{path}/content", content=CSV)
    gone = live.http.delete(path)

    assert (gone.status_code, gone.json()) == (200, {"deleted": dataset_id, "bytes": len(CSV)})
    assert [live.http.request(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert live.http.put(f"{path}/content", content=CSV).status_code == 404
    assert not (settings.folder / "datasets" / dataset_id).exists()
    assert live.json("GET", "/v1/datasets")["datasets"] == []


def test_a_data_set_in_use_is_not_deleted(live: LiveServer, valid_dataset: str) -> None:
    """409 names the search; nothing changes. Once the search is cancelled it goes, and the search's log and record stay."""
    search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})["id"]
    refused = live.http.delete(f"/v1/datasets/{valid_dataset}")
    live.json("POST", f"/v1/searches/{search}/cancel")
    gone = live.http.delete(f"/v1/datasets/{valid_dataset}")

    assert (refused.status_code, f"search {search} (queued)" in refused.json()["detail"]) == (409, True)
    assert (gone.status_code, live.json("GET", f"/v1/searches/{search}")["dataset_id"]) == (200, valid_dataset)
    assert live.http.get(f"/v1/searches/{search}/logs").status_code == 200
    assert live.http.post(f"/v1/searches/{search}/resume").status_code == 409
    assert live.http.post(f"/v1/searches/{search}/clone", json={}).status_code == 404


def test_a_file_named_by_path_stays_where_it_lies(live: LiveServer, table: str) -> None:
    """It is not the service's."""
    dataset_id = created(live, path=table)

    assert live.json("DELETE", f"/v1/datasets/{dataset_id}") == {"deleted": dataset_id, "bytes": 0}
    assert Path(table).is_file()


def test_an_upload_under_way_when_its_data_set_is_deleted_is_refused(live: LiveServer, settings: Settings) -> None:
    """Not with a fault of the service; no file and no folder is left."""
    dataset_id = created(live)
    held, sent = threading.Event(), []

    def parts() -> Iterator[bytes]:
        yield CSV
        held.wait(HANG_S)
        yield CSV

    thread = threading.Thread(
        target=lambda: sent.append(live.http.put(f"/v1/datasets/{dataset_id}/content", content=parts())), name="upload"
    )
    thread.start()
    eventually(lambda: files(settings, dataset_id))
    live.json("DELETE", f"/v1/datasets/{dataset_id}")
    held.set()
    thread.join()

    assert sent[0].status_code in (404, 409)
    assert not (settings.folder / "datasets" / dataset_id).exists()


def test_a_tenant_keeps_no_more_bytes_than_its_quota(settings: Settings, store: SqlStore) -> None:
    """413 says used, limit and way out, whether the length is stated or not; what is deleted makes room."""
    with LiveServer(settings.model_copy(update={"max_dataset_bytes_per_tenant": 100})) as live:
        first, second = created(live), created(live)
        live.json("PUT", f"/v1/datasets/{first}/content", content=b"x" * 80)
        pieces: Iterator[bytes] = (b"x" * 7 for _ in range(3))
        path = f"/v1/datasets/{second}/content"
        refused = [live.http.put(path, content=b"x" * 21), live.http.put(path, content=pieces)]
        said = refused[0].json()
        fits = live.http.put(path, content=b"x" * 20).status_code
        live.json("DELETE", f"/v1/datasets/{first}")
        third = created(live)
        room = live.http.put(f"/v1/datasets/{third}/content", content=b"x" * 80).status_code

    assert ([one.status_code for one in refused], fits, room) == ([413, 413], 202, 202)
    assert said["type"] == "urn:ihas:problem:quota-exceeded"
    assert all(word in said["detail"] for word in ("80 bytes of the 100", "21 more", "IHAS_MAX_DATASET_BYTES_PER_TENANT", "dataset rm"))


def test_of_uploads_at_once_those_are_kept_that_fit(settings: Settings, store: SqlStore) -> None:
    """Eight of 30 bytes each, of which 100 bytes hold three; the others leave nothing behind."""
    with LiveServer(settings.model_copy(update={"max_dataset_bytes_per_tenant": 100})) as live:
        made = [created(live) for _ in range(8)]

        def send(dataset_id: str) -> int:
            with httpx.Client(base_url=live.url, timeout=HANG_S) as client:
                return client.put(f"/v1/datasets/{dataset_id}/content", content=iter([b"x" * 10] * 3)).status_code

        with ThreadPoolExecutor(8) as pool:
            found = Counter(pool.map(send, made))

    assert found == {202: 3, 413: 5}
    assert sum(one.stat().st_size for one in settings.folder.glob("datasets/*/*")) == 90


def test_only_single_files_are_taken_from_outside(live: LiveServer, settings: Settings, table: str) -> None:
    """Neither a folder, nor a pattern, nor a query of a database; what was sent as a URL is not repeated."""
    folder = str(Path(table).parent)
    for path in (folder, f"{folder}/*", f"{folder}/*.csv", "sqlite:///etc/shop.db", "postgresql://reader:hushword@127.0.0.1/shop"):
        refused = live.http.post("/v1/datasets", json={"name": "clicks", "path": path})
        assert (refused.status_code, "hushword" in refused.text) == (403, False)
    query = {"url": "postgresql://reader:hushword@127.0.0.1/shop", "query": "select 1"}
    for body in ({"name": "clicks", "sql": query}, {"name": "clicks", "columns": {"sql": query}}):
        refused = live.http.post("/v1/datasets", json=body)
        assert (refused.status_code, "hushword" in refused.text) == (422, False)


def test_a_path_without_measure_is_refused(live: LiveServer, settings: Settings) -> None:
    """Before its parts are looked up one by one: no file system has longer ones."""
    path = f"{settings.data_roots[0]}{'/a/..' * 1_000}/clicks.csv"

    assert live.http.post("/v1/datasets", json={"name": "clicks", "path": path}).status_code == 422
