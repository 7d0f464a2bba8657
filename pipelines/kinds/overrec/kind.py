"""The kind `overrec`: recommendations of the next item by the nearest histories, without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihas.config.overrec import OverRecRecipe
from ihas_pipelines.kinds.model_kind import ModelKind, lazily
from ihas_pipelines.kinds.overrec.values import OverRecResult


def served(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The method, and its metrics on test rows."""
    return {"chosen": "overrec", "test": next((one["test"] for one in summary.get("contenders", ()) if one["name"] == "overrec"), {})}


KIND = ModelKind(
    name="overrec",
    description="Recommends the next item by the nearest histories under a neural kernel, without training.",
    recipe=OverRecRecipe,
    run=lazily("ihas_pipelines.kinds.overrec.run:run_overrec"),
    result=OverRecResult,
    write_report=lazily("ihas_pipelines.kinds.overrec.page:write_page"),
    tables=lazily("ihas_pipelines.kinds.overrec.tables:overrec_tables"),
    served=served,
    submitted_as=frozenset({"search"}),
)
