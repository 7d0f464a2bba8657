"""A newcomer who is told only "ship a recommender with this", in clicks alone, against the real pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from tests.service.conftest import RunningWorker
from tests.service.dashboard import way
from tests.service.dashboard.conftest import NARROW, WIDE, Visit
from tests.service.live import LiveServer

pytestmark = [pytest.mark.full, pytest.mark.tf]


@pytest.mark.slow
@pytest.mark.timeout(4_000)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_newcomer_ships_a_recommender(width: int, live: LiveServer, settings: Settings, visit: Visit, tmp_path: Path) -> None:
    """Upload, correct the columns, search, watch, compare, promote, try, canary, roll back, delete; nothing is left at the end."""
    file = way.write_clicks(tmp_path / "clicks.csv")
    page = visit(live.url, "/", width)
    with RunningWorker(settings, PIPELINES):
        way.uploads(page, file)
        for step in (way.searches, way.compares, way.releases, way.deletes):
            step(page)

    assert live.json("GET", "/v1/models")["models"] == []
    assert live.json("GET", "/v1/datasets")["datasets"] == []
