"""Searches over HTTP: logs, figures, copies, comparisons, limits."""

from __future__ import annotations

import json
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ihas_service.http.examples.searches import RESULT
from ihas_service.http.routes.search_views import lines_from
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


@pytest.fixture
def run(publish: Publish) -> Path:
    """Run folder of a search that succeeded, with result, figures and a log."""
    folder = publish().parent
    (folder / "result.json").write_text(json.dumps(RESULT))
    (folder / "plots").mkdir()
    (folder / "plots" / "auc.json").write_text('{"data": [{"name": "</script><b>"}], "layout": {}}')
    (folder / "plots" / "plotly.js").write_text("/* plotly.js */")
    (folder / "log.txt").write_text(f"Epoch 1 of {folder}/stages\n" + "x" * 300_000)
    return folder


def test_the_log_is_read_part_by_part(live: LiveServer, run: Path) -> None:
    """256 KiB of whole lines at a time; the header says where the next part begins; an offset beyond the end gives nothing."""
    path = f"/v1/searches/{run.name}/logs"
    (run / "log.txt").write_text("".join(f"{number:06d} line\n" for number in range(30_000)))
    first = live.http.get(path)
    second = live.http.get(path, params={"offset": first.headers["next-offset"]})
    end = live.http.get(path, params={"offset": 10**9})

    assert (first.status_code, first.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert 262_144 - 12 < len(first.text) <= 262_144
    assert [line[:6] for line in (first.text + second.text).splitlines()] == [f"{number:06d}" for number in range(30_000)]
    assert (int(second.headers["next-offset"]), end.text) == ((run / "log.txt").stat().st_size, "")


def test_a_line_of_any_length_is_passed_in_parts(tmp_path: Path) -> None:
    """Nothing limits what a run writes without ending the line; the process that shows it holds a part."""
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * 2**25 + b"\nnext\n")
    tracemalloc.start()
    try:
        assert lines_from(log, 0, ended=False) == (b"", 2**25 + 1)
        assert lines_from(log, 5, ended=False) == (b"next\n", 2**25 + 6)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_no_offset_shows_the_rest_of_a_path(tmp_path: Path) -> None:
    """From wherever one reads, a line is there from its beginning or not at all; a longer one than a part is left out; one that is still
    being written waits for its end, or for that of the run."""
    log = tmp_path / "log.txt"
    log.write_bytes(b"/secret/place\nsecond\n" + b"x" * 300_000 + b"\nlast")

    assert {lines_from(log, offset, ended=False)[0] for offset in range(1, 15)} == {b"second\n"}
    assert lines_from(log, 0, ended=False) == (b"/secret/place\nsecond\n", 21)
    assert lines_from(log, 21, ended=False) == (b"", 300_022)
    assert lines_from(log, 300_022, ended=False) == (b"", 300_022)
    assert lines_from(log, 300_022, ended=True) == (b"last", 300_026)
    assert lines_from(log, 10**9, ended=True) == (b"", 300_026)


def test_the_log_says_nothing_of_where_it_lies(live: LiveServer, run: Path, settings: Settings) -> None:
    """The service's folder is left out."""
    text = live.http.get(f"/v1/searches/{run.name}/logs").text

    assert text.startswith(f"Epoch 1 of searches/{run.name}/stages")
    assert str(settings.folder) not in text


def test_a_search_that_has_not_begun_has_an_empty_log(live: LiveServer, valid_dataset: str) -> None:
    """It is no error to look early."""
    search = live.json("POST", "/v1/searches", json={"name": "films", "dataset_id": valid_dataset})

    assert live.http.get(f"/v1/searches/{search['id']}/logs").text == ""


def test_figures_come_as_json_and_as_a_page(live: LiveServer, run: Path) -> None:
    """The page holds script and figure, asks nobody, and text from data ends no script."""
    path = f"/v1/searches/{run.name}/plots"
    page = live.http.get(f"{path}/auc", params={"form": "html"})

    assert live.json("GET", path) == {"figures": ["auc"]}
    assert live.json("GET", f"{path}/auc")["data"][0]["name"] == "</script><b>"
    assert ("/* plotly.js */" in page.text, "<b>" in page.text, "sandbox" in page.headers["content-security-policy"]) == (True, False, True)
    assert re.findall(r"(?:src|href)=", page.text) == []
    assert live.http.get(f"{path}/..%2Fresult").status_code == live.http.get(f"{path}/plotly").status_code == 404


def test_a_copy_differs_in_what_is_said(live: LiveServer, store: SqlStore, run: Path) -> None:
    """Settings are merged group by group; data set and name stay."""
    asked: dict[str, Any] = {"learning": {"training": {"epochs": 3}}, "priority": 7, "budget": {"groups": 2}}
    copy = live.json("POST", f"/v1/searches/{run.name}/clone", json=asked)
    again = live.json("POST", f"/v1/searches/{copy['id']}/clone", json={"name": "songs", "learning": {"seed": 4}})
    settings = store.job(again["id"]).settings

    assert (copy["name"], copy["priority"], copy["dataset_id"]) == ("films", 7, store.job(run.name).dataset_id)
    assert (again["name"], settings["learning"]["training"]["epochs"], settings["learning"]["seed"]) == ("songs", 3, 4)
    assert settings["budget"]["groups"] == 2


def test_a_copy_that_would_not_be_valid_is_pointed_at(live: LiveServer, run: Path) -> None:
    """An unknown setting, a value out of range."""
    answer = live.http.post(f"/v1/searches/{run.name}/clone", json={"learning": {"training": {"epoxs": 3}}})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/learning/training/epoxs")


def test_two_searches_are_compared(live: LiveServer, run: Path, publish: Publish) -> None:
    """On the same data set; one that has not succeeded conflicts, and so does one of another kind."""
    other = publish().parent
    (other / "result.json").write_text(json.dumps({**RESULT, "learning": {"seed": 9}}))
    found = live.json("GET", "/v1/searches/compare", params={"first": run.name, "second": other.name})
    waiting = live.json("POST", f"/v1/searches/{run.name}/clone", json={})["id"]

    assert (found["settings"], found["same_data"]) == ([{"setting": "seed", "first": 1, "second": 9}], True)
    assert live.http.get("/v1/searches/compare", params={"first": run.name, "second": waiting}).status_code == 409
    (other / "result.json").write_text(json.dumps({"kind": "transformer"}))
    answer = live.http.get("/v1/searches/compare", params={"first": run.name, "second": other.name})
    assert (answer.status_code, "of the kind 'transformer'" in answer.json()["detail"]) == (409, True)


def test_only_so_many_searches_wait(settings: Settings, store: SqlStore, valid_dataset: str) -> None:
    """The third of two is refused with Retry-After; a repetition of the first is no third."""
    body, key = {"name": "films", "dataset_id": valid_dataset}, {"idempotency-key": "one"}
    with LiveServer(settings.model_copy(update={"max_queued_per_tenant": 2})) as live:
        made = [live.http.post("/v1/searches", json=body, headers=headers) for headers in (key, {}, {}, key)]

    assert [answer.status_code for answer in made] == [202, 202, 429, 202]
    assert (made[3].json()["id"], int(made[2].headers["retry-after"])) == (made[0].json()["id"], 60)


def test_fifty_parallel_posts_with_one_key_are_one_search(live: LiveServer, valid_dataset: str) -> None:
    """Fifty clients at once get the same search; with another body each of fifty gets 422."""
    body = {"name": "films", "dataset_id": valid_dataset}

    def post(priority: int) -> tuple[int, str]:
        with httpx.Client(base_url=live.url, timeout=HANG_S) as client:
            answer = client.post("/v1/searches", json={**body, "priority": priority}, headers={"idempotency-key": "k"})
            return answer.status_code, answer.json().get("id", "")

    with ThreadPoolExecutor(50) as pool:
        found = set(pool.map(post, [0] * 50))
        other = set(pool.map(post, [1] * 50))

    assert ({status for status, _ in found}, len(found), other) == ({202}, 1, {(422, "")})
    assert len(live.json("GET", "/v1/searches")["searches"]) == 1
