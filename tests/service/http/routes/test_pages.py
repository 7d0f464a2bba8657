"""The description's pages: whole without another host."""

from __future__ import annotations

import re

from tests.service.live import LiveServer


def test_pages_load_from_this_service_alone(live: LiveServer) -> None:
    """Every script, style and picture is one that the service has, no script stands inside, and the policy admits no other host."""
    for path, program in (("/docs", "SwaggerUIBundle"), ("/redoc", "Redoc")):
        page = live.http.get(path)
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        answers = [live.http.get(f"/{name}") for name in loaded]

        assert page.status_code == 200
        assert all(name.startswith("docs/") for name in loaded)
        assert {answer.status_code for answer in answers} == {200}
        assert any(program in answer.text for answer in answers)
        assert not re.search(r"<script>|<script [^>]*>[^<]|https?://", page.text)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "http" not in policy


def test_what_pages_do_not_load_is_not_there(live: LiveServer) -> None:
    """Neither another file of the package nor one above it."""
    for name in ("core.py", "..%2fcore.py", "%2e%2e/core.py", "swagger-ui-bundle.js.map"):
        assert live.http.get(f"/docs/{name}").status_code == 404


def test_pages_need_no_key(guarded: LiveServer) -> None:
    """They say what the description says, which needs none either."""
    for path in ("/docs", "/docs/docs.js", "/docs/swagger-ui.css", "/redoc", "/openapi.json"):
        assert guarded.http.get(path).status_code == 200
