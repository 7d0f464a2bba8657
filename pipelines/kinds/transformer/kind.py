"""The kind `transformer`: a decoder-only transformer on item sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihas.config.transformer import TransformerRecipe
from ihas_pipelines.kinds.model_kind import ModelKind, lazily
from ihas_pipelines.kinds.transformer.values import TransformerResult


def served(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The method, and its metrics and loss on test rows."""
    return {"chosen": "transformer", "test": {**summary["test"], "loss": summary["loss"]}}


KIND = ModelKind(
    name="transformer",
    description="Trains a decoder-only transformer on item sequences, which recommends the next item.",
    recipe=TransformerRecipe,
    run=lazily("ihas_pipelines.kinds.transformer.run:run_in_child"),
    result=TransformerResult,
    write_report=lazily("ihas_pipelines.kinds.transformer.page:write_page"),
    tables=lazily("ihas_pipelines.kinds.transformer.tables:transformer_tables"),
    served=served,
    submitted_as=frozenset({"search"}),
)
