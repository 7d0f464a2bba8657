"""Tokens of an OpenID provider, signed by a key that a real server publishes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

ISSUER, AUDIENCE = "https://id.example", "ihas"
Token = Callable[..., dict[str, str]]


def new_signer() -> rsa.RSAPrivateKey:
    """A key of the provider, or of somebody who would like to be it."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    """The provider's key."""
    return new_signer()


@pytest.fixture(scope="module")
def jwks_url(signer: rsa.RSAPrivateKey) -> Iterator[str]:
    """Where the provider publishes it."""
    published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(signer.public_key())) | {"kid": "k1", "use": "sig", "alg": "RS256"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [published]}).encode())

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
        server.shutdown()
        thread.join()


@pytest.fixture
def trusting(keyed: Settings, store: SqlStore, jwks_url: str) -> Iterator[LiveServer]:
    """A service that takes the provider's tokens."""
    known = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": jwks_url}
    with LiveServer(keyed.model_copy(update=known)) as live:
        yield live


@pytest.fixture
def token(signer: rsa.RSAPrivateKey) -> Token:
    """Headers with a token; what is given wins over a valid one's claims."""

    def make(key: Any = signer, algorithm: str = "RS256", **claims: Any) -> dict[str, str]:
        valid = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 3_600, "tenant": "acme", "scope": "openid ihas:read"}
        said = {name: value for name, value in (valid | claims).items() if value is not None}
        return {"authorization": f"Bearer {jwt.encode(said, key, algorithm, headers={'kid': 'k1'})}"}

    return make


def test_a_token_opens_what_it_names(trusting: LiveServer, token: Token) -> None:
    """Its tenant's objects, within its scopes."""
    assert trusting.json("GET", "/v1/models", headers=token()) == {"models": []}
    assert trusting.http.post("/v1/datasets", json={"name": "x"}, headers=token()).status_code == 403
    assert trusting.http.post("/v1/datasets", json={"name": "x"}, headers=token(scope="data")).status_code == 201
    assert trusting.http.get("/metrics", headers=token(scope="metrics admin read")).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another service"}, {"iss": "https://evil.example"}, {"exp": time.time() - 3_600}, {"exp": None}, {"tenant": None},
        {"tenant": ""}, {"tenant": 5}, {"tenant": "a\x1b[2J"}, {"tenant": "x" * 300}, {"tenant": "\ud800"}, {"sub": "\ud800"},
        {"sub": None}, {"key": new_signer()}, {"key": "x" * 32, "algorithm": "HS256"}, {"key": "", "algorithm": "none"},
    ],
    ids=[
        "audience", "issuer", "expired", "endless", "no-tenant", "empty-tenant", "number", "escape", "long", "surrogate", "surrogate-sub",
        "nobody", "another-key", "shared-secret", "unsigned",
    ],
)  # fmt: skip
def test_a_token_that_is_not_meant_opens_nothing(trusting: LiveServer, token: Token, claims: dict[str, Any]) -> None:
    """Another audience, issuer or signer, ended or endless, without tenant or subject, signed by a shared secret or not at all."""
    assert trusting.http.get("/v1/models", headers=token(**claims)).status_code == 401


@pytest.mark.parametrize("scope", [None, 5, True, {}, [], [None, 5], ["read", None], [["read"]], ""])
def test_a_scope_of_any_form_is_read(trusting: LiveServer, token: Token, scope: object) -> None:
    """What is no text and no list of texts grants nothing."""
    claims = {"scope": scope} if scope is not None else {}
    granted = 200 if scope is None or scope == ["read", None] else 403
    assert trusting.http.get("/v1/models", headers=token(**claims)).status_code == granted


@pytest.mark.parametrize("scope", [b"null", b'{"a": 1}'])
@pytest.mark.parametrize(
    ("exp", "status"), [(b"1e300", 403), (b"9" * 400, 403), (b"1e400", 401), (b"9" * 5_000, 401), (b"[" * 5_000, 401), (b'"x"', 401)]
)
def test_a_claim_of_any_size_is_no_failure(trusting: LiveServer, signer: rsa.RSAPrivateKey, exp: bytes, status: int, scope: bytes) -> None:
    """A moment that is far away is one; what is no number ends the token."""
    payload = b'{"iss":"%s","aud":"ihas","sub":"ada","tenant":"acme","scope":%s,"exp":%s}' % (ISSUER.encode(), scope, exp)
    signed = jwt.api_jws.PyJWS().encode(payload, signer, "RS256", headers={"kid": "k1"})
    answer = trusting.http.get("/v1/models", headers={"authorization": f"Bearer {signed}"})

    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_without_a_provider_no_token_is_taken(guarded: LiveServer, token: Token) -> None:
    """A token is a wrong key then."""
    assert guarded.http.get("/v1/models", headers=token()).status_code == 401


def test_a_provider_that_is_away_is_no_wrong_token(keyed: Settings, store: SqlStore, token: Token) -> None:  # noqa: ARG001 - made first
    """Its keys cannot be fetched: 503 with `Retry-After`, and no wrong key is counted against the address."""
    known = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": "http://127.0.0.1:9/jwks", "max_bad_keys_per_minute": 1}
    with LiveServer(keyed.model_copy(update=known)) as live:
        answers = [live.http.get("/v1/models", headers=token()) for _ in range(3)]

    assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "1")] * 3
    assert answers[0].json()["type"] == "urn:ihas:problem:provider-unavailable"
