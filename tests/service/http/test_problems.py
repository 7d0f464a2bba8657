"""Every error has one shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ihas.errors import BundleCorruptError, ConfigError, DataError, IhasError, RequestError
from ihas.findings import Finding
from ihas_service.errors import ConflictError, KeyReusedError, LostLeaseError, PathRefusedError, ServiceError, UnknownIdError
from ihas_service.http.problems import KINDS, Problem, pointer_to
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import add_table
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a queued search on a data set whose check nobody carries out, and small limits."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "data").mkdir()
    table = folder / "data" / "clicks.csv"
    table.write_text("click\n1\n")
    settings = Settings(folder=folder / "runs", max_request_bytes=2_000, max_upload_bytes=3_000, data_roots=(folder / "data",))
    with LiveServer(settings) as live:
        store = SqlStore(settings.url)
        add_table(store, str(table))
        store.close()
        yield live


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The document, which must have the one shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    problem = Problem.model_validate(document)
    assert (problem.status, problem.instance, problem.request_id) == (status, response.request.url.path, response.headers["x-request-id"])
    assert re.fullmatch(r"urn:ihas:problem:[a-z-]+", problem.type)
    assert problem.title
    assert problem.detail
    return document


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/v1/models/", {}, 404),
        ("DELETE", "/v1/models", {}, 405),
        ("GET", "/v1/datasets/ds_0", {}, 404),
        ("GET", "/v1/datasets/ds_0/report", {}, 404),
        ("GET", "/v1/datasets/ds_0/profile", {}, 404),
        ("PUT", "/v1/datasets/ds_0/content", {"content": b"x"}, 404),
        ("GET", "/v1/datasets?limit=0", {}, 422),
        ("POST", "/v1/datasets", {"content": b"{}", "headers": JSON}, 422),
        ("POST", "/v1/datasets", {"content": b"{", "headers": JSON}, 400),
        ("POST", "/v1/datasets", {"content": b"a=1", "headers": {"content-type": "text/csv"}}, 415),
        ("POST", "/v1/datasets", {"content": b"{}"}, 415),
        ("POST", "/v1/datasets", {"json": {"name": "x" * 3_000}}, 413),
        ("POST", "/v1/datasets", {"json": {"name": "x", "path": "/etc/passwd"}}, 403),
        ("GET", "/v1/searches/sr_0", {}, 404),
        ("GET", "/v1/searches/..%2f..%2fetc", {}, 404),
        ("GET", "/v1/searches/sr_0/events", {}, 404),
        ("GET", "/v1/searches/sr_0/result", {}, 404),
        ("GET", "/v1/searches/sr_0/report", {}, 404),
        ("GET", "/v1/searches/" + "x" * 65, {}, 422),
        ("GET", "/v1/searches?cursor=zero", {}, 422),
        ("POST", "/v1/searches/sr_0/cancel", {}, 404),
        ("POST", "/v1/searches/sr_0/resume", {}, 404),
        ("POST", "/v1/searches", {"json": {"name": "x", "dataset_id": "ds_0"}}, 404),
        ("GET", "/v1/models/unknown", {}, 404),
        ("POST", "/v1/models/unknown/score", {"json": {"rows": []}}, 404),
        ("POST", "/v1/models/unknown/score", {"content": b"{", "headers": JSON}, 400),
        ("POST", "/v1/models/unknown/score", {"content": b"\xff", "headers": JSON}, 400),
        ("POST", "/v1/models/unknown/score", {"json": {"rows": ["x" * 3_000]}}, 413),
        ("POST", "/v1/models/unknown/recommend", {"json": {"user": "ada"}}, 422),
        ("POST", "/v1/models/unknown/recommend?version=0", {"json": {}}, 422),
    ],
)
def test_every_error_path_answers_with_a_problem(busy: LiveServer, method: str, path: str, options: dict[str, Any], status: int) -> None:
    """Unknown paths, wrong methods, bad bodies, unknown ids, refused files: one shape, with the request's name."""
    problem_of(busy.http.request(method, path, **options), status)


def test_a_wrong_body_is_pointed_at(busy: LiveServer) -> None:
    """Each invalid part has a JSON pointer; a misspelt key is not silently ignored."""
    body = {"name": "Not A Name", "dataset_id": "x", "learning": {"search": {"strength": -1, "strenght": 2}}}
    problem = problem_of(busy.http.post("/v1/searches", json=body), 422)

    assert sorted(part["pointer"] for part in problem["errors"]) == ["/learning/search/strenght", "/learning/search/strength", "/name"]


def test_a_wrong_parameter_is_named(busy: LiveServer) -> None:
    """Query parameters have no pointer, but a name."""
    problem = problem_of(busy.http.get("/v1/searches?limit=1000"), 422)

    assert [part["parameter"] for part in problem["errors"]] == ["limit"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rows": 3}, "/rows"),
        ({"rows": [{"user": 1}, 7]}, "/rows/1"),
        ({"rows": [], "explain": "yes"}, "/explain"),
        ({"rows": [], "explane": True}, ""),
        ([], ""),
    ],
)
def test_a_wrong_scoring_body_is_pointed_at(busy: LiveServer, body: object, pointer: str) -> None:
    """The bodies that msgspec reads are pointed at like the others."""
    problem = problem_of(busy.http.post("/v1/models/unknown/score", json=body), 422)

    assert [part["pointer"] for part in problem["errors"]] == [pointer]


def test_a_search_on_an_unchecked_data_set_conflicts(busy: LiveServer) -> None:
    """It has to be valid first, and has no report yet."""
    dataset = busy.json("GET", "/v1/datasets")["datasets"][0]["id"]

    assert "validating" in problem_of(busy.http.post("/v1/searches", json={"name": "x", "dataset_id": dataset}), 409)["detail"]
    problem_of(busy.http.get(f"/v1/datasets/{dataset}/report"), 409)
    problem_of(busy.http.put(f"/v1/datasets/{dataset}/content", content=b"x"), 409)


def test_a_body_that_grows_too_large_on_the_way_is_refused(busy: LiveServer) -> None:
    """A body of unstated length is cut off at the limit, and the connection ends."""
    chunks = (b"x" * 1_000 for _ in range(10))
    response = busy.http.post("/v1/datasets", content=chunks, headers=JSON)

    assert "2000 bytes" in problem_of(response, 413)["detail"]
    assert response.headers["connection"] == "close"


def test_a_wrong_method_says_which_are_right(busy: LiveServer) -> None:
    """The problem keeps the header that HTTP asks for."""
    assert busy.http.delete("/v1/models").headers["allow"] == "GET"


def test_the_callers_request_id_is_kept(busy: LiveServer) -> None:
    """A name for the request may come from outside; a strange one is replaced."""
    assert busy.http.get("/livez", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{32}", busy.http.get("/livez", headers={"x-request-id": "a b"}).headers["x-request-id"])


def _raising(error: Exception) -> Callable[[], None]:
    def route() -> None:
        raise error

    return route


FINDING = Finding(code="label", severity="error", message="The label must be 0 or 1.", row=7, column="click")
RAISED = {
    "unknown": (UnknownIdError("no"), 404),
    "conflict": (ConflictError("no"), 409),
    "key": (KeyReusedError("no"), 422),
    "path": (PathRefusedError("no"), 403),
    "config": (ConfigError("no"), 422),
    "request": (RequestError("no", "/rows/1"), 422),
    "data": (DataError("no", [FINDING]), 422),
    "bundle": (BundleCorruptError("table.npy changed"), 503),
    "bug": (ZeroDivisionError("secret"), 500),
}


@pytest.fixture(scope="module")
def raising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a path for every error."""
    with LiveServer(Settings(folder=tmp_path_factory.mktemp("raising"))) as live:
        app = live.server.config.app
        assert isinstance(app, FastAPI)
        for name, (error, _) in RAISED.items():
            app.add_api_route(f"/raise/{name}", _raising(error))
        yield live


@pytest.mark.parametrize("name", RAISED)
def test_every_error_class_becomes_a_problem(raising: LiveServer, name: str) -> None:
    """The library's errors have their status; a bug says nothing of itself."""
    error, status = RAISED[name]
    problem = problem_of(raising.http.get(f"/raise/{name}"), status)

    assert (str(error) in problem["detail"]) == (name != "bug")


def test_bad_data_says_row_and_column(raising: LiveServer) -> None:
    """Findings keep their place."""
    part = raising.http.get("/raise/data").json()["errors"][0]

    assert part == {"detail": "The label must be 0 or 1.", "code": "label", "row": 7, "column": "click"}


def test_a_bad_request_is_pointed_at(raising: LiveServer) -> None:
    """The library's pointer arrives."""
    assert raising.http.get("/raise/request").json()["errors"][0]["pointer"] == "/rows/1"


def test_every_error_class_that_a_route_may_raise_has_a_kind() -> None:
    """Only the worker's and the client's errors never reach a route."""
    classes = {one for base in IhasError.__subclasses__() for one in (base, *base.__subclasses__())}
    elsewhere = {one for one in classes if not any(issubclass(one, kind) for kind in (*KINDS, ServiceError))}

    assert {one for one in elsewhere if one.__module__ == "ihas_service.errors"} == {LostLeaseError}


def test_a_pointer_escapes_its_special_characters() -> None:
    """RFC 6901, section 3: ~ is ~0 and / is ~1."""
    assert pointer_to(["a/b", "c~d", 3]) == "/a~1b/c~0d/3"


def test_an_unreachable_database_is_said_to_be(tmp_path: Path) -> None:
    """Its tables gone, the service is alive and not ready to answer."""
    with LiveServer(Settings(folder=tmp_path)) as live:
        live.server.config.app.state.parts.store._engine.dispose()  # type: ignore[union-attr]  # it is our application
        (tmp_path / "ihas.db").unlink()
        (tmp_path / "ihas.db").mkdir()

        assert live.http.get("/livez").status_code == 200
        problem_of(live.http.get("/readyz"), 503)
        problem_of(live.http.get("/v1/searches"), 503)


def test_a_path_that_looks_like_an_id_allows_what_is_written_for_it(busy: LiveServer) -> None:
    """`/v1/searches/estimate` is posted to; that a search could be called so does not make it one that is read."""
    assert busy.http.options("/v1/searches/estimate").headers["allow"] == "POST"
    assert busy.http.options("/v1/searches/sr_0").headers["allow"] == "DELETE, GET"
