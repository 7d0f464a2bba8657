"""The demo asks for what the coupon data knows, and leaves nothing behind."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_service.cli.demo import CONTEXTS, coupon_recipe, run_demo
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal
from ihas_service.http.examples import searches
from ihas_service.states import JobState
from ihas_service.storage.job import SEARCH
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S

pytestmark = pytest.mark.full

POPEN = subprocess.Popen
IHAS = (sys.executable, "-c", "from ihas_service.cli.main import main; main()")


def test_contexts_hold_values_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found from any folder, the coupon data holds every value that the demo asks with, and no column of the item is asked."""
    monkeypatch.chdir(tmp_path)
    recipe = coupon_recipe(None)
    with gzip.open(recipe.data.path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    for context in CONTEXTS.values():
        assert not set(context) & {recipe.data.columns.label, *recipe.data.columns.item}
        assert {name: value for name, value in context.items() if value not in {row[name] for row in rows}} == {}


def test_missing_data_tells_the_way_out(tmp_path: Path) -> None:
    """Without the data the demo names `--data` before it starts anything."""
    with pytest.raises(CommandError, match="--data"):
        coupon_recipe(tmp_path / "none.csv")


@pytest.mark.slow
def test_invalid_data_is_shown_with_its_rows(tmp_path: Path) -> None:
    """On a table with a label that is no click the demo lists row and column and ends with the exit code of invalid data."""
    with gzip.open(coupon_recipe(None).data.path, "rt", encoding="utf-8") as file:
        header, *rows = [next(file) for _ in range(200)]
    broken = rows[6].rstrip("\n").rsplit(";", 1)[0] + ";2\n"
    (tmp_path / "coupons.csv").write_text("".join([header, *rows[:6], broken, *rows[7:]]), encoding="utf-8")
    command = [*IHAS, "demo", "--folder", str(tmp_path / "demo"), "--data", str(tmp_path / "coupons.csv")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)

    assert (done.returncode, done.stdout) == (4, "")
    assert "error: row 7 Y: The label must be 0 or 1" in done.stderr
    assert "The table has errors" in done.stderr.splitlines()[-1]


def interrupted_after(words: str, folder: Path) -> tuple[int, str]:
    """Exit code of a demo that gets Ctrl-C once it has said the words, and what it says then."""
    with subprocess.Popen([*IHAS, "demo", "--folder", "demo"], cwd=folder, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        while words not in demo.stderr.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        said = demo.stderr.read().strip()
    return demo.returncode, said


@pytest.mark.slow
def test_an_interrupted_demo_cancels_its_search_and_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C while the search runs: nothing is left queued, and the command that goes on names a recipe that is there."""
    code, said = interrupted_after("base:", tmp_path)
    store = SqlStore(f"sqlite:///{tmp_path / 'demo' / 'ihas.db'}")
    (search,) = store.jobs(SEARCH, None, 10)
    store.close()
    run = f"demo/searches/{search.id}"

    assert (code, search.state) == (130, JobState.CANCELLED)
    assert f"Finished and kept in {run}: data" in said
    assert said.endswith(f"To continue: ihas search {run}/recipe.json --folder {run}")
    assert (tmp_path / run / "recipe.json").is_file()


def test_a_demo_interrupted_before_its_search_says_how_to_begin_anew(tmp_path: Path) -> None:
    """Ctrl-C while the service starts: more than the word, and the same command once more."""
    code, said = interrupted_after("Starting", tmp_path)

    assert (code, said) == (130, "error: Stopped. Finished work is kept in demo. To start again: ihas demo --folder demo")


def test_an_interrupt_while_the_service_is_being_started_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at the very moment at which the service's process comes to life: it is stopped again."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **settings: Any) -> subprocess.Popen[bytes]:
        started.append(POPEN(*arguments, **settings))
        os.kill(os.getpid(), signal.SIGINT)
        return started[0]

    monkeypatch.setattr("ihas_service.cli.demo.subprocess.Popen", start)
    with pytest.raises((CommandError, KeyboardInterrupt)):
        run_demo(Terminal(), tmp_path)

    assert started[0].poll() is not None


def test_a_service_that_is_not_ready_in_time_has_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo waits, names the service's log, and ends with the code of what took too long."""
    monkeypatch.setattr("ihas_service.cli.demo.READY_WITHIN_S", 0.0)
    with pytest.raises(CommandError, match="service.log") as late:
        run_demo(Terminal(), tmp_path)

    assert late.value.code is ExitCode.TIMEOUT


@pytest.mark.slow
def test_demo_runs_and_stops_its_service(tmp_path: Path) -> None:
    """The demo ends well from another folder, explains two recommendations, its model answers the API's searches, and nothing runs on."""
    command = [*IHAS, "--output", "json", "demo", "--folder", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, env=os.environ | {"IHAS_PORT": "1"})
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [len(answer["items"]) for answer in shown["recommendations"]] == [3, 3]
    assert all(item["explanation"]["sentence"] for answer in shown["recommendations"] for item in answer["items"])
    assert (tmp_path / shown["report"]).stat().st_size > 1_000_000
    recommender = load_recommender(next((tmp_path / "demo").glob("searches/*/bundle")))
    assert recommender.score(searches.SCORE["rows"])[0].unknown_values == ()
    answer = recommender.recommend(msgspec.convert(searches.RECOMMEND, RecommendRequest))
    assert (len(answer.items), answer.unknown_candidates, answer.unknown_values) == (2, ("Museum",), ())
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
