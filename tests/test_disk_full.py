"""A disk without room: the problem says so, nothing is left half written, and everything goes on once there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ihas.folders import write_whole
from ihas_pipelines.runs.child import error_document
from ihas_pipelines.runs.folder import RunFolder, replace_bundle
from ihas_service.client.client import Client
from ihas_service.errors import ServiceError
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.job import Job
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.studies.overrec.walks import write_lines
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer
from tests.small_disk import SIZE, SmallDisk, reason_to_skip, small_disk

pytestmark = pytest.mark.tf

PAGE = 4_096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk in memory."""
    reason = reason_to_skip(tmp_path / "probe")
    if reason is not None:
        pytest.skip(reason)
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def settings_on(disk: SmallDisk, tmp_path: Path) -> Settings:
    """A service whose folder is on the disk, and whose database is not."""
    (disk.folder / "runs").mkdir()
    database = f"sqlite:///{tmp_path / 'jobs.db'}"
    return Settings(folder=disk.folder / "runs", database_url=database, lease_s=1.0, heartbeat_s=0.2, poll_s=0.05)


def test_a_stage_without_room_leaves_nothing_and_is_computed_again(disk: SmallDisk) -> None:
    """Arrays that do not fit: the run says that the disk is full, and the second try finds no half of a stage."""
    folder, value = RunFolder(disk.folder / "run"), np.arange(SIZE // 16)
    disk.fill(but=16 * PAGE)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the library raises that writes arrays
        folder.stage("base", "0" * 64, lambda: (value,))
    left = [path for path in (disk.folder / "run").rglob("*") if path.is_file()]
    disk.free()

    assert error_document(caught.value)["code"] == "disk"
    assert left == []
    np.testing.assert_array_equal(folder.stage("base", "0" * 64, lambda: (value,))[0], value)


def test_a_bundle_without_room_leaves_the_old_one(disk: SmallDisk) -> None:
    """The bundle that serves stays whole, and nothing of the new one lies beside it; a document keeps its old text."""

    def write(folder: Path, size: int) -> None:
        folder.mkdir()
        (folder / "table").write_bytes(bytes(size))

    replace_bundle(disk.folder, lambda folder: write(folder, 10))
    write_whole(disk.folder / "result.json", "old")
    disk.fill(but=PAGE)
    with pytest.raises(OSError, match="No space left"):
        replace_bundle(disk.folder, lambda folder: write(folder, SIZE))
    with pytest.raises(OSError, match="No space left"):
        write_whole(disk.folder / "result.json", "new" * SIZE)
    disk.free()

    assert sorted(path.relative_to(disk.folder).as_posix() for path in disk.folder.rglob("*")) == ["bundle", "bundle/table", "result.json"]
    assert ((disk.folder / "bundle" / "table").stat().st_size, (disk.folder / "result.json").read_text()) == (10, "old")


def test_an_upload_without_room_is_refused_and_can_be_sent_again(disk: SmallDisk, tmp_path: Path) -> None:
    """507 with the way out, no file, and the data set still waits for one."""
    settings, content = settings_on(disk, tmp_path), b"click,user\n" + b"0,ada\n" * (SIZE // 20)
    with LiveServer(settings) as live:
        dataset_id = live.json("POST", "/v1/datasets", json={"name": "clicks"})["id"]
        path = f"/v1/datasets/{dataset_id}/content"
        disk.fill(but=64 * PAGE)
        refused = live.http.put(path, content=content)
        left, state = list(settings.folder.rglob("upload-*")), live.json("GET", f"/v1/datasets/{dataset_id}")["state"]
        disk.free()
        again = live.http.put(path, content=content)

    assert (refused.status_code, refused.json()["title"], left, state) == (507, "Disk full", [], "uploading")
    assert (again.status_code, again.json()["size"]) == (202, len(content))


def test_a_database_without_room_loses_and_doubles_nothing(disk: SmallDisk) -> None:
    """SQLite on the full disk: what it cannot keep is refused with 507, what was kept is read, and the rest follows later."""
    (disk.folder / "runs").mkdir()
    settings = Settings(folder=disk.folder / "runs")
    kept, refused = [], []
    with LiveServer(settings) as live, Client(live.url) as client:
        kept.append(client.create_dataset("first")["id"])
        disk.fill()
        for number in range(200):
            try:
                kept.append(client.create_dataset(f"{number}" * 60)["id"])
            except ServiceError as error:
                refused.append((error.status, error.problem["title"]))
        assert live.json("GET", f"/v1/datasets/{kept[0]}")["name"] == "first"
        disk.free()
        kept.append(client.create_dataset("last")["id"])
        found = client.document("GET", "/v1/datasets", params={"limit": 200})["datasets"]

    assert set(refused) == {(507, "Disk full")}
    assert [one["id"] for one in found] == kept[::-1]


@pytest.mark.slow
def test_a_search_without_room_fails_with_the_reason_and_resumes(disk: SmallDisk, tmp_path: Path) -> None:
    """The real run: code `disk`, no half of a bundle, and after `resume` the result of a run that had room from the start."""
    settings = settings_on(disk, tmp_path)
    write_lines(tmp_path / "walks.txt")
    with LiveServer(settings) as live, Client(live.url) as client, RunningWorker(settings, PIPELINES):
        dataset = client.create_dataset("walks", format="sequences")
        client.upload(dataset["id"], tmp_path / "walks.txt")
        assert client.wait_dataset(dataset["id"], 60.0)["state"] == "valid"
        asked = {"sigma_w": [1.0], "normalize": [False], "num_neighbours": [20]}
        disk.fill(but=8 * PAGE)
        cramped = str(client.create_search("walks", dataset["id"], "cramped", overrec=asked)["id"])
        failed = ended(settings, cramped)
        left = [path.name for path in (settings.folder / "searches" / cramped).iterdir()]
        disk.free()
        client.resume(cramped)
        roomy = str(client.create_search("walks", dataset["id"], "roomy", overrec=asked)["id"])
        assert [ended(settings, one).state for one in (cramped, roomy)] == [JobState.SUCCEEDED] * 2
        results = [client.result(one) for one in (cramped, roomy)]

    assert (failed.state, (failed.error or {})["code"]) == (JobState.FAILED, "disk")
    assert "make room, then resume" in (failed.error or {})["detail"]
    assert not [name for name in left if name.startswith((".result", "bundle"))]
    for result in results:
        del result["seconds"]
    assert results[0] == results[1]


def ended(settings: Settings, job_id: str) -> Job:
    """The job once it has finished."""
    store = SqlStore(settings.url)
    try:
        return eventually(lambda: job if (job := store.job(job_id)).finished else None, 200.0)
    finally:
        store.close()
