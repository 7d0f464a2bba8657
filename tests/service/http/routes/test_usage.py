"""What a tenant keeps, against its quotas, over HTTP and on the command line."""

from __future__ import annotations

import pytest

from ihas_service.settings import Settings
from tests.ihas.bundle_factory import rows
from tests.service.conftest import Publish
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell

pytestmark = pytest.mark.full


def test_each_kind_has_its_bytes_and_its_limit(keyed: Settings, publish: Publish, new_headers: NewKey) -> None:
    """Of the caller's tenant alone; a limit of 0 is none."""
    limits = {"max_dataset_bytes_per_tenant": 1_000, "max_search_bytes_per_tenant": 0, "max_answer_bytes_per_tenant": 5_000}
    publish()
    with LiveServer(keyed.model_copy(update=limits)) as live:
        owner, other = new_headers(), new_headers("acme")
        dataset = live.json("POST", "/v1/datasets", json={"name": "clicks"}, headers=owner)["id"]
        live.json("PUT", f"/v1/datasets/{dataset}/content", content=b"click,user\n0,ada\n", headers=owner)
        live.json("POST", "/v1/models/films/recommend", json={"context": {"user": rows()[0]["user"]}, "k": 2}, headers=owner)
        live.json("GET", "/v1/models/films/online", headers=owner)  # what was answered is written
        used = live.json("GET", "/v1/usage", headers=owner)
        none = live.json("GET", "/v1/usage", headers=other)

    assert used["datasets"] == {"used": 17, "limit": 1_000}
    assert used["searches"]["limit"] is None
    assert used["answers"] == {"used": 200 + len('{"user":"ada"}') + 2 * (30 + 2), "limit": 5_000}
    assert {kind: quota["used"] for kind, quota in none.items()} == {"datasets": 0, "searches": 0, "answers": 0}


def test_the_command_line_shows_them(live: LiveServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table for a person, as the service's document for a program."""
    monkeypatch.setenv("IHAS_URL", live.url)
    shell = Shell(capsys)
    capsys.readouterr()

    assert shell("usage") == live.json("GET", "/v1/usage")
    shown = shell.shown("usage")
    assert "searches and models" in shown
    assert "214,748,364,800" in shown
