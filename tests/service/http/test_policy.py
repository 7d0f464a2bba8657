"""Every route states its policy once, and whoever needs it reads that."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match, Route

from ihas_service.app import create_app
from ihas_service.auth.scopes import Scope
from ihas_service.client.retries import REPEATABLE, REPEATABLE_WITH_KEY
from ihas_service.http.policy import (
    EXTENSION,
    MIB,
    PAGES,
    UNKNOWN,
    Repeat,
    RoutePolicies,
    RoutePolicy,
    Shedding,
    policies_of,
    policy,
    reading,
)
from ihas_service.http.routes import scoring
from ihas_service.http.routes.registry import routers
from ihas_service.settings import Settings
from tests.service.live import LiveServer

POLICIES = policies_of(route for router in (*routers(), scoring.described) for route in router.routes)
SCOPES = {
    ("GET", "/livez"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/v2/health/ready"): None,
    ("GET", "/metrics"): Scope.METRICS,
    ("GET", "/v1/models"): Scope.READ,
    ("GET", "/v1/searches/sr_1/events"): Scope.READ,
    ("POST", "/v1/datasets"): Scope.DATA,
    ("PUT", "/v1/datasets/ds_1/content"): Scope.DATA,
    ("POST", "/v1/searches/sr_1/cancel"): Scope.SEARCH,
    ("PUT", "/v1/models/films/aliases/champion"): Scope.MODELS,
    ("POST", "/v1/models/films/rollback"): Scope.MODELS,
    ("POST", "/v1/models/films/score"): Scope.SCORE,
    ("POST", "/v1/models/films/recommend"): Scope.SCORE,
    ("POST", "/v2/models/films/infer"): Scope.SCORE,
    ("POST", "/v1/events"): Scope.SCORE,
    ("GET", "/v1/keys"): Scope.ADMIN,
    ("DELETE", "/v1/keys/1"): Scope.ADMIN,
    ("DELETE", "/v1/nobody/thought/of/this"): Scope.ADMIN,
    ("GET", "/debug"): Scope.ADMIN,
    ("GET", "/livez/.."): Scope.ADMIN,
    ("GET", "/v1/models/"): Scope.ADMIN,
    ("GET", "/v1/keys\n"): Scope.ADMIN,
}
LIMITS = {
    ("POST", "/v1/events"): MIB,
    ("POST", "/v1/models/films/score"): 8 * MIB,
    ("POST", "/v1/models/films/recommend"): 4 * MIB,
    ("POST", "/v2/models/films/infer"): 4 * MIB,
    ("POST", "/v1/models/films/promote"): 2**16,
    ("PUT", "/v1/datasets/ds_1/content"): None,
}
NEVER_SHED = {
    "/livez", "/readyz", "/startupz", "/metrics", "/v2", "/v2/health/live", "/v2/health/ready", "/v1/datasets/{dataset_id}/content",
    "/v1/searches/{search_id}", "/v1/searches/{search_id}/events", "/v1/searches/{search_id}/logs", "/v1/searches/{search_id}/report",
    "/v1/searches/{search_id}/result", "/v1/searches/{search_id}/plots/{figure}", "/v1/searches/estimates/{estimate_id}/figure",
    "/v1/models/{name}/events/export", "/v1/models/{name}/online/off-policy", "/v1/batches/{batch_id}/rows", *PAGES,
}  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Iterator[FastAPI]:
    """The application."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(folder=Path(folder)))
        yield app
        app.state.parts.store.close()


@pytest.mark.parametrize(("request_", "scope"), SCOPES.items())
def test_each_request_needs_what_the_table_says(request_: tuple[str, str], scope: Scope | None) -> None:
    """What no route has needs the scope that few keys have."""
    assert POLICIES.find(*request_).scope is scope


@pytest.mark.parametrize(("request_", "limit"), LIMITS.items())
def test_bodies_are_limited_by_what_the_route_reads(request_: tuple[str, str], limit: int | None) -> None:
    """A thousand reports need less than a table's upload."""
    assert POLICIES.find(*request_).max_body == limit


def test_what_waits_for_others_is_never_shed() -> None:
    """Probes, metrics, streams, long polls and files take no permit; a data set may be fetched while its creation is answered."""
    found = {path for (method, path), one in POLICIES.declared.items() if one.shedding is Shedding.NEVER and method in ("GET", "PUT")}
    assert found == NEVER_SHED
    assert POLICIES.find("POST", "/v1/datasets").shedding is Shedding.NEVER


def test_no_route_is_without_a_policy(app: FastAPI) -> None:
    """Every operation of the description publishes its policy, and the application does not start with a route that has none."""
    operations = {(method.upper(), path): one for path, routes in app.openapi()["paths"].items() for method, one in routes.items()}
    assert {place: one[EXTENSION] for place, one in operations.items()} == {
        (method, path.replace(":id}", "}")): {name: value for name, value in one.document().items() if value is not None}
        for (method, path), one in POLICIES.declared.items()
        if path not in PAGES
    }
    bare = APIRouter()
    bare.get("/bare")(lambda: None)
    with pytest.raises(RuntimeError, match="'/bare' does not"):
        policies_of(bare.routes)


def test_reading_changes_nothing_and_may_be_repeated() -> None:
    """Every GET may be repeated, and nothing but a GET or a POST without a key."""
    for (method, path), one in POLICIES.declared.items():
        assert (one.repeat is Repeat.ALWAYS) == (method == "GET" or path in REPEATABLE), (method, path)


def test_clients_repeat_what_the_routes_allow() -> None:
    """The client's two tables are those of the routes."""
    posts = {repeat: {path for (m, path), one in POLICIES.declared.items() if m == "POST" and one.repeat is repeat} for repeat in Repeat}
    assert posts[Repeat.ALWAYS] == set(REPEATABLE)
    assert posts[Repeat.WITH_KEY] == set(REPEATABLE_WITH_KEY)


def test_the_policy_found_is_that_of_the_route_that_answers(app: FastAPI) -> None:
    """For every path, with parameters that are words of other paths too: the router's first match has the policy that is found."""
    routes = [route for router in (scoring.described, *routers()) for route in router.routes if isinstance(route, Route)]
    words = ["compare", "estimates", "estimate", "events", "models", "x"]
    for _, template in POLICIES.declared:
        for word in words:
            path = "/".join(word if part.startswith("{") else part for part in template.split("/"))
            for method in ("GET", "POST", "PUT", "DELETE"):
                scope = {"type": "http", "method": method, "path": path, "headers": []}
                first = next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
                if first is not None:
                    assert POLICIES.find(method, path) is POLICIES.declared[method, first.path], (method, path)


def test_another_method_of_a_known_path_is_admitted_by_that_path(app: FastAPI) -> None:
    """Its answer is 405; a path that there is not has no method."""
    assert POLICIES.find("DELETE", "/livez") is POLICIES.declared["GET", "/livez"]
    assert POLICIES.find("POST", "/v1/searches/compare") is POLICIES.declared["GET", "/v1/searches/compare"]
    assert POLICIES.find("GET", "/v1/searches/estimate") is POLICIES.declared["GET", "/v1/searches/{search_id}"]
    assert POLICIES.find("GET", "/v3") is UNKNOWN


def test_a_policy_is_read_as_it_was_declared() -> None:
    """Through the description of the route and back."""
    router = APIRouter()
    router.post("/a/{b}", openapi_extra=policy(Scope.SEARCH, max_body=7, repeat=Repeat.WITH_KEY, extra={"summary": "A"}))(lambda: None)
    router.get("/a/c", openapi_extra=reading(None))(lambda: None)
    found = policies_of(router.routes)

    assert found.find("POST", "/a/c") == RoutePolicy(Scope.SEARCH, 7, Shedding.OTHERS, Repeat.WITH_KEY)
    assert found.find("GET", "/a/c") == RoutePolicy(None, repeat=Repeat.ALWAYS)
    assert RoutePolicies({}).find("GET", "/") is UNKNOWN


def test_a_body_beyond_its_routes_limit_is_refused(live: LiveServer) -> None:
    """64 KiB are enough to promote a version; a search's settings may be longer."""
    body = b'{"reason": "' + b"x" * 2**16 + b'"}'
    headers = {"content-type": "application/json"}

    refused = live.http.post("/v1/models/films/promote", content=body, headers=headers)
    assert (refused.status_code, "65536 bytes" in refused.json()["detail"]) == (413, True)
    assert live.http.post("/v1/searches", content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("rest", ["a/b", "events", "a/b/c/..", "//", "a\n"])
def test_an_id_takes_all_that_follows(rest: str) -> None:
    """Whatever it is, the policy is that of its route; where nothing follows there is no id."""
    for kind in ("items", "users"):
        found = POLICIES.find("DELETE", f"/v1/models/films/{kind}/{rest}")
        assert found.scope is Scope.DATA
        assert POLICIES.find("DELETE", f"/v1/models/films/{kind}/") is UNKNOWN
