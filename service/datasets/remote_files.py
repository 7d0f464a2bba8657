"""Fetching of data sets that are named by URI, from the URI prefixes of the settings only.

Redirects are not followed, and URIs with credentials are refused. A host name is resolved once, all of its addresses are checked, and the
connection goes to a checked address: DNS rebinding has no effect. HTTP uses httpcore; other schemes use fsspec, with the credentials of
the process.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import fsspec
import httpcore
import structlog
from starlette.exceptions import HTTPException

from ihas.errors import IhasError
from ihas_service.datasets.bounded_stream import Bounded, Deadline
from ihas_service.datasets.public_addresses import is_public
from ihas_service.errors import FetchError, TooManyError, UriRefusedError
from ihas_service.settings import Settings

CHUNK = 2**20
CONNECT_S, QUIET_S, AGAIN_S = 10.0, 30.0, 5.0
UNSAFE = re.compile(r"[\s\\\x00-\x20\x7f]")
PORTS = {"http": 80, "https": 443}
HEADERS: dict[bytes | str, bytes | str] = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "ihas"}
Resolve = Callable[..., Sequence[tuple[Any, Any, Any, Any, Any]]]
LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, taken apart: scheme, host with port, path."""

    scheme: str
    host: str
    path: str

    @classmethod
    def of(cls, text: str) -> Uri:
        """Take a URI apart.

        Raises:
            UriRefusedError: it has parts that none may have here.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise UriRefusedError(f"The URI cannot be read: {error}.") from error
        chained = "::" in text.replace(f"[{parts.hostname}]", "")  # an address of six has it too, in brackets
        if UNSAFE.search(text) or chained or not parts.netloc or "@" in parts.netloc or parts.fragment or _climbs(parts.path):
            raise UriRefusedError("A URI must be scheme://host/path, without user, fragment, space, `..` or a nested URI.")
        if parts.scheme not in PORTS:
            return cls(parts.scheme, parts.netloc, parts.path)
        if not text.isascii():
            raise UriRefusedError("A URI has ASCII characters only. Write others as %C3%A4, and a host's name as xn--.")
        return cls(parts.scheme, f"{parts.hostname}:{port or PORTS[parts.scheme]}", parts.path or "/")

    def lies_in(self, place: Uri) -> bool:
        """Whether the URI equals the prefix, or is below a prefix that ends with `/`."""
        same = (self.scheme, self.host) == (place.scheme, place.host)
        return same and (self.path == place.path or (place.path.endswith("/") and self.path.startswith(place.path)))


class Fetches:
    """Fetches of one process, a limited number at a time."""

    def __init__(self, settings: Settings, resolve: Resolve = socket.getaddrinfo) -> None:
        self._settings, self._resolve = settings, resolve
        self._free = threading.BoundedSemaphore(settings.max_fetches_at_once)

    def chunks(self, text: str) -> Generator[bytes, None, None]:
        """The file's bytes, in order; close the iterator where it is not read to its end.

        Raises:
            UriRefusedError: the URI is below no allowed prefix, or its host has a private address.
            FetchError: there is no such file, or it did not come.
            HTTPException: it is larger than an upload may be (413).
            TooManyError: as many files are fetched as may be at once.
        """
        uri = Uri.of(text)
        private = self._allowed(uri)
        if not self._free.acquire(blocking=False):
            most = self._settings.max_fetches_at_once
            raise TooManyError(f"{most} files are being fetched, the maximum of IHAS_MAX_FETCHES_AT_ONCE. Try again later.", AGAIN_S)
        try:
            deadline = Deadline(self._settings.fetch_s)
            parts = self._http(text, private, deadline) if uri.scheme in PORTS else _from_store(text)
            yield from self._within_limits(parts, deadline)
        except (IhasError, HTTPException):
            raise
        except Exception as error:  # a library of stores raises what its own libraries raise
            LOG.warning("a file could not be fetched", uri=text.partition("?")[0], error=f"{type(error).__name__}: {error}")
            raise FetchError(f"The file could not be fetched ({type(error).__name__}). Check the URI, or upload the file.") from error
        finally:
            self._free.release()

    def _allowed(self, uri: Uri) -> bool:
        """Whether the host may have a private address."""
        for places, private in ((self._settings.uri_private_places, True), (self._settings.uri_places, False)):
            if any(uri.lies_in(Uri.of(place)) for place in places):
                return private
        raise UriRefusedError("The URI is below no prefix of IHAS_URI_PLACES. Upload the file, or ask the operator to allow the prefix.")

    def _within_limits(self, parts: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
        size = 0
        for part in parts:
            size += len(part)
            if size > self._settings.max_upload_bytes:
                raise HTTPException(
                    413, f"The file is larger than {self._settings.max_upload_bytes} bytes, the limit of IHAS_MAX_UPLOAD_BYTES."
                )
            deadline.left()
            yield part

    def _http(self, text: str, private: bool, deadline: Deadline) -> Iterator[bytes]:
        timeout = {"connect": CONNECT_S, "read": QUIET_S, "write": QUIET_S, "pool": CONNECT_S}
        connections = httpcore.ConnectionPool(network_backend=Judged(private, deadline, self._resolve))
        with connections as pool, pool.stream("GET", text, headers=HEADERS, extensions={"timeout": timeout}) as answer:
            if 300 <= answer.status < 400:
                raise FetchError(f"The host redirects ({answer.status}), and redirects are not followed. Use the final URI.")
            if answer.status != 200:
                raise FetchError(f"The host answered with status {answer.status} instead of the file. Check the URI.")
            yield from answer.iter_stream()


class Judged(httpcore.NetworkBackend):
    """Connects to checked addresses only; everything on the connection keeps to the deadline."""

    def __init__(self, private: bool, deadline: Deadline, resolve: Resolve) -> None:
        self._private, self._deadline, self._resolve, self._backend = private, deadline, resolve, httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        """See `httpcore.NetworkBackend`."""
        address = self._address(host, port)
        found = self._backend.connect_tcp(address, port, self._deadline.within(timeout), local_address, socket_options)
        return Bounded(found, self._deadline)

    def _address(self, host: str, port: int) -> str:
        found = [str(one[4][0]) for one in self._resolve(host, port, type=socket.SOCK_STREAM)]
        if not self._private and not all(is_public(address) for address in found):
            raise UriRefusedError("The URI's host has a private address. Upload the file, or list the prefix in IHAS_URI_PRIVATE_PLACES.")
        return found[0]


def _climbs(path: str) -> bool:
    """Whether a path has a step `.` or `..`, however often it is encoded."""
    for _ in range(3):
        path = unquote(path)
    return bool({".", ".."} & set(re.split(r"[/\\]", path)))


def _from_store(text: str) -> Iterator[bytes]:
    with _opened(text) as file:
        while part := file.read(CHUNK):
            yield part


@contextmanager
def _opened(text: str) -> Iterator[Any]:
    try:
        file = fsspec.open(text, "rb").open()
    except (ImportError, ValueError) as error:
        raise FetchError(f"Files of this scheme cannot be fetched here: {error}") from error
    with file:
        yield file
