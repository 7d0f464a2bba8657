"""The service with one bundle registered, for benchmarks: `python -m ihas_service.benchmark_server`.

Everything is as in `ihas serve`: log lines, metrics, problem documents. One more route, `/empty`, returns an empty answer, which separates
the cost of the service itself from the cost of a score. Several processes may listen on one port.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas_service.settings import Settings

NAME = "bench"


def main(
    bundle: Annotated[Path, typer.Option(help="Bundle to register as version 1 of `bench`.")],
    folder: Annotated[Path, typer.Option(help="Folder of the service: new, or that of another process of this benchmark.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")],
) -> None:
    """Serve one bundle until SIGTERM."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    settings = Settings(folder=folder, port=port)
    if not folder.exists():
        register(settings, bundle)
    serve(settings)


def register(settings: Settings, bundle: Path) -> None:
    """Register a bundle as version 1 of `bench`, as the result of a finished search."""
    from ihas_service.storage.catalogue import NewDataset
    from ihas_service.storage.job import SEARCH, NewJob
    from ihas_service.storage.sql_store import SqlStore

    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    dataset = store.add_dataset(NewDataset(NAME, {}, path=str(bundle)))
    while (job := store.claim(NAME, 60.0, 1)) is not None:
        store.accept_dataset(job.id, job.token, {})
    store.submit(NewJob(SEARCH, NAME, dataset.id, {"learning": {}, "run": {}}))
    job = store.claim(NAME, 60.0, 1)
    if job is None:
        raise RuntimeError("A search that was just submitted must be claimable, but is not.")
    path = f"searches/{job.id}/bundle"
    shutil.copytree(bundle, settings.folder / path)
    store.succeed(job.id, job.token, path)
    store.close()


def serve(settings: Settings) -> None:
    """Serve on a port that other processes may listen on too."""
    gc.disable()  # as in `ihas serve`
    from starlette.routing import Route

    from ihas_service.api import Server, keep_for_good
    from ihas_service.observability.logs import configure_logs

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
    """Reads a body and returns an empty answer (ASGI)."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        from starlette.requests import Request

        await Request(scope, receive).body()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    typer.run(main)
