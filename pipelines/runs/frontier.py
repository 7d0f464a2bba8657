"""A run's candidates as bundles, each measured where it would serve; and the frontier among them, ready to be chosen later.

A candidate is exported and measured when it is first asked for, as a stage of the run folder: a run that is started again measures
nothing anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.copies import Known, write_with_summary
from ihas.bundle.values import Bundle
from ihas.folders import write_whole
from ihas.results.frontier import slug, unbeaten_candidates
from ihas.results.run_result import FrontierPoint, VariantResult
from ihas_pipelines.runs.folder import RunFolder, replace_folder, stage_key
from ihas_pipelines.runs.latency import ServingCost, serving_cost
from ihas_pipelines.runs.points import FRONTIER

COST, BUNDLE = "cost.json", "bundle"


class MeasuredCandidates:
    """Candidates of a run, exported and measured one at a time."""

    def __init__(self, folder: RunFolder, key: str, make: Callable[[str], Bundle], candidates: int) -> None:
        """
        Args:
            folder: the run's.
            key: of everything that the bundles come from.
            make: the bundle of a candidate, by name.
            candidates: number of candidates of one context that latencies are measured with.
        """
        self._folder, self._make, self._candidates = folder, make, candidates
        self._key = stage_key("frontier", key, candidates)
        self._places: dict[str, Path] = {}

    def cost(self, name: str) -> ServingCost:
        """What serving a candidate takes."""
        return ServingCost.model_validate_json((self._place(name) / COST).read_bytes())

    def bundle(self, name: str) -> Path:
        """A candidate's bundle, whose summary is empty."""
        return self._place(name) / BUNDLE

    def put_in_place_of(self, name: str, make: Callable[[], Bundle]) -> None:
        """From now on a candidate's bundle is this one; what it takes to serve stays, since it has the same form."""
        before = self._place(name)

        def write(folder: Path) -> None:
            write_bundle(make(), folder / BUNDLE)
            shutil.copy2(before / COST, folder / COST)

        stage = f"refit-{slug(name)}"
        self._places[name] = self._timed(stage, stage_key(stage, self._key, name), write)

    def _place(self, name: str) -> Path:
        if name not in self._places:
            stage = f"point-{slug(name)}"
            self._places[name] = self._timed(stage, stage_key(stage, self._key, name), lambda folder: self._measure(name, folder))
        return self._places[name]

    def _timed(self, stage: str, key: str, write: Callable[[Path], None]) -> Path:
        place: Path = self._folder.stage_folder(stage, key, write, Path)
        took = self._folder.seconds.pop(stage)
        self._folder.seconds["frontier"] = self._folder.seconds.get("frontier", 0.0) + took
        return place

    def _measure(self, name: str, folder: Path) -> None:
        write_bundle(self._make(name), folder / BUNDLE)
        write_whole(folder / COST, serving_cost(read_bundle(folder / BUNDLE), self._candidates).model_dump_json())


def frontier_points(results: Sequence[VariantResult], chosen: str, cost: Callable[[str], ServingCost]) -> tuple[FrontierPoint, ...]:
    """The candidates that no other beats and the chosen one, cheapest first."""
    unbeaten = unbeaten_candidates(results)
    names = {one.name for one in unbeaten}
    served = [one for one in results if one.name == chosen and chosen not in names]
    points = sorted((*unbeaten, *served), key=lambda one: (one.cost.multiply_adds, one.cost.parameters_total))
    return tuple(_point(one, cost(one.name), dominated=one.name not in names) for one in points)


def _point(result: VariantResult, cost: ServingCost, *, dominated: bool) -> FrontierPoint:
    return FrontierPoint(
        name=result.name,
        dominated=dominated,
        num_groups=result.num_groups,
        valid=result.valid,
        test=result.test,
        multiply_adds=result.cost.multiply_adds,
        parameters=result.cost.parameters_total,
        **cost.model_dump(),
    )


def write_frontier(folder: Path, measured: MeasuredCandidates, summaries: Mapping[str, dict[str, Any]]) -> Known:
    """Write `frontier/`, a bundle for each point; equal files are one on disk.

    Args:
        folder: of the run.
        measured: has the bundles.
        summaries: what each point's bundle says of the run, by name.

    Returns:
        The files of all of them, by the SHA-256 of their bytes.
    """
    known: Known = {}

    def write(fresh: Path) -> None:
        for name, summary in summaries.items():
            write_with_summary(measured.bundle(name), fresh / slug(name), summary, known)

    replace_folder(folder / FRONTIER, write)
    return known
