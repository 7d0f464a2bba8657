"""The dashboard's page and its files; what the page shows, it asks the public routes for, with the visitor's own key."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from ihas_service.dashboard.assets import KEPT_HEADERS, MEDIA, PLOTLY, page, plotly_script, text_asset
from ihas_service.http.files import WholeFile
from ihas_service.http.schemas.sign_in import SignInPublic
from ihas_service.settings import origin_of


def install(app: FastAPI) -> None:
    """Serve `/` and what it loads."""
    provider = SignInPublic.of(app.state.parts.settings).provider
    also_asks = origin_of(None if provider is None else provider.token_url)
    app.add_api_route("/", lambda: page(also_asks), include_in_schema=False, response_class=HTMLResponse)
    app.add_api_route("/dashboard/{asset}", asset_of, include_in_schema=False, response_class=Response)


def asset_of(asset: str) -> Response:
    """A file of the dashboard.

    Raises:
        HTTPException: it has none of this name.
    """
    found = text_asset(asset)
    if found is not None:
        return found
    script = plotly_script() if asset == PLOTLY else None
    if script is None:
        raise HTTPException(404, f"The dashboard loads no {asset!r}. It is at /.")
    return WholeFile(script, MEDIA[script.suffix], KEPT_HEADERS)
