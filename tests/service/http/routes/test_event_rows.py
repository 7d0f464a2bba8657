"""From recommendations and events to rows, a file and a data set, over HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.client.client import Client
from ihas_service.datasets import event_files
from ihas_service.datasets.event_rows import EventRows
from ihas_service.datasets.exports import MOST_OF_TENANT
from ihas_service.errors import ServiceError
from ihas_service.http.dependencies import AppState
from ihas_service.http.routes import event_rows as module
from ihas_service.settings import Settings
from ihas_service.storage.shown_rows import ShownRow
from tests.ihas.bundle_factory import GENRES
from tests.service.conftest import Publish, eventually
from tests.service.http.routes.test_events import event
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
EXPORT, DATASET = f"{MODEL}/events/export", f"{MODEL}/events/dataset"
OPEN = {"open": "true", "format": "jsonl"}


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    """The rows of an answer in JSON lines."""
    assert response.is_success, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def tell(live: LiveServer, *events: dict[str, Any]) -> Any:
    """What the service says of a report."""
    return live.json("POST", "/v1/events", json={"events": list(events)})


def direct(live: LiveServer, user: str, item: str, kind: str, seconds_ago: float, **more: Any) -> dict[str, Any]:
    """An event without an answer."""
    now = live.server.config.app.state.parts.store.now()  # type: ignore[union-attr]
    return {"model": "films", "context": {"user": user}, "item_id": item, "kind": kind, "at": now - seconds_ago, **more}


def shown_and_clicked(live: LiveServer, user: str = "ada") -> dict[str, Any]:
    """An answer with three items, all seen, of which the first was clicked."""
    answer: dict[str, Any] = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": user}})
    seen = [event(answer, item["id"], "impression") for item in answer["items"]]
    assert tell(live, *seen, event(answer, answer["items"][0]["id"], "click"))["accepted"] == 4
    return answer


def test_what_was_shown_becomes_rows_of_the_models_table(live: LiveServer, publish: Publish) -> None:
    """Label, context, item and its fields under the names of the schema; what was told of the answer on demand. A positive row says 1."""
    publish()
    answer = shown_and_clicked(live)
    response = live.http.get(EXPORT, params={**OPEN, "details": "true"})
    rows = lines(response)

    assert [row["movie"] for row in rows] == [item["id"] for item in answer["items"]]
    assert [row["click"] for row in rows] == [1, 0, 0]
    assert [row["genres"] for row in rows] == [GENRES[row["movie"]] for row in rows]
    assert {row["user"] for row in rows} == {"ada"}
    assert [(row["rank"], row["score"], row["group"]) for row in rows] == [
        (one["rank"], one["score"], one["group"]) for one in answer["items"]
    ]
    assert [(row["propensity"], row["version"], row["canary"], row["explored"]) for row in rows] == [(1.0, 1, False, False)] * 3
    assert {row["recommendation_id"] for row in rows} == {answer["recommendation_id"]}
    assert response.headers["content-type"] == "application/x-ndjson"
    assert list(lines(live.http.get(EXPORT, params=OPEN))[0]) == ["click", "user", "genres", "movie", "at"]


def test_rows_wait_for_the_end_of_their_window_and_are_counted(live: LiveServer, publish: Publish) -> None:
    """By default of a day; with a window of no length, nothing waits, and only what happened at once belongs to an answer."""
    publish()
    shown_and_clicked(live)
    response = live.http.get(EXPORT, params={"format": "jsonl"})

    assert (lines(response), response.headers["open-rows"], response.headers["rows-without-context"]) == ([], "3", "0")
    assert live.http.get(EXPORT, params=OPEN).headers["open-rows"] == "0"
    again = {"format": "jsonl", "as_of": response.headers["as-of"], "open": "true"}
    shown_and_clicked(live, "bob")
    assert {row["user"] for row in lines(live.http.get(EXPORT, params=again))} == {"ada"}


def test_parquet_and_json_lines_hold_the_same(live: LiveServer, publish: Publish) -> None:
    """Columns have types, and the file says what it is."""
    publish()
    shown_and_clicked(live)
    tell(live, direct(live, "bob", "m2", "click", 5.0))
    file = io.BytesIO(live.http.get(EXPORT, params={"open": "true", "details": "true"}).content)
    rows = lines(live.http.get(EXPORT, params={**OPEN, "details": "true"}))
    table = pq.read_table(file)

    assert table.to_pylist() == rows
    assert {name: str(table.schema.field(name).type) for name in ("click", "user", "at", "rank", "canary")} == {
        "click": "int64", "user": "string", "at": "double", "rank": "int64", "canary": "bool",
    }  # fmt: skip
    notes = json.loads(table.schema.metadata[b"ihas"])
    assert (notes["model"], notes["window_s"], notes["positive"], notes["open"]) == ("films", 86_400.0, "click", True)
    assert pq.read_table(io.BytesIO(live.http.get(EXPORT).content)).num_rows == 0


def test_other_kinds_and_values_label_rows(live: LiveServer, publish: Publish) -> None:
    """A rating of 4 and one of 3; online metrics count neither, and impressions and clicks as before."""
    publish()
    answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}})
    first, second, third = (item["id"] for item in answer["items"])
    tell(
        live,
        {**event(answer, first, "rating"), "value": 4},
        {**event(answer, second, "rating"), "value": 3.0},
        event(answer, third, "cart"),
    )
    before = live.json("GET", f"{MODEL}/online")["groups"]
    tell(live, event(answer, third, "click"))
    after = live.json("GET", f"{MODEL}/online")["groups"]

    assert [row["click"] for row in lines(live.http.get(EXPORT, params={**OPEN, "positive": "rating >= 4"}))] == [1, 0, 0]
    assert [row["click"] for row in lines(live.http.get(EXPORT, params={**OPEN, "positive": "cart"}))] == [0, 0, 1]
    assert (before, sum(group["impressions"] for group in after), sum(group["clicks"] for group in after)) == ([], 1, 1)


def test_events_without_an_answer_become_rows_and_count_once(live: LiveServer, publish: Publish) -> None:
    """Reported twice, with an item that no item table knows, and a context of which a field is missing."""
    publish()
    events = [
        direct(live, "ada", "m1", "impression", 20.0),
        direct(live, "ada", "m1", "click", 10.0),
        direct(live, "bob", "new", "click", 5.0),
    ]
    events.append({**direct(live, "x", "m2", "impression", 2.0), "context": {}})
    for _ in range(2):
        assert tell(live, *events) == {"accepted": 4, "rejected": []}
    rows = lines(live.http.get(EXPORT, params=OPEN))

    found = [(row["user"], row["genres"], row["movie"], row["click"]) for row in rows]
    assert found == [("ada", GENRES["m1"], "m1", 1), ("bob", None, "new", 1), (None, GENRES["m2"], "m2", 0)]
    assert rows[0]["at"] == pytest.approx(events[1]["at"], abs=1e-3)
    assert live.json("GET", f"{MODEL}/online")["groups"] == []


def test_what_cannot_be_kept_is_rejected_with_its_reason(live: LiveServer, publish: Publish) -> None:
    """Each event by its place; the right one among them counts."""
    publish()
    answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}})
    good = direct(live, "ada", "m1", "click", 10.0)
    wrong = [
        ({**good, "model": "songs"}, "no model 'songs'"),
        ({**good, "context": {"usr": "ada"}}, "no field 'usr'"),
        ({**good, "context": {"movie": "m1"}}, "no field 'movie'"),
        ({**good, "context": {"user": {"name": "ada"}}}, "one value for 'user'"),
        ({**good, "context": {"user": ["ada", "bob"]}}, "one value for 'user'"),
        ({**good, "context": {"user": "x" * 9_000}}, "at most 8,192 bytes"),
        ({**good, "item_id": "  "}, "must name an item"),
        ({**good, "item_id": "m\0"}, "must name an item"),
        ({**good, "at": good["at"] + 3_600.0}, "in the future"),
        ({**good, "at": "2020-01-01T00:00:00Z"}, "IHAS_FEEDBACK_KEPT_S"),
        ({**event(answer, "m1", "click"), "at": good["at"] - 3_600.0}, "before the recommendation"),
    ]
    report = tell(live, *(one for one, _ in wrong), good)

    assert report["accepted"] == 1
    assert [one["index"] for one in report["rejected"]] == list(range(len(wrong)))
    for (_, why), found in zip(wrong, report["rejected"], strict=True):
        assert why in found["detail"]


@pytest.mark.parametrize(
    "change",
    [{"kind": "Click"}, {"kind": "x" * 17}, {"value": "4"}, {"value": True}, {"at": "yesterday"}, {"at": "2026-11-30T12:00:00"}, {"at": -1},
     {"at": 1e300}, {"at": [1]}, {"at": None}, {"model": None}, {"model": "a\0"}, {"recommendation_id": "rc_1"},
     {"context": [1]}, {"more": 1}],
)  # fmt: skip
def test_a_malformed_event_is_refused_with_its_place(live: LiveServer, publish: Publish, change: dict[str, Any]) -> None:
    """A time without a zone, a value that is a text, an event of two things, or of none."""
    publish()
    refused = live.http.post("/v1/events", json={"events": [{**direct(live, "ada", "m1", "click", 1.0), **change}]})

    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"].startswith("/events/0")


@pytest.mark.parametrize(
    "params",
    [{"positive": "click or cart"}, {"since": "tomorrow"}, {"since": 100, "until": 100}, {"as_of": 4e9}, {"window_s": -1},
     {"window_s": "nan"}, {"format": "csv"}, {"limit": 3}, {"version": 0}, {"until": "9" * 400}],
)  # fmt: skip
def test_a_question_that_means_nothing_is_refused(live: LiveServer, publish: Publish, params: dict[str, Any]) -> None:
    """Before anything is read; the data set's body is refused for the same reasons."""
    publish()

    assert live.http.get(EXPORT, params=params).status_code == 422
    body = {"name": "x", **params}
    if "window_s" in params:
        body["window_s"] = -1
    assert live.http.post(DATASET, json=body).status_code == 422


def test_rows_are_for_who_handles_data_and_for_its_tenant(guarded: LiveServer, publish: Publish, new_headers: NewKey) -> None:
    """A key that only reads sees no person's context, another tenant no model, and nobody nothing."""
    publish()
    owner = new_headers()
    answer = guarded.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}}, headers=owner)
    guarded.json("POST", "/v1/events", json={"events": [event(answer, "m1", "click")]}, headers=owner)

    assert guarded.http.get(EXPORT, params=OPEN).status_code == 401
    assert guarded.http.get(EXPORT, params=OPEN, headers=new_headers(scopes=frozenset({Scope.READ}))).status_code == 403
    assert guarded.http.get(EXPORT, params=OPEN, headers=new_headers("acme")).status_code == 404
    assert guarded.http.post(DATASET, json={"name": "x", "open": True}, headers=new_headers("acme")).status_code == 404
    assert len(lines(guarded.http.get(EXPORT, params=OPEN, headers=new_headers(scopes=frozenset({Scope.DATA}))))) == 1
    theirs = {"model": "films", "context": {"user": "eve"}, "item_id": "m1", "kind": "click", "at": "2026-11-30T00:00:00Z"}
    told = guarded.json("POST", "/v1/events", json={"events": [theirs]}, headers=new_headers("acme"))
    assert told["accepted"] == 0


def test_a_canarys_answers_say_so(live: LiveServer, publish: Publish) -> None:
    """All requests go to the canary but those that ask for a version; its rows are marked, and the champion's are not."""
    publish()
    publish()
    live.json("POST", f"{MODEL}/promote", json={"version": 1})
    live.json("PUT", f"{MODEL}/traffic", json={"canary": {"version": 2, "percent": 100.0}}, headers={"if-match": "*"})
    for params in ({}, {"version": 1}, {"version": 2}):
        answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": 1}, params=params)
        tell(live, event(answer, answer["items"][0]["id"], "impression"))

    rows = lines(live.http.get(EXPORT, params={**OPEN, "details": "true"}))
    assert sorted((row["version"], row["canary"]) for row in rows) == [(1, False), (2, False), (2, True)]


def test_a_context_that_is_too_large_is_not_kept_and_its_rows_are_counted(live: LiveServer, publish: Publish) -> None:
    """Its events count all the same."""
    publish()
    answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "x" * 10_000}})
    assert tell(live, event(answer, "m1", "click"))["accepted"] == 1
    response = live.http.get(EXPORT, params=OPEN)

    assert (lines(response), response.headers["rows-without-context"]) == ([], "1")


def test_contexts_are_not_kept_where_the_operator_says_so(settings: Settings, publish: Publish) -> None:
    """Events count as before, and nothing becomes rows but events that state their context themselves."""
    publish()
    with LiveServer(settings.model_copy(update={"keep_contexts": False})) as live:
        shown_and_clicked(live)
        tell(live, direct(live, "ada", "m1", "click", 5.0))
        response = live.http.get(EXPORT, params=OPEN)

    assert (len(lines(response)), response.headers["rows-without-context"]) == (1, "3")


def test_a_tenant_has_few_exports_at_the_same_time(live: LiveServer, publish: Publish) -> None:
    """More are told to come again; places are free once an answer is sent or refused."""
    publish()
    shown_and_clicked(live)
    exports = live.server.config.app.state.parts.exports  # type: ignore[union-attr]
    with exports.place("local"), exports.place("local"):
        refused = live.http.get(EXPORT, params=OPEN)
        also = live.http.post(DATASET, json={"name": "x", "open": True})
    assert (refused.status_code, also.status_code, refused.headers["retry-after"]) == (429, 429, "10")
    assert MOST_OF_TENANT == 2
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: len(lines(live.http.get(EXPORT, params=OPEN))), range(2))) == [3] * 2
    eventually(lambda: not exports.running)


def test_old_answers_are_served_and_counted_after_a_migration(settings: Settings, publish: Publish) -> None:
    """A database of the form before: its answers have two numbers an item and no context. Events on them count, and are no rows."""
    publish()
    with LiveServer(settings) as live:
        answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}})
        tell(live, event(answer, "m1", "impression"))
    with sqlite3.connect(settings.folder / "ihas.db") as connection:
        connection.executescript(BACK_TO_0007)
    connection.close()
    with LiveServer(settings) as live:
        assert tell(live, event(answer, "m1", "click"), event(answer, "m2", "impression"))["accepted"] == 2
        groups = live.json("GET", f"{MODEL}/online")["groups"]
        response = live.http.get(EXPORT, params=OPEN)
        assert (lines(response), response.headers["rows-without-context"]) == ([], "2")
        shown_and_clicked(live)
        assert len(lines(live.http.get(EXPORT, params=OPEN))) == 3

    assert (sum(group["impressions"] for group in groups), sum(group["clicks"] for group in groups)) == (2, 1)


BACK_TO_0007 = """
drop table request_counts;
drop table replica_figures;
alter table jobs drop column note;
alter table jobs drop column tags;
drop table item_fields;
drop table item_field_sums;
drop table profiles;
drop table profile_sums;
drop index feedback_of_user;
alter table answers drop column user_id;
alter table feedback drop column user_id;
drop table schedules;
drop table promotions;
drop table trials;
drop table trial_sums;
alter table model_versions drop column candidate;
alter table model_versions drop column gates;
alter table traffic drop column trial;
alter table traffic drop column buckets;
alter table answers drop column trial;
alter table answers drop column challenger;
alter table answers drop column pool;
drop table dataset_versions;
alter table jobs drop column dataset_version;
alter table datasets drop column limits;
drop table direct_events;
drop index answers_at;
alter table answers drop column context;
alter table answers drop column canary;
alter table feedback drop column value;
alter table feedback drop column happened_at;
create index answers_at on answers (tenant, model, at);
update alembic_version set version_num = '0007';
"""


def test_a_value_is_kept_to_its_last_digit(live: LiveServer, publish: Publish) -> None:
    """Numbers of contexts and scores come back as they were given, and texts with odd characters too."""
    publish()
    odd = 'ünï"\\\n\t☃ {},'
    answer = live.json("POST", f"{MODEL}/recommend", json={"context": {"user": odd}, "k": 1})
    tell(live, event(answer, answer["items"][0]["id"], "click"))
    row = lines(live.http.get(EXPORT, params={**OPEN, "details": "true"}))[0]

    assert (row["user"], row["score"]) == (odd.strip(), answer["items"][0]["score"])
    assert math.isfinite(row["at"])


def test_an_export_that_breaks_off_is_no_file(live: LiveServer, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away between two rows: the transfer is incomplete, the client keeps nothing and says so, and the place is free."""
    publish()
    answer = shown_and_clicked(live)
    first, whole = answer["items"][0]["id"], EventRows.row

    def broken(self: EventRows, shown: ShownRow) -> dict[str, Any]:
        if shown.item_id != first:
            raise OSError("The disk is gone.")
        return whole(self, shown)

    monkeypatch.setattr(event_files, "LINES", 1)
    monkeypatch.setattr(EventRows, "row", broken)
    with Client(live.url) as client, pytest.raises(ServiceError, match="broke off"):
        client.export_events("films", tmp_path / "rows.jsonl", format="jsonl", open=True)
    monkeypatch.undo()
    eventually(lambda: not live.server.config.app.state.parts.exports.running)  # type: ignore[union-attr]
    assert sorted(path.name for path in tmp_path.iterdir() if "rows" in path.name) == []


def test_a_stream_ends_with_its_key(live: LiveServer) -> None:
    """After the piece at which the key was found to have ended nothing more is sent, and the transfer is broken off."""
    allowed = iter([True, True, False])
    parts: AppState = live.server.config.app.state.parts  # type: ignore[union-attr]
    sent: list[bytes] = []

    async def may_go_on() -> bool:
        return next(allowed)

    async def work() -> None:
        async for piece in module._while_allowed(iter([b"a", b"b", b"c", b"d"]), parts, may_go_on):
            sent.append(piece)

    with pytest.raises(ConnectionAbortedError):
        asyncio.run(work())
    assert sent == [b"a", b"b"]
