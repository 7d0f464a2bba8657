"""Candidates as bundles of a run folder, measured once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.archive import read_bundle
from ihas.bundle.values import Bundle
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.frontier import MeasuredCandidates, frontier_points, write_frontier
from ihas_pipelines.runs.latency import ServingCost
from ihas_pipelines.runs.points import point_bundle
from tests.ihas.bundle_factory import small_bundle
from tests.ihas.results.test_frontier import CANDIDATES

pytestmark = pytest.mark.tf

COST = ServingCost(memory_bytes=9, row_p99_us=1.0, candidates=500, candidates_p99_us=2.0)


def test_the_chosen_one_is_a_point_although_another_beats_it() -> None:
    """It is marked, stands at its cost, and only points are measured."""
    asked: list[str] = []

    def cost(name: str) -> ServingCost:
        asked.append(name)
        return COST

    points = frontier_points(CANDIDATES, "distilled", cost)

    assert [one.name for one in points] == asked == ["base", "static", "distilled", "members x2", "supernet", "teacher"]
    assert [one.name for one in points if one.dominated] == ["distilled"]
    assert points[2].model_dump(include={"multiply_adds", "parameters", "memory_bytes", "candidates_p99_us"}) == {
        "multiply_adds": 1_100, "parameters": 90_000, "memory_bytes": 9, "candidates_p99_us": 2.0,
    }  # fmt: skip


def test_a_candidate_is_exported_and_measured_once(tmp_path: Path) -> None:
    """Also by a run that is started again; another number of candidates is another measurement. Seconds are of all points together."""
    made: list[str] = []

    def make(name: str) -> Bundle:
        made.append(name)
        return small_bundle(name)

    def measured(candidates: int) -> tuple[RunFolder, MeasuredCandidates]:
        folder = RunFolder(tmp_path)
        return folder, MeasuredCandidates(folder, "key", make, candidates)

    folder, first = measured(3)
    costs = [first.cost(name) for name in ("base", "members x2", "base")]
    again = measured(3)[1]

    assert made == ["base", "members x2"]
    assert (again.cost("base"), again.cost("members x2")) == (costs[0], costs[1])
    assert list(folder.seconds) == ["frontier"]
    assert measured(4)[1].cost("base").candidates == 4
    assert made == ["base", "members x2", "base"]


def test_each_point_is_a_bundle_with_a_summary_of_its_own(tmp_path: Path) -> None:
    """Equal files of all points are one on disk, and a frontier that is written again replaces the one before."""
    measured = MeasuredCandidates(RunFolder(tmp_path), "key", small_bundle, 3)
    write_frontier(tmp_path, measured, {"teacher": {"chosen": "teacher"}})
    write_frontier(tmp_path, measured, {name: {"chosen": name} for name in ("base", "members x2")})

    assert sorted(path.name for path in (tmp_path / "frontier").iterdir()) == ["base", "members-x2"]
    assert read_bundle(point_bundle(tmp_path, "members x2")).summary == {"chosen": "members x2"}
    assert (tmp_path / "frontier/base/items.safetensors").samefile(tmp_path / "frontier/members-x2/items.safetensors")
