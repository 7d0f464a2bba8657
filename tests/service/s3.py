"""A server that speaks S3, for tests of what lies in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest
from moto.server import ThreadedMotoServer


class S3Server:
    """A server on a loopback port that may go away and come back; what lies in its buckets stays."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._host, self._port = self._server.get_host_and_port()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self._host}:{self._port}"

    def stop(self) -> None:
        """Refuse every connection."""
        self._server.stop()

    def start(self) -> None:
        """Answer again, at the same address."""
        self._server = ThreadedMotoServer(ip_address=self._host, port=self._port, verbose=False)
        self._server.start()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A real server, whose address and credentials are the environment's within the block."""
    server = S3Server()
    known = {"ENDPOINT_URL": server.url, "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setenv(f"AWS_{name}", value)
        yield server
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
