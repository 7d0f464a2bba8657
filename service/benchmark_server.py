"""The service with one bundle registered, for benchmarks: `python -m service.benchmark_server`.

Everything is as in `ihas serve`: log lines, metrics, problem documents. Beside its routes there is one that answers nothing, `/empty`,
so that what the service itself costs can be told from what a score costs. Several processes may listen on one port.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from service.settings import Settings

NAME = "bench"


def main() -> None:
    """Serve until SIGTERM."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(prog="python -m service.benchmark_server", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="registered as version 1 of `bench`")
    parser.add_argument("--folder", type=Path, required=True, help="the service's; new, or that of another process of this benchmark")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    settings = Settings(folder=arguments.folder, port=arguments.port)
    if not arguments.folder.exists():
        register(settings, arguments.bundle)
    serve(settings)


def register(settings: Settings, bundle: Path) -> None:
    """Make a bundle version 1 of `bench`, by way of a search that is done."""
    from service.storage.catalogue import NewDataset
    from service.storage.job import SEARCH, NewJob
    from service.storage.sql_store import SqlStore

    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    dataset = store.add_dataset(NewDataset(NAME, {}, path=str(bundle)))
    while (job := store.claim(NAME, 60.0, 1)) is not None:
        store.accept_dataset(job.id, job.token, {})
    store.submit(NewJob(SEARCH, NAME, dataset.id, {"learning": {}, "run": {}}))
    job = store.claim(NAME, 60.0, 1)
    if job is None:
        raise RuntimeError("A search that was just handed in must be there to be claimed, but is not.")
    path = f"searches/{job.id}/bundle"
    shutil.copytree(bundle, settings.folder / path)
    store.succeed(job.id, job.token, path)
    store.close()


def serve(settings: Settings) -> None:
    """Answer on a port that others may listen on too."""
    gc.disable()  # as in `ihas serve`
    from starlette.routing import Route

    from service.api import Server, keep_for_good
    from service.observability.logs import configure_logs

    configure_logs()
    server = Server(settings)
    keep_for_good()
    app: Any = server.config.app
    app.router.routes.insert(0, Route("/empty", Empty(), methods=["POST"]))
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends small answers at once where it is told that it is TCP
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((settings.host, settings.port))
    server.run(sockets=[listening])


class Empty:
    """Reads a body and answers nothing (ASGI)."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        from starlette.requests import Request

        await Request(scope, receive).body()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    main()
