"""Who asks, over HTTP and on the command line."""

from __future__ import annotations

import pytest

from ihas_service.auth.scopes import Scope
from tests.service.keyed import NewKey
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell


def test_a_key_learns_what_it_may(guarded: LiveServer, new_headers: NewKey) -> None:
    """Its tenant, its id as histories show it, and its scopes; never its text."""
    headers = new_headers("acme", frozenset({Scope.READ, Scope.SCORE}))
    found = guarded.json("GET", "/v1/caller", headers=headers)

    assert found["tenant"] == "acme"
    assert found["scopes"] == ["read", "score"]
    assert found["access"] == "keys"
    assert found["name"] == f"key:{headers['authorization'].split('_')[1]}"


def test_without_keys_the_machine_may_everything(live: LiveServer) -> None:
    """The service says that it asks for no keys."""
    found = live.json("GET", "/v1/caller")

    assert found["access"] == "local"
    assert set(found["scopes"]) == set(Scope)


def test_the_command_line_shows_it(live: LiveServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the service's document for a program, as a table for a person."""
    monkeypatch.setenv("IHAS_URL", live.url)
    shell = Shell(capsys)
    capsys.readouterr()

    assert shell("whoami") == live.json("GET", "/v1/caller")
    assert "local" in shell.shown("whoami")
