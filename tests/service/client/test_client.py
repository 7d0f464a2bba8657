"""The client says what the service says, and lives through its absence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ihas_service.client.client import Client
from ihas_service.errors import NotFoundError, ServiceError, StateError, WaitTimeoutError
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.ihas.bundle_factory import rows
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def test_the_whole_way_from_a_file_to_a_result(live: LiveServer, settings: Settings, table: str) -> None:
    """Upload, check, search, events, result, report: every call, in the order of a person's work."""
    with Client(live.url) as client, RunningWorker(settings):
        client.wait_ready()
        dataset = client.create_dataset("clicks", columns={"label": "click"})
        client.upload(dataset["id"], Path(table))
        assert client.wait_dataset(dataset["id"])["state"] == "valid"
        assert client.data_report(dataset["id"])["rows"] == 2
        search = client.create_search("films", dataset["id"], key="once", learning={"seed": 1})
        assert client.create_search("films", dataset["id"], key="once", learning={"seed": 1})["id"] == search["id"]
        events = list(client.events(search["id"]))

        assert [event["id"] for event in events] == list(range(1, 9))
        assert client.search(search["id"], wait_s=1.0)["state"] == events[-1]["state"] == "succeeded"
        assert client.result(search["id"])["chosen"] == "grouped"
        assert client.report(search["id"]).startswith("<!doctype html>")


def test_a_model_answers(live: LiveServer, publish: Callable[[], Path]) -> None:
    """Scores, recommendations and the summary arrive as documents."""
    publish()
    with Client(live.url) as client:
        assert len(client.score("films", rows(), explain=True, version=1)["scores"]) == 6
        assert client.recommend("films", {"context": {"user": "bob"}, "k": 1})["items"][0]["id"] == "m1"
        assert client.model("films")["latest"] == 1


def test_a_refusal_carries_its_problem(live: LiveServer, valid_dataset: str) -> None:
    """Cancel and resume too; the message is the problem's detail."""
    with Client(live.url) as client:
        search = client.create_search("films", valid_dataset)
        assert client.cancel(search["id"])["state"] == "cancelled"
        assert client.resume(search["id"])["state"] == "queued"
        with pytest.raises(ServiceError, match="There is no model 'unknown'") as refused:
            client.score("unknown", [])
        with pytest.raises(ServiceError, match="no job"):
            list(client.events("sr_0"))

    assert (refused.value.status, refused.value.problem["type"]) == (404, "urn:ihas:problem:not-found")


def test_an_absent_service_is_said_to_be_absent() -> None:
    """Nothing listens there."""
    with Client("http://127.0.0.1:9", patience_s=0.3) as client:
        with pytest.raises(ServiceError, match="cannot be reached") as refused:
            client.dataset("ds_0")
        with pytest.raises(ServiceError, match="cannot be reached"):
            list(client.events("sr_0"))
        with pytest.raises(WaitTimeoutError, match="cannot be reached"):
            client.wait_ready(within_s=0.1)

    assert refused.value.status == 0


def test_waiting_ends_when_its_time_is_over(live: LiveServer, table: str, valid_dataset: str) -> None:
    """Without a worker neither a check nor a search ends."""
    with Client(live.url) as client:
        unchecked = client.create_dataset("clicks", path=table)
        search = client.create_search("films", valid_dataset)
        with pytest.raises(WaitTimeoutError, match=unchecked["id"]):
            client.wait_dataset(unchecked["id"], within_s=0.3)
        with pytest.raises(WaitTimeoutError, match=search["id"]):
            list(client.events(search["id"], within_s=0.3))


def test_events_go_on_across_a_restart_of_the_service(settings: Settings, store: SqlStore, valid_dataset: str) -> None:
    """A stream that breaks is taken up after the last event: none is missing, none comes twice."""
    found: list[dict[str, Any]] = []
    with LiveServer(settings) as live, Client(live.url) as client:
        search = client.create_search("slow", valid_dataset)
        listener = threading.Thread(target=lambda: found.extend(client.events(search["id"])))
        with RunningWorker(settings):
            listener.start()
            eventually(lambda: store.job(search["id"]).stage == "search")
            live.end()
            (settings.folder / "searches" / search["id"] / "go").touch()
            with LiveServer(settings, live.port):
                listener.join(HANG_S)

    assert [event["id"] for event in found] == list(range(1, 9))
    assert found[-1]["state"] == "succeeded"


def test_what_is_in_use_is_not_deleted_and_the_rest_is(live: LiveServer, publish: Callable[[], Path], valid_dataset: str) -> None:
    """Each refusal is a `StateError`; what is unknown is a `NotFoundError`."""
    run = publish().parent
    publish()
    with Client(live.url) as client:
        client.promote("films", 2)
        for refused in (
            lambda: client.delete_version("films", 2),
            lambda: client.delete_model("films"),
            lambda: client.delete_search(run.name),
        ):
            with pytest.raises(StateError, match="in use"):
                refused()
        assert client.delete_version("films", 1)["deleted"] == "films/1"
        assert client.delete_search(run.name)["deleted"] == run.name
        assert client.delete_model("films", force=True)["deleted"] == "films"
        assert client.delete_dataset(valid_dataset)["deleted"] == valid_dataset
        with pytest.raises(NotFoundError):
            client.delete_dataset(valid_dataset)
