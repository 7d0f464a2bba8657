"""A recommender of the next item over HTTP: upload, search, recommend."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas_pipelines.kinds.overrec.values import OverRecResult
from ihas_service.cli.main import run
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.studies.overrec.walks import NUM_ITEMS, write_lines, write_table
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def _dataset(live: LiveServer, content: bytes, **reading: object) -> str:
    dataset = live.json("POST", "/v1/datasets", json={"name": "walks", **reading})
    live.json("PUT", f"/v1/datasets/{dataset['id']}/content", content=content)
    return str(dataset["id"])


def _checked(live: LiveServer, dataset_id: str) -> str:
    def state() -> str | None:
        found = live.json("GET", f"/v1/datasets/{dataset_id}")["state"]
        return found if found in ("valid", "invalid") else None

    return eventually(state)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_search_without_training_serves_histories(live: LiveServer, store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """A table of interactions, in no order, is checked, searched on and served by the same requests as any; the answer says who voted."""
    with RunningWorker(settings, PIPELINES):
        columns = {"user": "who", "item": "what", "time": "when"}
        dataset_id = _dataset(live, write_table(tmp_path / "walks.csv").read_bytes(), interactions=columns)
        assert _checked(live, dataset_id) == "valid"
        assert live.json("GET", f"/v1/datasets/{dataset_id}/report")["rows"] == 600
        asked = {"sigma_w": [1.0], "normalize": [False], "num_neighbours": [20], "recommender": {"hide_history": False}}
        search = live.json("POST", "/v1/searches", json={"name": "walks", "dataset_id": dataset_id, "overrec": asked})
        job = eventually(lambda: one if (one := store.job(search["id"])).finished else None)
    assert (job.state, job.model_version) == ("succeeded", 1), job.error
    result = OverRecResult.model_validate(live.json("GET", f"/v1/searches/{job.id}/result"))
    lineage = live.json("GET", "/v1/models/walks/versions/1")
    assert (lineage["chosen"], lineage["recipe"]["overrec"]["num_neighbours"]) == ("overrec", [20])
    assert lineage["test"] == result.contenders[-1].test.model_dump(mode="json")
    answer = live.json("POST", "/v1/models/walks/recommend", json={"context": {"history": ["i8", "i9"]}, "k": 2, "explain": True})
    assert answer["items"][0]["id"] == "i10"
    assert "nearest histories" in answer["items"][0]["explanation"]["sentence"]
    assert answer["num_scored"] == NUM_ITEMS
    assert live.json("GET", "/v1/models/walks")["summary"]["kind"] == "overrec"
    wrong = live.http.post("/v1/models/walks/recommend", json={"context": {"history": {"a": 1}}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/context/history")


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_search_on_other_rows_says_what_it_needs(live: LiveServer, store: SqlStore, settings: Settings) -> None:
    """Interactions without a column are refused with the column, and clicks are no sequences."""
    with RunningWorker(settings, PIPELINES):
        broken = _dataset(live, b"user,item\n1,2\n", interactions={})
        assert _checked(live, broken) == "invalid"
        findings = live.json("GET", f"/v1/datasets/{broken}")["error"]["findings"]
        assert [finding["column"] for finding in findings] == ["time"]
        clicks = _dataset(live, b"click,user\n" + b"0,ada\n1,bob\n" * 20, columns={"label": "click"})
        assert _checked(live, clicks) == "valid"
        search = live.json("POST", "/v1/searches", json={"name": "walks", "dataset_id": clicks, "overrec": {}})
        job = eventually(lambda: one if (one := store.job(search["id"])).finished else None)
    assert job.state == "failed"
    assert job.error is not None
    assert "Sequences come from one file" in job.error["detail"]


@pytest.mark.timeout(280)
@pytest.mark.slow
def test_the_command_line_searches_recommends_and_combines(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe of the kind is searched on, its report written, histories answered, and put in front of a trained model."""
    write_lines(tmp_path / "walks.txt")
    tried = "[learning]\nsigma_w = [1.0]\nnormalize = [false]\nnum_neighbours = [20]\n"
    data = '[data]\npath = "walks.txt"\nformat = "sequences"\n'
    (tmp_path / "walks.toml").write_text(f'kind = "overrec"\n{tried}{data}')
    folder = str(tmp_path / "run")
    assert run(["search", str(tmp_path / "walks.toml"), "--folder", folder, "--set", "learning.recommender.hide_history=false"]) == 0
    assert "popularity" in capsys.readouterr().out
    assert run(["report", folder]) == 0
    assert run(["--output", "json", "recommend", folder, "--context", '{"history": ["i8", "i9"]}', "--k", "1"]) == 0
    assert '"i10"' in capsys.readouterr().out
    assert run(["combine", str(bundle), folder, str(tmp_path / "both"), "--name", "both"]) == 0
    context = '{"user": "eve", "history": ["i8", "i9"]}'
    assert run(["recommend", str(tmp_path / "both"), "--context", context, "--k", "1", "--explain"]) == 0
    assert "knows no `user` 'eve'" in " ".join(capsys.readouterr().out.split())
