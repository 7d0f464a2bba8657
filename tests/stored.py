"""What older versions stored, and how it is asked and compared."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from ihas.serving.answers import RecommendRequest
from ihas.serving.protocol import Recommender

FIXTURES = Path(__file__).with_name("fixtures")
WORDS = frozenset({"sentence", "verdict", "description"})
"""Texts for people: they must be there, and may be worded anew."""


def read(path: Path) -> Any:
    """A JSON document."""
    return orjson.loads(path.read_bytes())


def ask(recommender: Recommender, question: Mapping[str, Any]) -> Any:
    """The answer to a stored question, `score` or `recommend` with its request, as JSON values."""
    request = question["request"]
    if question["ask"] == "score":
        return msgspec.to_builtins(recommender.score(request["rows"], request["explain"]))
    return msgspec.to_builtins(recommender.recommend(msgspec.convert(request, RecommendRequest)))


def assert_alike(found: Any, stored: Any, tolerance: float = 1e-5, place: str = "") -> None:
    """Every stored value is found again, numbers with a point within the tolerance; what is new beside them is let be."""
    if isinstance(stored, dict):
        missing = stored.keys() - found.keys()
        assert not missing, f"{place} lacks {sorted(missing)}"
        for name, value in stored.items():
            if name in WORDS:
                assert bool(found[name]) is bool(value), f"{place}/{name}"
            else:
                assert_alike(found[name], value, tolerance, f"{place}/{name}")
    elif isinstance(stored, list):
        assert len(found) == len(stored), place
        for number, (one, other) in enumerate(zip(found, stored, strict=True)):
            assert_alike(one, other, tolerance, f"{place}/{number}")
    elif isinstance(stored, float):
        assert found == pytest.approx(stored, abs=tolerance), place
    else:
        assert found == stored, place


@contextmanager
def answering(answers: Mapping[str, tuple[str, bytes]]) -> Iterator[str]:
    """URL of a server that answers each path with its stored content type and body, as the older version's service did."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            kind, body = answers[self.path.partition("?")[0]]
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
