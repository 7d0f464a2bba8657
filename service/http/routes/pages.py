"""The API's description as pages, whose scripts come from an installed package: they need no other host, and may ask none."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from types import MappingProxyType

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ihas_service.http.files import WholeFile

PACKAGE = "fastapi_offline"
SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        "docs.js": 'SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true, layout: "BaseLayout"});',
        "redoc.js": 'Redoc.init("openapi.json", {}, document.getElementById("page"));',
    }
)
"""Our own scripts, since a page may have none inside."""
ASSETS: Mapping[str, str] = MappingProxyType(
    {
        "swagger-ui-bundle.js": "text/javascript",
        "swagger-ui.css": "text/css",
        "redoc.standalone.js": "text/javascript",
        "favicon.png": "image/png",
    }
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts of this host alone, none inside a page; the pages' scripts write styles themselves, and draw in a worker."""
HEADERS = MappingProxyType({"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"})


def install(app: FastAPI) -> None:
    """Serve `/docs`, `/redoc` and what they load."""
    app.add_api_route("/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    app.add_api_route("/redoc", _redoc, include_in_schema=False, response_class=HTMLResponse)
    app.add_api_route("/docs/{asset}", _asset, include_in_schema=False, response_class=Response)


def _docs(request: Request) -> HTMLResponse:
    return _page(request, '<link rel="stylesheet" href="docs/swagger-ui.css">', ("swagger-ui-bundle.js", "docs.js"))


def _redoc(request: Request) -> HTMLResponse:
    return _page(request, "", ("redoc.standalone.js", "redoc.js"))


def _page(request: Request, head: str, scripts: tuple[str, ...]) -> HTMLResponse:
    loaded = "".join(f'<script src="docs/{name}"></script>' for name in scripts)
    title = escape(f"iHAS {request.app.version}")
    icon = '<link rel="icon" href="docs/favicon.png">'
    text = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{icon}{head}</head>'
    return HTMLResponse(f'{text}<body><div id="page"></div>{loaded}</body></html>', headers=HEADERS)


def _asset(asset: str) -> Response:
    if asset in SCRIPTS:
        return Response(SCRIPTS[asset], media_type="text/javascript", headers=HEADERS)
    if asset not in ASSETS:
        raise HTTPException(404, f"The pages load no {asset!r}. They are /docs and /redoc.")
    path = str(files(PACKAGE) / "static" / asset)
    return WholeFile(path, ASSETS[asset], HEADERS)
