"""The kind `grouped`: gates searched for every instance, instances grouped, one model for each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihas.config.recipe import Recipe
from ihas.results.run_result import RunResult
from ihas_pipelines.kinds.model_kind import ModelKind, lazily


def served(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The variant that was chosen, and its metrics on test rows."""
    chosen = summary.get("chosen")
    return {"chosen": chosen, "test": next((one["test"] for one in summary.get("variants", ()) if one["name"] == chosen), {})}


KIND = ModelKind(
    name="grouped",
    description="Searches embedding dimensions per instance, groups the instances, and trains one model for each group.",
    recipe=Recipe,
    run=lazily("ihas_pipelines.kinds.grouped.run:run_grouped"),
    result=RunResult,
    write_report=lazily("ihas_pipelines.reports.report:write_report"),
    tables=lazily("ihas_pipelines.kinds.grouped.tables:run_tables"),
    estimate=lazily("ihas_pipelines.kinds.grouped.run:estimate_grouped"),
    served=served,
    group="learning",
    submitted_as=frozenset({"search", "estimate"}),
)
