"""The processes: they serve together, stop together, and leave nothing running."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from ihas_service.cli.main import run
from ihas_service.cli.terminal import ExitCode
from ihas_service.client.client import Client
from ihas_service.settings import Settings
from tests.clock import HANG_S
from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import COMMAND, eventually

pytestmark = pytest.mark.full

UP = "import sys, json; from ihas_service.server import up; from ihas_service.settings import Settings\n"
UP += "if __name__ == '__main__': up(Settings(**json.loads(sys.argv[1])), json.loads(sys.argv[2]))"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def port() -> int:
    """Where the service will listen."""
    return free_port()


@pytest.fixture
def service(settings: Settings, port: int, tmp_path: Path, bundle: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`up` in a process of its own, ready, its log in `log`."""
    given = settings.model_copy(update={"port": port}).model_dump(mode="json")
    script = tmp_path / "up.py"
    script.write_text(UP)
    environment = {**os.environ, "IHAS_TEST_BUNDLE": str(bundle), "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, str(script), json.dumps(given), json.dumps(COMMAND)], stderr=log, env=environment)
    with Client(f"http://127.0.0.1:{port}") as client:
        client.wait_ready()
    yield process
    process.kill()
    process.wait()


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and everything below it."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs."""
    _, running = psutil.wait_procs(processes, timeout=0)
    return not running


def submit(client: Client, table: str, name: str) -> str:
    """Id of a search on a table that was found valid."""
    dataset = client.create_dataset("clicks", path=table)
    assert client.wait_dataset(dataset["id"])["state"] == "valid"
    return str(client.create_search(name, dataset["id"])["id"])


def test_up_serves_searches_and_stops_as_one(service: subprocess.Popen[bytes], port: int, table: str, tmp_path: Path) -> None:
    """A search becomes a model that answers; SIGTERM, with another search at work, ends everything in order."""
    with Client(f"http://127.0.0.1:{port}") as client:
        events = list(client.events(submit(client, table, "films")))
        scores = client.score("films", rows()[:1])["scores"]
        slow = submit(client, table, "slow")
        eventually(lambda: client.search(slow)["stage"] == "search")
    running = family(service)
    service.send_signal(signal.SIGTERM)
    code = service.wait(HANG_S)

    assert (events[-1]["state"], round(scores[0]["logit"], 4)) == ("succeeded", LOGITS["ada"]["m1"])
    eventually(lambda: gone(running))
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert all({"event", "timestamp", "level"} <= set(line) for line in lines)
    assert any(line["event"] == "request" and line["request_id"] for line in lines)
    assert not [line for line in lines if line["level"] in ("error", "critical") or line["event"] == "ending it for good"]


def test_when_up_is_killed_nothing_stays(service: subprocess.Popen[bytes], port: int, table: str) -> None:
    """Even kill -9 leaves neither API, nor worker, nor a child of it."""
    with Client(f"http://127.0.0.1:{port}") as client:
        slow = submit(client, table, "slow")
        eventually(lambda: client.search(slow)["stage"] == "search")
    running = family(service)
    assert len(running) >= 4
    service.kill()
    service.wait()

    eventually(lambda: gone(running))


def test_when_a_part_ends_by_itself_up_ends_too(service: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """The other part is stopped, and the exit code says that something was wrong."""
    running = family(service)
    api = next(one for one in running if one.net_connections())
    api.kill()

    assert service.wait(HANG_S) == 1
    eventually(lambda: gone(running))
    assert "Ended by itself: api" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_taken_port_is_told_before_anything_is_started(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody listens at the port: exit 2, the sentence names it, and the service's folder was not made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run([command, "--port", str(port), "--folder", str(tmp_path / "service")]) == ExitCode.USAGE
    assert f"must be able to listen at 127.0.0.1:{port}, but cannot" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "service").exists()


SERVE = "import sys, json; from ihas_service.server import serve; from ihas_service.settings import Settings\n"
SERVE += "serve(Settings(**json.loads(sys.argv[1])))"


@pytest.fixture
def api(settings: Settings, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`serve` in a process of its own, ready."""
    given = settings.model_copy(update={"port": port}).model_dump(mode="json")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, json.dumps(given)], stderr=log, env=environment)
    with Client(f"http://127.0.0.1:{port}") as client:
        client.wait_ready()
    yield process
    process.kill()
    process.wait()


def test_a_server_that_is_told_to_stop_is_not_ready_first(api: subprocess.Popen[bytes], port: int) -> None:
    """After SIGTERM `/readyz` says 503 while everything is answered, on connections that close; an upload that runs goes on. A second
    signal closes the address, the upload ends, and so does the process, in order."""
    url = f"http://127.0.0.1:{port}"
    begun, go_on = threading.Event(), threading.Event()

    def rows() -> Iterator[bytes]:
        yield b"click,user\n"
        begun.set()
        go_on.wait(HANG_S)
        yield b"1,ada\n"

    uploads: list[int] = []
    dataset = httpx.post(f"{url}/v1/datasets", json={"name": "clicks"}).json()["id"]
    path = f"{url}/v1/datasets/{dataset}/content"
    upload = threading.Thread(target=lambda: uploads.append(httpx.put(path, content=rows(), timeout=HANG_S).status_code))
    upload.start()
    assert begun.wait(HANG_S)
    with httpx.Client(base_url=url, timeout=HANG_S) as kept:
        kept.get("/livez")
        api.send_signal(signal.SIGTERM)
        eventually(lambda: kept.get("/readyz").status_code == 503)
        answers = [kept.get(one) for one in ("/readyz", "/v1/models", "/livez")]
        api.send_signal(signal.SIGTERM)
    eventually(lambda: refused(port))
    go_on.set()
    upload.join()

    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[0].json()["type"] == "urn:ihas:problem:draining"
    assert {answer.headers["connection"] for answer in answers} == {"close"}
    assert (uploads, api.wait(HANG_S)) == ([202], 0)


def refused(port: int) -> bool:
    """Whether nobody listens at a port."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0
