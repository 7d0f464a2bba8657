"""Files by URI: from the places that are listed, from nowhere else, whole or not at all."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fsspec
import pytest
from starlette.exceptions import HTTPException

from ihas_service.cli.main import run
from ihas_service.datasets.public_addresses import is_public
from ihas_service.datasets.remote_files import Fetches, Uri
from ihas_service.errors import FetchError, TooManyError, UriRefusedError
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker
from tests.service.live import LiveServer
from tests.service.s3 import s3_server

pytestmark = pytest.mark.full

CSV = b"click,user\n0,ada\n1,bob\n"
DIGEST = hashlib.sha256(CSV).hexdigest()

TRICKLES = {
    "/clicks/continue.csv": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/clicks/early.csv": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
}
"""Answers that are repeated for ever before any file."""


class Site(BaseHTTPRequestHandler):
    """`/clicks/good.csv`, a redirect to it, a file that never ends, and nothing else."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/clicks/elsewhere.csv":
            self.send_response(302)
            self.send_header("location", "/clicks/good.csv")
            self.end_headers()
        elif self.path == "/clicks/endless.csv":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"0,ada\n" * 1_000)
            except OSError:
                return
        elif self.path.startswith("/clicks/good.csv"):
            self.send_response(200)
            self.send_header("content-length", str(len(CSV)))
            self.end_headers()
            self.wfile.write(CSV)
        elif self.path in TRICKLES:
            first, again = TRICKLES[self.path]
            try:
                self.wfile.write(first)
                while True:
                    self.wfile.write(again)
            except OSError:
                return
        elif self.path == "/clicks/torn.csv":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(CSV)
        else:
            self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Port of a web server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_settings(settings: Settings, port: int) -> Settings:
    """Settings with one folder of that server as a place that may be private."""
    return settings.model_copy(update={"uri_private_places": (f"http://127.0.0.1:{port}/clicks/",), "max_upload_bytes": 10_000})


def fetched(settings: Settings, uri: str) -> bytes:
    """The file at a URI."""
    return b"".join(Fetches(settings).chunks(uri))


def test_without_places_every_uri_is_refused(live: LiveServer, settings: Settings, port: int) -> None:
    """The way in is off unless somebody opens it: 403, and no data set."""
    refused = live.http.post("/v1/datasets", json={"name": "clicks", "uri": f"http://127.0.0.1:{port}/clicks/good.csv"})

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ihas:problem:uri-refused")
    assert live.json("GET", "/v1/datasets")["datasets"] == []
    assert list(settings.folder.glob("datasets/*")) == []


def test_a_file_of_a_place_becomes_a_data_set(open_settings: Settings, store: SqlStore, port: int) -> None:
    """Fetched within the request, with size and digest, checked like an upload; the command line does the same."""
    uri = f"http://127.0.0.1:{port}/clicks/good.csv"
    with LiveServer(open_settings) as live, RunningWorker(open_settings):
        made = live.http.post("/v1/datasets", json={"name": "clicks", "uri": uri, "sha256": DIGEST.upper()})
        status = run(["dataset", "push", uri, "--url", live.url])
        found = live.json("GET", "/v1/datasets")["datasets"]

    assert (made.status_code, made.json()["sha256"], made.json()["size"]) == (201, DIGEST, len(CSV))
    assert (status, len(found), found[0]["state"], found[0]["sha256"]) == (0, 2, "valid", DIGEST)
    assert [path.read_bytes() for path in sorted(open_settings.folder.glob("datasets/*/upload-*.csv"))] == [CSV, CSV]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("good.csv", {"sha256": "0" * 64}, 422),
        ("endless.csv", {}, 413),
        ("elsewhere.csv", {}, 502),
        ("torn.csv", {}, 502),
        ("none.csv", {}, 502),
        ("good.csv", {"path": "/data/clicks.csv"}, 422),
    ],
)
def test_what_does_not_come_as_it_should_leaves_nothing(
    open_settings: Settings, store: SqlStore, port: int, name: str, body: dict[str, str], status: int
) -> None:
    """Another digest, a file without end, a redirect, a broken one, none, two names for one file: a problem, no data set, no file."""
    with LiveServer(open_settings) as live:
        answer = live.http.post("/v1/datasets", json={"name": "clicks", "uri": f"http://127.0.0.1:{port}/clicks/{name}", **body})
        found = live.json("GET", "/v1/datasets")["datasets"]

    assert (answer.status_code, answer.headers["content-type"], found) == (status, "application/problem+json", [])
    assert list(open_settings.folder.glob("datasets/*")) == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0", "2130706433", "0x7f.1", "localhost", "169.254.169.254", "10.0.0.1"]
)
def test_a_public_place_is_not_at_a_private_address(settings: Settings, port: int, host: str) -> None:
    """However the address is written: a place that is listed as public must be public when it is asked."""
    place = f"http://{host}:{port}/clicks/"

    with pytest.raises(UriRefusedError, match=r"has a private address|cannot be read"):
        fetched(settings.model_copy(update={"uri_places": (place,)}), f"{place}good.csv")


def test_a_name_is_resolved_once(open_settings: Settings, port: int) -> None:
    """A name that means another address the second time gains nothing: nobody asks a second time."""
    asked: list[str] = []

    def resolve(host: str, number: int, **_: Any) -> Sequence[tuple[Any, Any, Any, Any, Any]]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, number))]

    place = f"http://rebinding.test:{port}/clicks/"
    own = open_settings.model_copy(update={"uri_private_places": (place,)})
    assert b"".join(Fetches(own, resolve).chunks(f"{place}good.csv")) == CSV
    assert asked == ["rebinding.test"]
    public = own.model_copy(update={"uri_places": (place,), "uri_private_places": ()})
    asked.clear()
    with pytest.raises(UriRefusedError):
        list(Fetches(public, resolve).chunks(f"{place}good.csv"))


@pytest.mark.parametrize(
    ("uri", "lies"),
    [
        ("https://data.example.org/clicks/a.csv", True),
        ("https://DATA.example.org:443/clicks/a.csv?day=1", True),
        ("https://data.example.org/clicks", False),
        ("https://data.example.org/clicks-too/a.csv", False),
        ("https://data.example.org.evil.test/clicks/a.csv", False),
        ("https://data.example.org:8443/clicks/a.csv", False),
        ("http://data.example.org/clicks/a.csv", False),
        ("s3://data.example.org/clicks/a.csv", False),
    ],
)
def test_a_uri_lies_in_a_place_or_not(uri: str, lies: bool) -> None:
    """Scheme, host, port and every step of the path count; a longer name is another one."""
    assert Uri.of(uri).lies_in(Uri.of("https://data.example.org/clicks/")) == lies


@pytest.mark.parametrize(
    "uri",
    [
        "https://data.example.org/clicks/../secret.csv",
        "https://data.example.org/clicks/%2e%2e/secret.csv",
        "https://data.example.org/clicks/%252e%252e/secret.csv",
        "https://data.example.org/clicks/..%2fsecret.csv",
        "https://data.example.org@evil.test/clicks/a.csv",
        "https://person:word@data.example.org/clicks/a.csv",
        "https://data.example.org/clicks/a.csv#part",
        "https://data.example.org\\@evil.test/clicks/a.csv",
        "https://data.example.org/clicks/a.csv\r\nhost: evil.test",
        "simplecache::https://data.example.org/clicks/a.csv",
        "zip://a.csv::https://data.example.org/clicks/a.zip",
        "https://data.example.org/clicks/a.zip::file:///etc/passwd",
        "https://data.example.org:port/clicks/a.csv",
        "/etc/passwd",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_uri_that_says_two_things_is_refused(settings: Settings, uri: str) -> None:
    """Ways up, persons, chains, line ends, no host: refused before anything is asked."""
    with pytest.raises(UriRefusedError):
        fetched(settings.model_copy(update={"uri_places": ("https://data.example.org/clicks/",)}), uri)


@pytest.mark.parametrize("place", ["file:///data/", "/data/", "https://data.example.org", "https://me@data.example.org/", "memory://x/"])
def test_a_place_is_a_part_of_a_store(place: str) -> None:
    """Folders of this machine, and places without an end, are refused when the service starts."""
    with pytest.raises(ValueError, match="A URI prefix must be"):
        Settings(uri_places=(place,))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:0:127.0.0.1", False),
        ("2001:0:808:808::", False),
        ("2002:808:808::1", True),
        ("2606:4700::5efe:10.0.0.1", False),
        ("2606:4700:0:0:200:5efe:10.0.0.1", False),
        ("2606:4700::5efe:8.8.8.8", True),
        ("3fff::1", False),
        ("5f00::1", False),
        ("4000::1", False),
        ("192.0.0.8", False),
        ("192.0.0.192", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),
        ("168.63.129.17", True),
        ("0.0.0.0", False),
    ],
)
def test_public_addresses_are_told_from_the_others(address: str, public: bool) -> None:
    """Also one that carries a private one in it."""
    assert is_public(address) == public


def test_as_many_files_come_at_once_as_may(open_settings: Settings, port: int) -> None:
    """The second is refused while the first comes, and taken when that one has ended, read to its end or not."""
    fetches = Fetches(open_settings.model_copy(update={"max_fetches_at_once": 1}))
    uri = f"http://127.0.0.1:{port}/clicks/good.csv"
    first = fetches.chunks(uri)
    next(first)
    with pytest.raises(TooManyError):
        list(fetches.chunks(uri))
    first.close()

    assert b"".join(fetches.chunks(uri)) == CSV


def test_a_host_that_is_not_there_is_no_bug(settings: Settings) -> None:
    """No such name, no such port: the file did not come."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        places = (f"http://127.0.0.1:{closed.getsockname()[1]}/", "http://nowhere.invalid/")
        for place in places:
            with pytest.raises(FetchError):
                fetched(settings.model_copy(update={"uri_private_places": places}), f"{place}a.csv")


@pytest.mark.parametrize("uri", ["http://127.0.0.1/\xe4.csv", "http://\u0456.example/a.csv", "http://127.0.0.1/\ud83d\ude00"])
def test_a_uri_has_ascii_characters_only(settings: Settings, uri: str) -> None:
    """Others are written with `%`; the sentence says so."""
    with pytest.raises(UriRefusedError, match="ASCII"):
        fetched(settings.model_copy(update={"uri_private_places": ("http://127.0.0.1/",)}), uri)


@pytest.fixture
def bucket() -> Iterator[str]:
    """A bucket with a file, on a server that speaks S3."""
    with s3_server("clicks"):
        fsspec.filesystem("s3", skip_instance_cache=True).pipe("clicks/shop/good.csv", CSV)
        yield "s3://clicks/shop/"


def test_a_file_of_a_bucket_is_fetched(settings: Settings, bucket: str) -> None:
    """Byte by byte, by the process's own credentials; another folder of the bucket is refused, and what is not there did not come."""
    own = settings.model_copy(update={"uri_places": (bucket,)})

    assert fetched(own, f"{bucket}good.csv") == CSV
    with pytest.raises(FetchError):
        fetched(own, f"{bucket}none.csv")
    with pytest.raises(UriRefusedError):
        fetched(own, "s3://clicks/other/good.csv")
    with pytest.raises(HTTPException, match="larger than 10 bytes"):
        fetched(own.model_copy(update={"max_upload_bytes": 10}), f"{bucket}good.csv")


@pytest.mark.parametrize("name", ["continue.csv", "early.csv"])
def test_answers_before_the_answer_end_with_the_time(open_settings: Settings, port: int, name: str) -> None:
    """A host that sends `100 Continue` for ever never begins the file, and is left when a fetch must end."""
    hasty = open_settings.model_copy(update={"fetch_s": 0.2})
    with pytest.raises(FetchError, match=r"longer than 0\.2 s"):
        fetched(hasty, f"http://127.0.0.1:{port}/clicks/{name}")
