"""The kind `size-sweep`: a transformer in several sizes, which tells the law of its losses and advises a size."""

from __future__ import annotations

from ihas.config.size_sweep import SizeSweepRecipe
from ihas_pipelines.kinds.model_kind import ModelKind, lazily
from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult

KIND = ModelKind(
    name="size-sweep",
    description="Trains a transformer in several small sizes, fits the law of its losses, and advises a size; makes no model.",
    aliases=("ladder",),
    recipe=SizeSweepRecipe,
    run=lazily("ihas_pipelines.kinds.size_sweep.run:run_size_sweep"),
    result=SizeSweepResult,
    write_report=lazily("ihas_pipelines.kinds.size_sweep.page:write_page"),
    tables=lazily("ihas_pipelines.kinds.size_sweep.tables:size_sweep_tables"),
    estimate=lazily("ihas_pipelines.kinds.size_sweep.run:run_size_sweep"),
    estimate_file="advice.json",
    group="ladder",
    submitted_as=frozenset({"estimate"}),
)
