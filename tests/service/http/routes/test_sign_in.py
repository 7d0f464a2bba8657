"""How a person signs in, over HTTP and on the command line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas_service.settings import Settings, origin_of
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell

OIDC = {
    "oidc_issuer": "https://id.example", "oidc_audience": "ihas", "oidc_jwks_url": "https://id.example/jwks", "oidc_client_id": "dash",
    "oidc_authorize_url": "https://id.example/authorize", "oidc_token_url": "https://id.example:8443/token?x=1",
}  # fmt: skip


@pytest.mark.full
def test_whoever_asks_is_told(live: LiveServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that asks for no keys says so; the command line shows the same."""
    monkeypatch.setenv("IHAS_URL", live.url)
    shell = Shell(capsys)
    capsys.readouterr()

    assert live.json("GET", "/v1/sign-in") == {"access": "local", "provider": None}
    assert shell("sign-in") == live.json("GET", "/v1/sign-in")
    assert "local" in shell.shown("sign-in")


@pytest.mark.parametrize(
    "changes",
    [{"oidc_client_id": None}, {"oidc_token_url": None}, {"oidc_authorize_url": None}, {"oidc_jwks_url": None},
     {"oidc_token_url": "http://id.example/token"}, {"oidc_token_url": "https://id.example; script-src *"},
     {"oidc_authorize_url": "javascript:alert(1)"}],
)  # fmt: skip
def test_an_endpoint_is_no_half_and_no_other_thing(changes: dict[str, str | None]) -> None:
    """The settings go together, and an endpoint is https, or of this machine."""
    Settings(**OIDC)
    with pytest.raises(ValidationError, match="IHAS_OIDC|https URL"):
        Settings(**{**OIDC, **changes})


@pytest.mark.parametrize(
    ("url", "origin"),
    [("https://id.example:8443/token", "https://id.example:8443"), ("http://127.0.0.1:9/t", "http://127.0.0.1:9"),
     ("http://id.example/t", None),
     ("https://id.example 'unsafe-eval'", None), ("https://id.example;", None), ("https://u@id.example/", None), (None, None)],
)  # fmt: skip
def test_a_policy_gets_an_origin_or_nothing(url: str | None, origin: str | None) -> None:
    """No text of a service elsewhere can add more than an origin to the page's policy."""
    assert origin_of(url) == origin
