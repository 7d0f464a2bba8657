"""Signing in at an OpenID provider by redirection, in real Chromium, at a provider that really answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.dashboard.conftest import NARROW, WIDE, Visit
from tests.service.dashboard.provider import Provider, running
from tests.service.dashboard.test_pages import seen
from tests.service.live import LiveServer
from tests.service.test_remote_dashboard import passed_on

pytestmark = [pytest.mark.full, pytest.mark.slow]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers."""
    with running() as found:
        yield found


@pytest.fixture
def trusting(keyed: Settings, store: SqlStore, provider: Provider) -> Iterator[LiveServer]:  # noqa: ARG001 - the store is made first
    """A service whose people sign in there."""
    with LiveServer(keyed.model_copy(update=provider.settings())) as live:
        yield live


def test_a_person_signs_in_and_comes_back_to_the_page(trusting: LiveServer, provider: Provider, visit: Visit) -> None:
    """In clicks alone; neither code nor token is left in the address or beyond the tab, and the code was good once."""
    page = visit(trusting.url, "/datasets")
    page.get_by_role("button", name="Sign in with your account").click()
    page.get_by_role("link", name="Continue as Ada").click()
    page.get_by_role("heading", name="Data sets").wait_for()
    seen(page, "Tenant acme")

    assert page.url == f"{trusting.url}/#/datasets"
    assert (provider.codes, provider.refused) == ({}, [])
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert page.evaluate("Object.keys(sessionStorage)") == ["ihas-key"]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with your account").wait_for()


def test_what_the_provider_grants_decides_what_is_offered(trusting: LiveServer, provider: Provider, visit: Visit) -> None:
    """A person who may only read sees nothing to start."""
    provider.granted = "ihas:read"
    page = visit(trusting.url, "/")
    page.get_by_role("button", name="Sign in with your account").click()
    page.get_by_role("link", name="Continue as Ada").click()
    page.get_by_role("heading", name="Welcome to iHAS").wait_for()

    assert page.get_by_role("link", name="Upload a table").count() == 0


@pytest.mark.parametrize(
    ("way", "told"),
    [("Refuse", "The provider refused: <img src=x onerror=alert(1)>."), ("Another tab's answer", "This tab did not ask for that.")],
)
def test_what_was_not_asked_for_or_is_refused_signs_nobody_in(
    way: str, told: str, trusting: LiveServer, provider: Provider, visit: Visit
) -> None:
    """The page says so, as text; no code is used."""
    page = visit(trusting.url, "/")
    page.get_by_role("button", name="Sign in with your account").click()
    page.get_by_role("link", name=way).click()
    seen(page, told)

    assert page.evaluate("sessionStorage.length") == 0
    assert (len(provider.codes), provider.refused, page.url) == (1, [], f"{trusting.url}/#/")


def test_a_code_of_somebody_else_is_of_no_use(trusting: LiveServer, provider: Provider, visit: Visit) -> None:
    """Without the verifier that the tab keeps, the provider gives no token; the page says why."""
    page = visit(trusting.url, "/")
    page.get_by_role("button", name="Sign in with your account").click()
    page.get_by_role("link", name="Continue as Ada").wait_for()
    for asked in provider.codes.values():
        asked["code_challenge"] = "of another tab"
    page.get_by_role("link", name="Continue as Ada").click()
    seen(page, "The provider gave no token: The code is not valid.")

    assert provider.refused == ["invalid_grant"]


def test_a_provider_that_admits_no_other_origin_is_named(trusting: LiveServer, provider: Provider, visit: Visit) -> None:
    """What has to be set there is told."""
    provider.cors = False
    page = visit(trusting.url, "/")
    page.get_by_role("button", name="Sign in with your account").click()
    page.get_by_role("link", name="Continue as Ada").click()
    seen(page, "It must admit this address (CORS).")


def test_the_policy_names_the_provider_and_nobody_else(trusting: LiveServer, guarded: LiveServer, provider: Provider) -> None:
    """Also the dashboard of a service elsewhere; without a provider the policy stays with this host."""
    with passed_on(trusting.url) as remote:
        policies = [client.get("/").headers["content-security-policy"] for client in (trusting.http, remote)]
    plain = guarded.http.get("/").headers["content-security-policy"]

    assert [f"connect-src 'self' {provider.url};" in one for one in policies] == [True, True]
    assert plain == policies[0].replace(f" {provider.url}", "")
    assert trusting.json("GET", "/v1/sign-in")["provider"]["token_url"] == f"{provider.url}/token"
    assert guarded.json("GET", "/v1/sign-in") == {"access": "keys", "provider": None}


@pytest.mark.parametrize("width", [380, NARROW, WIDE, 1600])
def test_it_fits(width: int, trusting: LiveServer, visit: Visit) -> None:
    """In both themes by turns; axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(trusting.url, "/", width, "dark" if width in (NARROW, 1600) else "light")
    page.get_by_role("button", name="Sign in with your account").wait_for()
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = axe.run(page, options=options).response["violations"]

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
