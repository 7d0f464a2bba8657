"""A model with a version that serves, one that failed its gates, and people who click on what one of them recommends."""

from __future__ import annotations

from typing import Any

from ihas.results.gates import Gate, GatesVerdict
from ihas_service.storage.promotion_settings import Release
from tests.service.conftest import Publish
from tests.service.live import LiveServer

MODEL = "/v1/models/films"
DETAIL = "The lower end of the interval is -0.0200, below -0.0050."
MET = Gate(name="golden", passed=True, detail="Its golden rows score as they did.")


def failed(detail: str = DETAIL) -> Release:
    """Of a version that ranks worse than the champion."""
    gates = (MET, Gate(name="auc", passed=False, detail=detail))
    return Release("first", GatesVerdict(passed=False, gates=gates, champion=1, rows=900))


def released(publish: Publish, detail: str = DETAIL) -> None:
    """Version 1 serves, version 2 failed its gates, and version 3 met them and waits."""
    publish(release=Release("first"))
    publish(release=failed(detail))
    publish(release=Release("first", GatesVerdict(passed=True, gates=(MET,), champion=1, rows=900)))


def split(live: LiveServer, **plan: Any) -> None:
    """Give the traffic another plan."""
    live.json("PUT", f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})


def clicked(live: LiveServer, people: int = 160, liked: int = 2) -> None:
    """Ask for many people, each of whom clicks the first item where it is of one version."""
    asked = [
        live.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": 2}, headers={"sticky-key": f"person-{number}"})
        for number in range(people)
    ]
    events = [
        {"recommendation_id": one["recommendation_id"], "item_id": one["items"][0]["id"], "kind": "click"}
        for one in asked
        if one["version"] == liked
    ]
    live.json("POST", "/v1/events", json={"events": events})
