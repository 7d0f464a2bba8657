"""The dashboard of a service elsewhere: its files from this machine, and its requests passed on with the visitor's own key.

A browser lets a page ask its own host only, so that this process stands between; it keeps no key and adds none.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ihas.errors import ConfigError
from ihas_service.dashboard.assets import page
from ihas_service.errors import ScopeError
from ihas_service.http.middleware.authentication import check_local
from ihas_service.http.problems import MEDIA_TYPE
from ihas_service.http.routes.dashboard import asset_of
from ihas_service.settings import origin_of

HOST = "127.0.0.1"
METHODS = ["DELETE", "GET", "POST", "PUT"]
PASSED_ON = ("accept", "authorization", "content-length", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id")
ANSWERED = ("content-length", "content-type", "etag", "location", "next-offset", "retry-after", "x-content-type-options")
SIGN_IN_S = 2.0
AWAY = "The service at {api} cannot be reached. Check the address (`ihas dashboard --api URL`), and that it runs."


def create_remote(api: str) -> Starlette:
    """The application that shows the dashboard of the service at `api`.

    Raises:
        ConfigError: that is no address of a service.
    """
    base = httpx.URL(api.rstrip("/"))
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError(f"`--api` must be the address of a service, but got {api!r}. Write it as http://host:8000.")

    @asynccontextmanager
    async def connected(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=base, timeout=httpx.Timeout(10.0, read=None, write=None), trust_env=False) as client:
            app.state.client = client
            yield

    routes = [
        Route("/", _page),
        Route("/dashboard/{asset}", _asset),
        Route("/openapi.json", _pass_on),
        *(Route(f"/{version}/{{rest:path}}", _pass_on, methods=METHODS) for version in ("v1", "v2")),
    ]
    return Starlette(routes=routes, lifespan=connected)


def serve_remote(api: str, port: int, say: Callable[[str], object]) -> None:
    """Serve the dashboard of the service at `api` on a loopback port until the process is interrupted.

    Raises:
        ConfigError: no address of a service, or others listen at the port.
    """
    app = create_remote(api)
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(f"The dashboard must be able to listen at {HOST}:{port}, but cannot ({error.strerror}). Set `--port`.") from error
    say(f"Dashboard of {api}: http://{HOST}:{listening.getsockname()[1]}/")
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False)).run(sockets=[listening])


def _check(request: Request) -> None:
    """Refuse what a page of another site makes a person's browser send."""
    try:
        check_local(request.scope)
    except ScopeError as error:
        raise HTTPException(403, str(error)) from error


async def _page(request: Request) -> Response:
    _check(request)
    return page(origin_of(await _token_url(request.app.state.client)))


async def _token_url(client: httpx.AsyncClient) -> str | None:
    """Where the service's people get tokens; None where it says nothing of that kind, or does not answer."""
    try:
        answer = await client.get("v1/sign-in", timeout=SIGN_IN_S)
        provider = answer.json()["provider"] if answer.is_success else None
        return None if provider is None else str(provider["token_url"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


async def _asset(request: Request) -> Response:
    _check(request)
    return asset_of(request.path_params["asset"])


async def _pass_on(request: Request) -> Response:
    _check(request)
    client: httpx.AsyncClient = request.app.state.client
    headers = [(name, value) for name, value in request.headers.items() if name in PASSED_ON]
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    content = request.stream() if has_body else None
    target = httpx.URL(str(client.base_url).rstrip("/") + request.scope["raw_path"].decode("ascii"), query=request.scope["query_string"])
    try:
        answer = await client.send(client.build_request(request.method, target, headers=headers, content=content), stream=True)
    except httpx.TransportError:
        return _away(str(client.base_url))
    return _answered(answer)


def _answered(answer: httpx.Response) -> Response:
    kept: dict[str, Any] = {name: answer.headers[name] for name in ANSWERED if name in answer.headers}
    if "content-encoding" in answer.headers:
        kept.pop("content-length", None)
        return StreamingResponse(_all_of(answer, answer.aiter_bytes()), answer.status_code, kept)
    return StreamingResponse(_all_of(answer, answer.aiter_raw()), answer.status_code, kept)


async def _all_of(answer: httpx.Response, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    finally:
        await answer.aclose()


def _away(api: str) -> Response:
    problem = httpx.Response(502, json={"title": "Service not reached", "status": 502, "detail": AWAY.format(api=api)})
    return Response(problem.content, 502, media_type=MEDIA_TYPE)
