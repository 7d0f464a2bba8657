"""Sequential transformers over HTTP: which size, its training, recommendations from a history."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas_pipelines.kinds.transformer.values import TransformerResult
from ihas_service.cli.main import run
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.studies.overrec.walks import NUM_ITEMS, write_lines
from tests.service.conftest import RunningWorker, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

TRANSFORMER = {"num_layers": 1, "dim": 16, "max_length": 8, "dropout_first": 0.0}
TRAINING: dict[str, object] = {"learning_rate": 0.01, "batch_targets": 128, "epochs": 12, "sgd_learning_rate": None}


def _walks(live: LiveServer, folder: Path) -> str:
    """Id of a valid data set of walks."""
    created = live.json("POST", "/v1/datasets", json={"name": "walks", "format": "sequences"})
    live.json("PUT", f"/v1/datasets/{created['id']}/content", content=write_lines(folder / "walks.txt").read_bytes())
    found: str = eventually(lambda: created["id"] if live.json("GET", f"/v1/datasets/{created['id']}")["state"] == "valid" else None)
    return found


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_size_is_advised_and_one_is_trained_and_served(live: LiveServer, store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """Three sizes are tried within a budget, with a figure; a model of one is trained and foretells the walk's next item over HTTP."""
    with RunningWorker(settings, PIPELINES):
        dataset_id = _walks(live, tmp_path)
        ladder = {
            "sizes": [[1, 4, 1], [1, 8, 1], [1, 16, 1]], "seeds": [0],
            "transformer": TRANSFORMER, "training": {**TRAINING, "epochs": 2, "stop_by": "loss"},
        }  # fmt: skip
        asked = live.json("POST", "/v1/searches/estimate", json={"dataset_id": dataset_id, "ladder": ladder, "seconds": 600})
        assert live.http.get(f"/v1/searches/estimates/{asked['id']}/figure").status_code == 409
        learning = {"transformer": TRANSFORMER, "training": {**TRAINING, "seed": 7}}
        search = live.json("POST", "/v1/searches", json={"name": "next", "dataset_id": dataset_id, "transformer": learning})
        job = eventually(lambda: one if (one := store.job(search["id"])).finished else None)
    assert (job.state, job.model_version) == ("succeeded", 1), job.error
    found = live.json("GET", f"/v1/searches/estimates/{asked['id']}")
    assert (found["state"], found["estimate"]) == ("succeeded", None)
    assert {size["dim"] for size in found["advice"]["considered"] if size["measured"]} == {4, 8, 16}
    page = live.http.get(f"/v1/searches/estimates/{asked['id']}/figure")
    assert (page.status_code, page.headers["x-content-type-options"]) == (200, "nosniff")
    result = TransformerResult.model_validate(live.json("GET", f"/v1/searches/{job.id}/result"))
    lineage = live.json("GET", "/v1/models/next/versions/1")
    assert (lineage["chosen"], lineage["search_id"], lineage["seed"]) == ("transformer", job.id, 7)
    assert lineage["recipe"]["transformer"]["transformer"]["dim"] == 16
    assert lineage["test"] == {**result.test.model_dump(mode="json"), "loss": result.loss}
    copy = live.json("POST", f"/v1/searches/{job.id}/clone", json={"learning": {"training": {"epochs": 3}}})
    training = store.job(copy["id"]).settings["transformer"]["training"]
    assert (training["epochs"], training["seed"]) == (3, 7)
    answer = live.json("POST", "/v1/models/next/recommend", json={"context": {"history": ["i7", "i8", "i9"]}, "k": 2})
    assert (answer["items"][0]["id"], answer["num_scored"]) == ("i10", NUM_ITEMS - 3)  # what is in the history is not recommended


def test_what_does_not_fit_together_is_refused(live: LiveServer, valid_dataset: str) -> None:
    """Two kinds in one search, and a ladder without a budget, are told apart from what is meant."""
    both = live.http.post("/v1/searches", json={"name": "next", "dataset_id": valid_dataset, "overrec": {}, "transformer": {}})
    endless = live.http.post("/v1/searches/estimate", json={"dataset_id": valid_dataset, "ladder": {}})
    assert (both.status_code, endless.status_code) == (422, 422)
    assert "one model" in both.text
    assert "belong together" in endless.text


@pytest.mark.timeout(280)
@pytest.mark.slow
def test_the_command_line_trains_and_recommends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe of the kind is trained by `ihas search`, its report written again, a history answered; `cold-start` is sent to `combine`."""
    write_lines(tmp_path / "walks.txt")
    data = '[data]\npath = "walks.txt"\nformat = "sequences"\n'
    network = "[learning.transformer]\nnum_layers = 1\ndim = 16\nmax_length = 8\ndropout_first = 0.0\n"
    training = "[learning.training]\nlearning_rate = 0.01\nbatch_targets = 128\nepochs = 12\n"
    (tmp_path / "walks.toml").write_text('kind = "transformer"\n' + data + network + training)
    folder = str(tmp_path / "run")
    assert run(["search", str(tmp_path / "walks.toml"), "--folder", folder]) == 0
    assert "popularity" in capsys.readouterr().out
    assert run(["report", folder]) == 0
    assert run(["--output", "json", "recommend", folder, "--context", '{"history": ["i7", "i8", "i9"]}', "--k", "1"]) == 0
    assert '"i10"' in capsys.readouterr().out
    (tmp_path / "pair.toml").write_text('kind = "cold-start"\n' + data)
    assert run(["search", str(tmp_path / "pair.toml"), "--folder", str(tmp_path / "none")]) == 2
    assert "ihas combine" in capsys.readouterr().err
