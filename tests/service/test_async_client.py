"""The client that is awaited asks the same as the one that waits."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from ihas_service.client.client import AsyncClient, Client
from ihas_service.settings import Settings
from tests.ihas.bundle_factory import rows
from tests.service.conftest import Publish, RunningWorker
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def test_the_whole_way_awaited(live: LiveServer, settings: Settings, table: str) -> None:
    """Upload with digest, check, search, events, result."""

    async def work() -> tuple[list[int], dict[str, Any]]:
        async with AsyncClient(live.url) as client:
            dataset = await client.create_dataset("clicks", columns={"label": "click"})
            await client.upload(dataset["id"], Path(table))
            assert (await client.wait_dataset(dataset["id"]))["state"] == "valid"
            search = await client.create_search("films", dataset["id"], key="once")
            numbers = [event["id"] async for event in client.events(search["id"])]
            return numbers, await client.result(search["id"])

    with RunningWorker(settings):
        numbers, result = asyncio.run(work())

    assert (numbers, result["chosen"]) == (list(range(1, 9)), "grouped")


def test_sixteen_scores_at_once(live: LiveServer, publish: Publish) -> None:
    """All answered, all alike."""
    publish()

    async def ask() -> list[dict[str, Any]]:
        async with AsyncClient(live.url) as client:
            return list(await asyncio.gather(*(client.score("films", rows()[:1]) for _ in range(16))))

    assert len({answer["scores"][0]["score"] for answer in asyncio.run(ask())}) == 1


def test_both_clients_have_the_same_methods() -> None:
    """With the same arguments, but for what only one of them can do."""
    own = {name: inspect.signature(method) for name, method in vars(Client).items() if inspect.isfunction(method) and name[0] != "_"}
    other = {name: inspect.signature(method) for name, method in vars(AsyncClient).items() if inspect.isfunction(method) and name[0] != "_"}

    assert set(own) - set(other) == {"close", "wait_ready"}
    assert all(set(other[name].parameters) <= set(own[name].parameters) for name in other)


def test_deletion_is_awaited_too(live: LiveServer, publish: Publish, valid_dataset: str) -> None:
    """Version, model, search and data set, one after the other."""
    runs = [publish().parent.name for _ in range(2)]

    async def work() -> list[str]:
        async with AsyncClient(live.url) as client:
            gone = [await client.delete_version("films", 1), await client.delete_model("films")]
            gone += [await client.delete_search(runs[0]), await client.delete_dataset(valid_dataset)]
            return [one["deleted"] for one in gone]

    assert asyncio.run(work()) == ["films/1", "films", runs[0], valid_dataset]
