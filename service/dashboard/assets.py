"""Files of the dashboard: they travel in the package, and plotly's script in plotly's own, which is found but never imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
PAGE = "index.html"
FIRST_SCRIPT = "app.js"
IMPORT = re.compile(r'^(?:import|export) .*from "\./([\w.]+)"', re.MULTILINE)
PLOTLY = "plotly.min.js"
MEDIA: Mapping[str, str] = MappingProxyType({".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"})
NAMES = frozenset(path.name for path in STATIC.iterdir() if path.suffix in MEDIA)
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Of the empty text: plotly adds an empty style element, and its rules by script."""
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {EMPTY_STYLE}; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
"""Scripts, styles and requests of this host alone; none inside the page, and the page inside no other."""
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-cache",
    }
)
KEPT_HEADERS: Mapping[str, str] = MappingProxyType({**HEADERS, "cache-control": "public, max-age=86400"})


def imported() -> tuple[str, ...]:
    """Every module that the first script imports, itself or through others, the nearest first."""
    reached = [FIRST_SCRIPT]
    for name in reached:
        reached += [one for one in dict.fromkeys(IMPORT.findall((STATIC / name).read_text(encoding="utf-8"))) if one not in reached]
    return tuple(reached[1:])


PRELOADED = "".join(f'<link rel="modulepreload" href="dashboard/{name}">\n' for name in imported())
"""Fetches all modules at once: else each waits for the one that imports it."""


def page(also_asks: str | None = None) -> Response:
    """The one page; what it shows stands behind `#` in its address. `also_asks` is the only other origin that it may ask."""
    policy = POLICY if also_asks is None else POLICY.replace("connect-src 'self'", f"connect-src 'self' {also_asks}")
    text = (STATIC / PAGE).read_text(encoding="utf-8").replace("</head>", f"{PRELOADED}</head>", 1)
    return Response(text, media_type="text/html", headers={**HEADERS, "content-security-policy": policy})


def text_asset(name: str) -> Response | None:
    """A script or a style of ours; None for another name."""
    if name not in NAMES:
        return None
    path = STATIC / name
    return Response(path.read_bytes(), media_type=MEDIA[path.suffix], headers=HEADERS)


def plotly_script() -> Path | None:
    """Where plotly's script lies; None where plotly is not installed, and tables stand in place of plots."""
    found = find_spec("plotly")
    places = () if found is None else found.submodule_search_locations or ()
    return next((path for place in places if (path := Path(place) / "package_data" / PLOTLY).is_file()), None)
