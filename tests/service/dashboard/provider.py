"""A small OpenID provider: authorization code with PKCE for one public client, tokens signed by a key that it publishes."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, AUDIENCE = "ihas-dashboard", "ihas"


@dataclass
class Provider:
    """What the provider knows.

    Attributes:
        url: its issuer.
        tenant: of whoever signs in.
        granted: scopes that it grants of those that are asked for; None for all.
        codes: what was asked for each code that was not used yet.
        refused: why it gave no token, in order.
        cors: whether pages of other origins may read its tokens.
    """

    url: str = ""
    tenant: str = "acme"
    granted: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    cors: bool = True
    signer: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048))

    def settings(self) -> dict[str, Any]:
        """Those of a service that lets people sign in here."""
        return {
            "oidc_issuer": self.url, "oidc_audience": AUDIENCE, "oidc_jwks_url": f"{self.url}/jwks", "oidc_client_id": CLIENT,
            "oidc_authorize_url": f"{self.url}/authorize", "oidc_token_url": f"{self.url}/token",
        }  # fmt: skip

    def keys(self) -> dict[str, Any]:
        """The document of its keys."""
        published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.signer.public_key()))
        return {"keys": [published | {"kid": "k1", "use": "sig", "alg": "RS256"}]}

    def page(self, asked: dict[str, str]) -> str:
        """A page with the ways back: as Ada, or refused."""
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = asked["redirect_uri"]
        ways = {
            "Continue as Ada": {"code": code, "state": asked["state"]},
            "Refuse": {"error": "access_denied", "error_description": "<img src=x onerror=alert(1)>", "state": asked["state"]},
            "Another tab's answer": {"code": code, "state": "guessed"},
        }
        links = "".join(f'<p><a href="{html.escape(f"{back}?{urlencode(query)}")}">{words}</a></p>' for words, query in ways.items())
        return f"<!doctype html><title>Provider</title>{links}"

    def token(self, said: dict[str, str]) -> dict[str, str]:
        """A token for a code, once; an error where anything differs from what was asked."""
        asked = self.codes.pop(said.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"] or said.get("redirect_uri") != asked["redirect_uri"]:
            self.refused.append("invalid_grant")
            return {"error": "invalid_grant", "error_description": "The code is not valid."}
        scope = asked["scope"] if self.granted is None else self.granted
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 3_600, "tenant": self.tenant, "scope": scope}
        return {"access_token": jwt.encode(claims, self.signer, "RS256", headers={"kid": "k1"}), "token_type": "Bearer"}


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers on a port of this machine."""
    known = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/jwks":
                return self.answer(json.dumps(known.keys()), "application/json")
            return self.answer(known.page({name: values[0] for name, values in parse_qs(place.query).items()}), "text/html")

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            given = known.token({name: values[0] for name, values in parse_qs(text).items()})
            self.answer(json.dumps(given), "application/json", 400 if "error" in given else 200)

        def answer(self, text: str, media: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", media)
            if known.cors and "origin" in self.headers:
                self.send_header("access-control-allow-origin", self.headers["origin"])
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        known.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield known
        server.shutdown()
        thread.join()
