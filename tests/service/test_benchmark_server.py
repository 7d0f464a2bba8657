"""The service that is measured is the service."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ihas_service.benchmark_server import register
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import eventually

pytestmark = pytest.mark.full


def test_a_bundle_is_registered(settings: Settings, bundle: Path) -> None:
    """Version 1 of `bench` is the bundle, copied into the service's folder."""
    register(settings, bundle)
    store = SqlStore(settings.url)
    (version,) = store.models()
    store.close()

    assert (version.name, version.version) == ("bench", 1)
    assert (settings.folder / version.path / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()


@pytest.mark.slow
def test_two_processes_share_a_port(tmp_path: Path, bundle: Path) -> None:
    """The second takes the folder of the first; both answer the known score, and nothing where nothing is asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"--bundle": bundle, "--folder": tmp_path / "served", "--port": port}
    command = [sys.executable, "-m", "ihas_service.benchmark_server", *(str(part) for option in options.items() for part in option)]
    url, processes = f"http://127.0.0.1:{port}", []
    try:
        for _ in range(2):
            processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            eventually(lambda: _status(f"{url}/readyz") == 200, 60.0)
        answer = httpx.post(f"{url}/v1/models/bench/score", json={"rows": rows()[:1]}).json()
        assert answer["scores"][0]["logit"] == pytest.approx(LOGITS["ada"]["m1"])
        assert httpx.post(f"{url}/empty", content=b"{}").json() == {}
        assert [process.poll() for process in processes] == [None, None]
    finally:
        for process in processes:
            process.terminate()
        assert [process.wait(HANG_S) for process in processes] == [-signal.SIGTERM] * 2  # ended as asked, not killed


def _status(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.TransportError:
        return 0
