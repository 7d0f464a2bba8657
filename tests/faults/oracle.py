"""What a model answers, computed in this process, and whether a service answers the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson

from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_service.benchmark_server import NAME
from tests.faults.ledger import Ledger
from tests.faults.processes import HANG_S
from tests.ihas.bundle_factory import rows


class Oracle:
    """Answers of one bundle. Draws a request, asks a service, and compares."""

    def __init__(self, bundle: Path, seed: int, name: str = NAME) -> None:
        self._recommender, self._draw, self._name = load_recommender(bundle), random.Random(seed), name

    def question(self) -> tuple[str, dict[str, Any]]:
        """A right request: the end of its path, and its body."""
        if self._draw.random() < 0.5:
            return "score", {"rows": self._draw.choices(rows(), k=self._draw.randint(1, 40))}
        return "recommend", {"context": {"user": self._draw.choice(["ada", "bob", "eve"])}, "k": self._draw.randint(1, 3)}

    def answer(self, route: str, body: dict[str, Any]) -> Any:
        """What it is answered with."""
        if route == "score":
            return _plain(self._recommender.score(body["rows"], False))
        return _plain(self._recommender.recommend(msgspec.convert(body, RecommendRequest)))["items"]

    def ask(self, http: httpx.Client, kind: str, ledger: Ledger, may_be_away: bool = False) -> bool:
        """Ask once; what is wrong goes to the ledger. False where nobody answered, which counts as wrong unless `may_be_away`."""
        route, body = self.question()
        try:
            response = http.post(f"/v1/models/{self._name}/{route}", json=body)
        except httpx.TransportError as error:
            if not may_be_away:
                ledger.wrong(kind, "fives", f"no answer to a right request: {type(error).__name__}")
            return False
        ledger.add(kind, answers=1)
        if response.status_code >= 500:
            ledger.wrong(kind, "fives", f"{response.status_code} to a right request: {response.text[:200]}")
        elif response.status_code != 200:
            ledger.wrong(kind, "wrong", f"{response.status_code} to a right request: {response.text[:200]}")
        elif (found := _relevant(response.json(), route)) != self.answer(route, body):
            ledger.wrong(kind, "wrong", f"{route} {body} was answered with {found}")
        return True


def client(url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """Sends requests to a service."""
    return httpx.Client(base_url=url, timeout=HANG_S, headers=headers)


def _relevant(document: Any, route: str) -> Any:
    return document["scores"] if route == "score" else document["items"]


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return orjson.loads(orjson.dumps(msgspec.to_builtins(value)))
