"""The page on extending: a model kind and a stage from outside the packages, with the code that the page shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.run import carry_out
from ihas_pipelines.runs.stages import STAGES, Run
from ihas_service.client.client import Client
from ihas_service.errors import ServiceError
from tests.clock import HANG_S
from tests.paths import ROOT
from tests.pipelines.small_run import small_recipe
from tests.service.test_server import free_port

pytestmark = pytest.mark.tf

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = PAGE[PAGE.index("## Add a model kind") : PAGE.index("## Add a job kind")]
BLOCKS = re.findall(r"```python\n(.*?)```", SECTIONS, re.DOTALL)
MODULES = dict(zip(("settings", "model", "kind"), BLOCKS, strict=False))
IHAS = (sys.executable, "-c", "from ihas_service.cli.main import main; main()")
RECIPE = 'kind = "popularity"\n[data]\npath = "walks.txt"\nformat = "sequences"\n[learning]\nprior = 0.5\n'


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of the page, a recipe, and sequences in which `a` is the most popular item, then `b`."""
    folder = tmp_path_factory.mktemp("extension")
    (folder / "popularity").mkdir()
    (folder / "popularity" / "__init__.py").touch()
    for name, text in MODULES.items():
        (folder / "popularity" / f"{name}.py").write_text(text)
    (folder / "popularity.toml").write_text(RECIPE)
    (folder / "walks.txt").write_text("".join(f"u{user} {'abc'[user % 3]} d{user} b a\n" for user in range(12)))
    return folder


def ihas(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process that finds the package."""
    paths = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [*IHAS, *arguments], cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths, **environment}
    )


def answer(folder: Path, *arguments: str, **environment: str) -> Any:
    """The JSON result of a command that succeeds."""
    done = ihas(folder, "--output", "json", *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_example_is_short() -> None:
    """Each block of code on the page has fewer than 40 lines."""
    assert len(BLOCKS) == 4
    assert all(len(block.splitlines()) < 40 for block in BLOCKS)


@pytest.mark.slow
def test_a_kind_from_outside_is_searched_reported_and_served(workplace: Path) -> None:
    """Named by the environment: its recipe runs in a child process, its report is written, and its bundle recommends popular items."""
    named = {"IHAS_EXTENSIONS": "popularity.kind"}
    result = answer(workplace, "search", "popularity.toml", "--folder", "run", **named)
    assert result == {
        "kind": "popularity",
        "name": "popularity",
        "verdict": "100% of test items are among the ten most popular.",
        "prior": 0.5,
    }
    (workplace / "run" / "report.html").unlink()
    answer(workplace, "report", "run", **named)
    assert "ten most popular" in (workplace / "run" / "report.html").read_text()
    answered = answer(workplace, "recommend", "run", "--context", '{"history": ["a"]}', "--k", "1", **named)
    assert [item["id"] for item in answered["items"]] == ["b"]


@pytest.fixture
def served(workplace: Path) -> Iterator[Client]:
    """API and worker of a service that the environment tells of the kind."""
    port = free_port()
    paths = os.pathsep.join([str(workplace), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "IHAS_EXTENSIONS": "popularity.kind", "IHAS_FOLDER": str(workplace / "service")}
    with (workplace / "service.log").open("wb") as log:
        process = subprocess.Popen([*IHAS, "up", "--port", str(port)], cwd=workplace, env=environment, stdout=log, stderr=log)
        try:
            with Client(f"http://127.0.0.1:{port}") as client:
                client.wait_ready(HANG_S)
                yield client
        finally:
            process.terminate()
            process.wait(HANG_S)


@pytest.mark.slow
def test_a_kind_from_outside_is_searched_and_served_over_http(served: Client, workplace: Path) -> None:
    """The settings of the kind are a group of the request; a wrong one is refused; the model recommends what its bundle does."""
    dataset = str(served.create_dataset("walks", format="sequences")["id"])
    served.upload(dataset, workplace / "walks.txt")
    assert served.wait_dataset(dataset, HANG_S)["state"] == "valid"
    with pytest.raises(ServiceError) as refused:
        served.create_search("wrong", dataset, popularity={"priro": 1.0})
    assert [part["pointer"] for part in refused.value.problem["errors"]] == ["/popularity/priro"]
    events = list(served.events(str(served.create_search("popular", dataset, popularity={"prior": 0.5})["id"])))
    assert events[-1]["state"] == "succeeded", events[-1]
    answered = served.recommend("popular", {"context": {"history": ["a"]}, "k": 1})
    assert [item["id"] for item in answered["items"]] == ["b"]


@pytest.mark.slow
def test_an_installed_kind_is_found_by_its_entry_point(workplace: Path) -> None:
    """A distribution that names the module as `ihas.extensions` needs no environment variable; the kind's settings are listed."""
    information = workplace / "popularity-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: popularity\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[ihas.extensions]\npopularity = popularity.kind\n")
    settings = {one["name"]: one for one in answer(workplace, "settings", "--recipe", "popularity")}
    assert settings["learning.prior"] == {
        "name": "learning.prior", "default": "1", "values": "number", "meaning": "Added to the count of every item."
    }  # fmt: skip


@pytest.mark.slow
def test_an_extension_that_is_not_there_is_named(workplace: Path) -> None:
    """A module that cannot be imported ends a command with the code of wrong settings and says which one it is."""
    done = ihas(workplace, "search", "popularity.toml", IHAS_EXTENSIONS="nowhere.kind")
    assert done.returncode == 2
    assert "'nowhere.kind' must be a module that can be imported" in done.stderr


def test_a_stage_is_a_function_and_a_row(tmp_path: Path) -> None:
    """The page's stage runs after the data, says the clicks of the training rows, and a second run reads what the first one kept."""
    names: dict[str, Any] = {}
    exec(BLOCKS[3], names)
    stages, heard = (STAGES[0], names["CLICKS"]), list[Progress]()
    for _ in range(2):
        run = Run(small_recipe(), RunFolder(tmp_path), Reporter(heard.append, {"reading": 0.9, "clicks": 0.1}, {"clicks": "reading"}))
        carry_out(run, stages)
    clicks = int(run.data.parts.train.labels.sum())
    assert [line.message for line in heard if "clicks" in line.message] == [
        "Counting the clicks in in-vehicle-coupon-recommendation.csv.gz",
        f"{clicks:,} clicks",
    ] * 2
    assert len(list((tmp_path / "stages").glob("clicks-*"))) == 1
