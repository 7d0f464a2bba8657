"""Commands on data sets that grow: what a person types, what is printed, how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ihas_service.client.client import AsyncClient, Client
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from tests.ihas.data.tables import written
from tests.service.conftest import RunningWorker
from tests.service.http.routes.test_dataset_versions import day, table
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell, shell  # noqa: F401 - fixture

pytestmark = pytest.mark.full


@pytest.mark.slow
def test_a_data_set_grows_and_a_bad_day_is_refused(shell: Shell, settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    """The real check: push, append, limit, refuse with exit code 4, list, show, delete."""
    files = [written(tmp_path / f"{number}.csv", table(day(number, 400, rate))) for number, rate in enumerate((0.3, 0.3, 0.9))]
    with RunningWorker(settings, PIPELINES):
        dataset_id = shell("dataset", "push", str(files[0]))["id"]
        grown = shell("dataset", "append", dataset_id, str(files[1]))
        limits = shell("dataset", "limits", dataset_id, "--click-rate", "0.5")
        refused = shell("dataset", "append", dataset_id, str(files[2]), code=4)
    versions = shell("dataset", "versions", dataset_id)
    shown = shell.shown("dataset", "show", dataset_id, "--version", "2")

    assert (grown["version"], grown["state"], grown["rows"]) == (2, "valid", 800)
    assert (limits["click_rate"], limits["drift"]) == (0.5, None)
    assert "above the limit of 50.0%" in refused["error"]["detail"]
    assert [(one["version"], one["state"]) for one in versions] == [(3, "invalid"), (2, "valid"), (1, "valid")]
    assert all(word in shown for word in ("400 rows after 400", "price", "click rate: "))
    assert shell("dataset", "show", dataset_id, "--version", "2")["changes"]["rows_appended"] == 400
    assert shell("dataset", "show", dataset_id)["version"] == 2
    assert "400 rows after 400" in shell.shown("dataset", "report", dataset_id)
    assert shell("dataset", "report", dataset_id, "--version", "1")["rows"] == 400
    assert shell("dataset", "rm", dataset_id, "--version", "2", "--yes")["deleted"] == f"{dataset_id}/2"
    assert shell("dataset", "show", dataset_id)["version"] == 1


def test_a_search_names_version_and_window(shell: Shell, settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    """Both are those of the request; a column without days is wrong use."""
    with RunningWorker(settings):
        dataset_id = shell("dataset", "push", str(written(tmp_path / "a.csv", "click,user\n0,ada\n1,bob\n")))["id"]
        shell("dataset", "append", dataset_id, str(written(tmp_path / "b.csv", "click,user\n1,eve\n")), "--format", "csv")
        window = ("--window-days", "7", "--window-column", "click")
        search = shell("search", "run", dataset_id, "--name", "films", "--dataset-version", "1", *window)

    assert (search["dataset_version"], search["window"]) == (1, {"days": 7.0, "column": "click"})
    assert "--window-days" in shell("search", "run", dataset_id, "--name", "films", "--window-column", "at", code=2)["error"]["detail"]


def test_the_asynchronous_client_appends_too(live: LiveServer, settings: Settings, tmp_path: Path) -> None:
    """A file and rows; a repetition with the same key is the same version."""
    path = written(tmp_path / "b.csv", "click,user\n1,eve\n")

    async def work(dataset_id: str) -> tuple[list[int], str, int]:
        async with AsyncClient(live.url) as client:
            versions = [(await client.append(dataset_id, path, "key"))["version"] for _ in range(2)]
            state = (await client.wait_dataset_version(dataset_id, 2))["state"]
            await client.append_rows(dataset_id, [{"click": 0, "user": "ada"}], "rows")
            await client.wait_dataset_version(dataset_id, 3)
            return versions, state, len((await client.dataset_versions(dataset_id))["versions"])

    with RunningWorker(settings), Client(live.url) as first:
        dataset_id = first.create_dataset("clicks")["id"]
        first.upload(dataset_id, written(tmp_path / "a.csv", "click,user\n0,ada\n1,bob\n"))
        first.wait_dataset(dataset_id)
        assert asyncio.run(work(dataset_id)) == ([2, 2], "valid", 3)
