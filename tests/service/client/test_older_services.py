"""A service of version 0.1.0 is understood in today's words."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from service.client.client import AsyncClient, Client
from service.client.older_services import current
from service.states import STAGE_OF_OLD_STATE, JobStage, stage_of
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


def test_every_old_state_is_a_stage() -> None:
    """Old and new names lead to the same stages; another one to none."""
    assert [stage_of(name) for name in STAGE_OF_OLD_STATE] == list(STAGE_OF_OLD_STATE.values())
    assert [stage_of(stage.value) for stage in JobStage] == list(JobStage)
    with pytest.raises(ValueError, match="nowhere"):
        stage_of("nowhere")
