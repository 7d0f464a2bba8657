"""A bundle is loaded in a process of its own first: whatever its graphs do there, the process that serves goes on."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas.errors import BundleError
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.settings import Settings
from tests.ihas.serving.slow_bundle import slow_bundle
from tests.service.conftest import Publish, damage, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

BROKEN = ("false",)
"""A command that says nothing: whoever needs no child does not notice."""
CPU_S = 4


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose graph is plain, small, and computes for hours."""
    folder = tmp_path_factory.mktemp("slow") / "bundle"
    write_bundle(slow_bundle(), folder)
    return folder


def killed(number: int) -> tuple[str, ...]:
    """A command that a signal ends."""
    return (sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})")


def test_a_bundle_that_loads_is_tried_once(bundle: Path, tmp_path: Path) -> None:
    """Its digest is kept where every process of the service looks."""
    FirstLoad(tmp_path, 60)(bundle)
    FirstLoad(tmp_path, 60, BROKEN)(bundle)


def test_a_bundle_that_does_not_come_to_an_end_is_refused(slow: Path, tmp_path: Path) -> None:
    """After its processor time, and from then on without being tried."""
    for command in (None, BROKEN):
        first_load = FirstLoad(tmp_path, CPU_S) if command is None else FirstLoad(tmp_path, CPU_S, command)
        told = rf"within {CPU_S} s of processor time, but ended its process on signal (14|24)\. Run its search"
        with pytest.raises(BundleError, match=told):
            first_load(slow)


@pytest.mark.parametrize("number", [9, 11])
def test_a_bundle_that_ends_its_process_is_refused(bundle: Path, tmp_path: Path, number: int) -> None:
    """As where memory runs out, or a library breaks; an hour later it may be tried again."""
    for command in (killed(number), BROKEN):
        with pytest.raises(BundleError, match=f"ended its process on signal {number}"):
            FirstLoad(tmp_path, CPU_S, command)(bundle)


def test_a_broken_bundle_says_what_is_wrong_and_passes_once_it_is_mended(bundle: Path, tmp_path: Path) -> None:
    """What is wrong with its bytes is nothing that is kept."""
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    name, first_load = damage(copy), FirstLoad(tmp_path / "runs", 60)
    with pytest.raises(BundleError, match=rf"{name}.* must have SHA-256"):
        first_load(copy)
    shutil.copytree(bundle, copy, dirs_exist_ok=True)
    first_load(copy)


def test_whoever_ends_does_not_wait_for_a_bundle(slow: Path, tmp_path: Path) -> None:
    """What is being tried is stopped, and nothing is held against the bundle."""
    first_load, said = FirstLoad(tmp_path, 3_600), list[str]()

    def try_it() -> None:
        with pytest.raises(BundleError) as caught:
            first_load(slow)
        said.append(str(caught.value))

    trying = threading.Thread(target=try_it)
    trying.start()
    eventually(lambda: first_load.trying)
    first_load.close()
    trying.join()

    assert said == ["The bundle could not be tried, for its process ended too early. It is tried again."]
    assert [path.name for path in (tmp_path / "tried").iterdir()] == ["log.txt"]


@pytest.fixture
def strict(settings: Settings, publish: Publish, slow: Path) -> Iterator[LiveServer]:
    """A service with a good model and one that computes for hours."""

    def exchange(folder: Path) -> None:
        shutil.rmtree(folder)
        shutil.copytree(slow, folder)

    publish("slow", exchange)
    publish("films")
    with LiveServer(settings.model_copy(update={"bundle_load_cpu_s": CPU_S})) as live:
        yield live


def test_others_are_answered_while_a_bundle_is_tried(strict: LiveServer) -> None:
    """From the first moment on; the model that does not load is named with the reason, by readiness too."""
    row = {"user": "ada", "movie": "m1"}
    asked = 0
    while strict.http.get("/startupz").status_code == 503:
        assert strict.json("POST", "/v1/models/films/score", json={"rows": [row]})["scores"]
        assert strict.http.get("/livez").status_code == 200
        asked += 1
    refused = strict.http.post("/v1/models/slow/score", json={"rows": [row]})

    assert asked
    assert (refused.status_code, refused.json()["title"]) == (503, "Model cannot be used")
    assert f"must load within {CPU_S} s" in refused.json()["detail"]
    assert "slow" in strict.http.get("/readyz").text
