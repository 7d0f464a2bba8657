"""Children of a worker that begin with TensorFlow in memory: `python -m ihas_pipelines`, forked from a process that has imported it.

To import it takes three times as long as a small refresh. The worker starts `python -m ihas_service.simulation.forking PLACE refresh ...`
as its
child, which hands its three streams and its words to the process that listens at PLACE, and ends as the forked process does. Nothing is
computed before a fork, so that every child begins as a new process would.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-P", "-m", "ihas_service.simulation.forking")
LISTEN, MOST = "--listen", 65_536


@contextmanager
def forked_children(place: Path) -> Iterator[Sequence[str]]:
    """Start of the command line of such children, for as long as the block lasts.

    Args:
        place: path of a socket, which is made; at most a hundred characters.
    """
    with subprocess.Popen([*COMMAND, str(place), LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise ValueError("The process must be started with pipes.")
        process.stdout.readline()
        yield (*COMMAND, str(place))
        process.stdin.close()


def listen(place: str) -> None:
    """Fork a child for everybody who asks, one at a time, until standard input closes."""
    import ihas_pipelines.runs.refresh  # noqa: F401 - likewise
    import ihas_pipelines.runs.run  # noqa: F401 - what a child would import first
    from ihas_pipelines.commands.app import run

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while server in select.select([server, sys.stdin], [], [])[0]:
            asker, _ = server.accept()
            with asker:
                words, streams = _received(asker)
                if (child := os.fork()) == 0:
                    _play(words, streams, run)
                for stream in streams:
                    os.close(stream)
                asker.sendall(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def ask(place: str, words: Sequence[str]) -> int:
    """Have a child forked that carries words out, on the streams of this process; its exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        socket.send_fds(server, [json.dumps(list(words)).encode()], [0, 1, 2])
        code = int(json.loads(server.recv(MOST) or b"1"))
    if code < 0:
        os.kill(os.getpid(), -code)
    return code


def _received(asker: socket.socket) -> tuple[list[str], list[int]]:
    said, streams, _, _ = socket.recv_fds(asker, MOST, 3)
    return [str(word) for word in json.loads(said)], streams


def _play(words: Sequence[str], streams: Sequence[int], run: Callable[[Sequence[str]], int]) -> None:
    """Be the child: never returns."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        code = run(words)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    listen(sys.argv[1]) if sys.argv[2] == LISTEN else sys.exit(ask(sys.argv[1], sys.argv[2:]))
