"""A server that speaks S3, for tests of what lies in a bucket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import moto.backends
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import BaseWSGIServer, make_server

HOST = "127.0.0.1"


class S3Server:
    """A server on a loopback port that may go away and come back; what lies in its buckets stays.

    A socket that is bound and never listens keeps the port while the server is away: connections are refused, and nobody else is given it.
    """

    def __init__(self) -> None:
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind((HOST, 0))
        self._server: BaseWSGIServer
        self._thread: threading.Thread
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self._kept.getsockname()[1]}"

    def start(self) -> None:
        """Answer, at the same address each time."""
        application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(HOST, self._kept.getsockname()[1], application, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse every connection."""
        self._server.shutdown()
        self._thread.join()

    def close(self) -> None:
        """Leave for good."""
        self.stop()
        self._kept.close()


@contextmanager
def s3_server(bucket: str) -> Iterator[S3Server]:
    """A real server with one empty bucket, whose address and credentials are the environment's within the block.

    What lies in buckets belongs to the process, not to the server, and so do clients: those of earlier servers are forgotten first.
    """
    moto.backends.get_backend("s3").reset()
    S3FileSystem.clear_instance_cache()
    server = S3Server()
    known = {"ENDPOINT_URL": server.url, "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setenv(f"AWS_{name}", value)
        try:
            S3FileSystem(skip_instance_cache=True).mkdir(bucket)
            yield server
        finally:
            S3FileSystem.clear_instance_cache()
            server.close()
