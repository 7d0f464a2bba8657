"""A service of version 0.1.0 is understood in today's words."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args

import pytest

from ihas_pipelines.runs.progress import StageName
from ihas_service.client.client import AsyncClient, Client
from ihas_service.client.older_services import current
from ihas_service.states import JobStage
from tests.stored import FIXTURES, answering

RUNNING = (FIXTURES / "v0_1_0" / "client" / "running.json").read_bytes()


def test_both_clients_say_running_and_the_stage() -> None:
    """A search that an old service calls `searching`, as it answered it."""
    search = json.loads(RUNNING)
    path = f"/v1/searches/{search['id']}"

    async def asked(url: str) -> dict[str, Any]:
        async with AsyncClient(url) as client:
            return await client.search(search["id"])

    with answering({path: ("application/json", RUNNING)}) as url, Client(url) as client:
        for found in (client.search(search["id"]), asyncio.run(asked(url))):
            assert found == {**search, "state": "running", "stage": "search"}


def test_every_search_of_a_page_is_understood() -> None:
    """What waits or has ended keeps its state and has no stage."""
    page = {"searches": [{"id": "a", "state": "clustering"}, {"id": "b", "state": "queued"}], "next_cursor": 3}
    found = [{"id": "a", "state": "running", "stage": "cluster"}, {"id": "b", "state": "queued", "stage": None}]

    assert current("/v1/searches", page) == {"searches": found, "next_cursor": 3}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v1/datasets/ds_0", {"state": "validating"}),
        ("/v1/searches/compare", {"searches": ["sr_0", "sr_1"]}),
        ("/v1/searches/sr_0", {"state": "running", "stage": "base"}),
    ],
)
def test_what_needs_no_translation_stays(path: str, document: dict[str, Any]) -> None:
    """A data set may be validating, a comparison names searches, and a service of today says the stage."""
    assert current(path, document) == document


def test_stages_are_those_that_children_name() -> None:
    """Each stage of a child's line is a stage of a job, and no job has another one."""
    assert list(JobStage) == list(get_args(StageName))
