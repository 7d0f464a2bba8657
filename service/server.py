"""The processes of the service: the API, the worker, or both on one machine.

Each role is imported where it is played, so that a worker does not pay for the API, nor the API for the worker.
"""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess

import structlog

from ihas.errors import ConfigError
from ihas_service.jobs.runs import PIPELINES
from ihas_service.observability.logs import configure_logs
from ihas_service.settings import Settings

STOPPING = (signal.SIGTERM, signal.SIGINT)
LOOK_S = 0.2
MARGIN_S = 2.0
LOG = structlog.get_logger(__name__)


def serve(settings: Settings, drains: bool = True) -> None:
    """Serve HTTP until SIGTERM or SIGINT.

    Args:
        settings: settings of the service.
        drains: whether SIGTERM makes it not ready first, for `drain_s`, while it answers.

    Raises:
        ConfigError: others listen at the address already.
    """
    _check_address(settings)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported; a request's products are too small to share
    gc.disable()  # what imports make stays: to look for garbage among it takes a sixth of their time
    from ihas_service.api import Server, keep_for_good

    configure_logs()
    server = Server(settings, drains=drains)
    keep_for_good()
    for number in STOPPING:
        signal.signal(number, _already_stopping)
    server.run()


def work(settings: Settings, command: Sequence[str] = PIPELINES) -> None:
    """Run jobs until SIGTERM or SIGINT; `command` is the start of the children's command line."""
    from ihas_service.jobs.worker import run_worker

    configure_logs()
    run_worker(settings, _stop_on_signal(), command)


def up(settings: Settings, command: Sequence[str] = PIPELINES) -> None:
    """Serve HTTP and run jobs, in two processes that end together.

    Raises:
        ConfigError: others listen at the address already; nothing was started.
        SystemExit: one of them ended by itself.
    """
    _check_address(settings)
    configure_logs()
    stop = _stop_on_signal()
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = [
        context.Process(target=_as_part, args=(serve, settings, False), name="api"),
        context.Process(target=_as_part, args=(work, settings, command), name="worker"),
    ]
    try:
        for process in processes:
            process.start()
        ended = _ended_by_itself(processes, stop)
    finally:
        _end(processes, settings.drain_s + MARGIN_S)
    if ended:
        raise SystemExit(f"Ended by itself: {', '.join(ended)}. The log above says why.")


def free_port(host: str) -> int:
    """A port at which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _check_address(settings: Settings) -> None:
    """Refuse an address that cannot be listened at, before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        way = "Stop what listens there, or choose another with IHAS_PORT or `--port`."
        raise ConfigError(f"The service must be able to listen at {place}, but cannot ({error.strerror}). {way}") from error


def _ended_by_itself(processes: Sequence[BaseProcess], stop: threading.Event) -> list[str]:
    """Wait for `stop`, or for a process to end before it; its name."""
    while not stop.is_set():
        ended = multiprocessing.connection.wait([process.sentinel for process in processes], LOOK_S)
        if ended and not stop.is_set():
            return [process.name for process in processes if process.sentinel in ended]
    return []


def _as_part(role: Callable[..., None], *arguments: object) -> None:
    """Play a role that ends when the parent process does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    role(*arguments)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end(processes: Sequence[BaseProcess], within_s: float) -> None:
    started = [process for process in processes if process.pid is not None]
    for process in started:
        process.terminate()
    for process in started:
        process.join(within_s)
        if process.exitcode is None:
            LOG.warning("ending it for good", process=process.name)
            process.kill()
            process.join()


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in STOPPING:
        signal.signal(number, lambda *_: stop.set())
    return stop


def _already_stopping(_number: int, _frame: object) -> None:
    """uvicorn raises its signal once more when it has stopped; by then there is nothing left to do."""
