"""Who comes in, who does not, and what the log says of it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa
import structlog

from ihas_service.auth.scopes import Scope
from ihas_service.settings import Settings
from ihas_service.storage.keys import Keys
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import KEYS
from tests.clock import HANG_S
from tests.service.conftest import Publish, eventually
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

READ = frozenset({Scope.READ})


def test_a_key_opens_and_no_key_does_not(guarded: LiveServer, new_headers: NewKey) -> None:
    """In either header; without one, 401 says what is wanted, in HTTP's own way."""
    headers = new_headers(scopes=READ)
    refused = guarded.http.get("/v1/models")

    assert guarded.http.get("/v1/models", headers=headers).status_code == 200
    assert guarded.http.get("/v1/models", headers={"x-api-key": headers["authorization"][7:]}).status_code == 200
    assert (refused.status_code, refused.headers["www-authenticate"], refused.json()["type"]) == (401, "Bearer", "urn:ihas:problem:no-key")


def test_every_wrong_key_is_refused_alike(guarded: LiveServer, new_headers: NewKey, store: SqlStore) -> None:
    """Wrong secret, unknown id, truncated, expired, revoked, in the query: the answers differ in nothing but the request's id."""
    right = new_headers(scopes=READ)["authorization"]
    revoked = new_headers(scopes=READ)["authorization"]
    Keys(store).revoke(revoked.split("_")[1], "local")
    expired = new_headers(scopes=READ, expires_in_s=0.001)["authorization"]
    made_at = Keys(store).now()
    eventually(lambda: Keys(store).now() > made_at + 0.001)
    other = right[:-1] + ("0" if right[-1] != "0" else "1")
    unknown = f"Bearer ihas_{'0' * 16}_{'0' * 48}"
    wrong = [other, unknown, right[:-1], expired, revoked, "Bearer x", "Basic YTpi", "Bearer \xe4"]
    answers = [guarded.http.get("/v1/models", headers={"authorization": one.encode("latin-1")}) for one in wrong]
    answers.append(guarded.http.get(f"/v1/models?key={right[7:]}"))

    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(401, answers[0].json()["detail"])}


def test_a_key_does_only_what_its_scopes_say(guarded: LiveServer, new_headers: NewKey) -> None:
    """403 names the scope that is missing and those that are there."""
    answer = guarded.http.post("/v1/datasets", json={"name": "x"}, headers=new_headers(scopes=READ))

    assert (answer.status_code, answer.json()["detail"]) == (403, "This needs the scope `data`, but the key has `read`. Use another key.")


def test_a_revoked_key_is_forgotten_within_its_time(keyed: Settings, store: SqlStore, new_headers: NewKey) -> None:
    """While it is remembered, by a process that remembers for long, the database is not asked; after that, in one that remembers for a
    moment, the key opens nothing."""
    headers = new_headers(scopes=READ)
    with (
        LiveServer(keyed.model_copy(update={"key_cache_s": 2 * HANG_S})) as long,
        LiveServer(keyed.model_copy(update={"key_cache_s": 0.5})) as short,
    ):
        assert [one.http.get("/v1/models", headers=headers).status_code for one in (long, short)] == [200, 200]
        Keys(store).revoke(headers["authorization"].split("_")[1], "local")
        eventually(lambda: short.http.get("/v1/models", headers=headers).status_code == 401)

        assert long.http.get("/v1/models", headers=headers).status_code == 200


def test_probes_need_no_key_and_name_no_model(guarded: LiveServer, new_headers: NewKey, publish: Publish) -> None:
    """Whether a tenant has a model is nobody else's business; figures of all tenants need a scope of their own."""
    publish()
    ready = eventually(lambda: answer if (answer := guarded.http.get("/readyz")).status_code == 200 else None)

    assert ready.json() == {"status": "ready", "models": {}, "degraded": {}}
    assert (guarded.http.get("/livez").status_code, guarded.http.get("/startupz").status_code) == (200, 200)
    assert guarded.http.get("/metrics", headers=new_headers(scopes=READ)).status_code == 403
    assert guarded.http.get("/metrics", headers=new_headers()).status_code == 200


def test_one_key_has_so_many_requests_a_minute(keyed: Settings, new_headers: NewKey) -> None:
    """The fourth of three is refused with the time to wait; another key's are counted by themselves."""
    mine, theirs = new_headers(scopes=READ), new_headers(scopes=READ)
    with LiveServer(keyed.model_copy(update={"max_requests_per_minute": 3})) as live:
        answers = [live.http.get("/v1/models", headers=mine) for _ in range(4)]
        others = live.http.get("/v1/models", headers=theirs)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (1 <= int(answers[3].headers["retry-after"]) <= 60, others.status_code) == (True, 200)


def test_guessing_keys_is_slow(keyed: Settings, store: SqlStore, new_headers: NewKey) -> None:
    """After five wrong keys in a minute an address hears 429; keys that are known open meanwhile, as long as they are remembered."""
    headers = new_headers(scopes=READ)
    with LiveServer(keyed.model_copy(update={"max_bad_keys_per_minute": 5, "key_cache_s": 60.0})) as live:
        live.http.get("/v1/models", headers=headers)
        wrong = [live.http.get("/v1/models", headers={"x-api-key": str(number)}).status_code for number in range(7)]
        right = live.http.get("/v1/models", headers=headers).status_code

    assert (wrong, right) == ([401] * 5 + [429] * 2, 200)


def wrong_statuses(live: LiveServer, forwarded: Sequence[str]) -> list[int]:
    """Statuses of requests with wrong keys, each of which says that it comes from another address."""
    return [live.http.get("/v1/models", headers={"x-api-key": "wrong", "x-forwarded-for": one}).status_code for one in forwarded]


def test_whoever_shares_an_address_with_a_guesser_comes_in(keyed: Settings, store: SqlStore, new_headers: NewKey) -> None:
    """A valid key that was never seen before opens while its address is told 429 for wrong ones, and is not counted."""
    with LiveServer(keyed.model_copy(update={"max_bad_keys_per_minute": 2})) as live:
        wrong = wrong_statuses(live, ["192.0.2.1"] * 4)
        right = [live.http.get("/v1/models", headers=new_headers(scopes=READ)).status_code for _ in range(5)]

    assert (wrong, right) == ([401, 401, 429, 429], [200] * 5)


def test_an_address_is_believed_from_trusted_proxies_only(keyed: Settings, store: SqlStore) -> None:
    """Forged by anybody else it avoids no limit; a trusted proxy's clients are counted one by one, by the address that it added last."""
    clients = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    forged = [f"198.51.100.{number}, 192.0.2.9" for number in range(3)]
    strict = keyed.model_copy(update={"max_bad_keys_per_minute": 1})
    with LiveServer(strict) as live:
        untrusted = wrong_statuses(live, clients)
    with LiveServer(strict.model_copy(update={"trusted_proxies": ("127.0.0.0/8",)})) as live:
        trusted, behind = wrong_statuses(live, clients), wrong_statuses(live, forged)

    assert (untrusted, trusted, behind) == ([401, 429, 429], [401] * 3, [401, 429, 429])


@pytest.mark.parametrize("headers", [{"host": "[::1"}, {"host": "["}, {"origin": "http://[::1"}, {"origin": "null"}, {"host": "[::1]:x"}])
def test_a_host_that_is_none_is_refused(live: LiveServer, headers: dict[str, str]) -> None:
    """Whatever stands in `Host` or `Origin`, the answer is a problem document."""
    answer = live.http.get("/v1/models", headers=headers)

    assert answer.status_code < 500
    assert "host" in headers or (answer.status_code, answer.json()["type"]) == (403, "urn:ihas:problem:scope")


def test_a_stream_ends_with_its_key(guarded: LiveServer, new_headers: NewKey, valid_dataset: str, store: SqlStore) -> None:
    """The events of a search that goes on end once the key is revoked."""
    headers = new_headers()
    search = guarded.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset}, headers=headers)
    with guarded.http.stream("GET", f"/v1/searches/{search['id']}/events", headers=headers) as stream:
        lines = stream.iter_lines()
        first = next(lines)
        Keys(store).revoke(headers["authorization"].split("_")[1], "local")
        rest = list(lines)

    assert first.startswith(("id:", "data:", "event:"))
    assert not any("succeeded" in line for line in rest)
    assert guarded.http.get(f"/v1/searches/{search['id']}/events", headers=headers).status_code == 401


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, by structlog and by the libraries."""
    text = io.StringIO()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(text))
    handler = logging.StreamHandler(text)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)
    structlog.configure(**before)


def test_no_key_is_ever_logged(guarded: LiveServer, new_headers: NewKey, log: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a right one nor a wrong one, nor one that is just created: not in the log, not on the streams."""
    right = new_headers()
    wrong = right["authorization"][7:-1] + "x"
    created = guarded.json("POST", "/v1/keys", json={"name": "shop", "scopes": ["read"]}, headers=right)["key"]
    for headers in (right, {"authorization": f"Bearer {wrong}"}, {"x-api-key": created}):
        guarded.http.get("/v1/models", headers=headers)
    streams = capfd.readouterr()
    said = log.getvalue() + streams.out + streams.err

    assert not any(secret.split("_")[2] in said for secret in (right["authorization"], wrong, created))


def test_without_keys_other_sites_pages_are_not_answered(keyed: Settings) -> None:
    """A host name that was bent to loopback, and a foreign origin: refused before any route. The service's own page works."""
    with LiveServer(keyed.model_copy(update={"access": "local"})) as live:
        bent = live.http.get("/v1/models", headers={"host": "evil.example"})
        foreign = live.http.post("/v1/searches/sr_1/cancel", headers={"origin": "https://evil.example"})
        own = live.http.get("/v1/models", headers={"origin": live.url})
        named = live.http.get("/v1/models", headers={"host": f"localhost:{live.port}"})

    assert [answer.status_code for answer in (bent, foreign, own, named)] == [403, 403, 200, 200]


def test_a_database_that_is_away_is_no_wrong_key(guarded: LiveServer, new_headers: NewKey, store: SqlStore) -> None:
    """While the keys cannot be read, the answer is 503 with `Retry-After`; once they can be, the key opens again."""
    headers = new_headers(scopes=READ)
    store.write(lambda connection: connection.execute(sa.text(f"ALTER TABLE {KEYS.name} RENAME TO away")))
    away = guarded.http.get("/v1/models", headers=headers)
    store.write(lambda connection: connection.execute(sa.text(f"ALTER TABLE away RENAME TO {KEYS.name}")))

    assert (away.status_code, away.headers["retry-after"], away.json()["type"]) == (503, "1", "urn:ihas:problem:database-unavailable")
    assert guarded.http.get("/v1/models", headers=headers).status_code == 200
