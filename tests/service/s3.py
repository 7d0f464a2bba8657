"""A server that speaks S3, for tests of what lies in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def s3_server() -> Iterator[None]:
    """A real server, whose address and credentials are the environment's within the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    known = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setenv(f"AWS_{name}", value)
        yield
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
