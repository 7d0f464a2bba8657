"""The kind `transfer`: the gain of a domain from training on a second one too."""

from __future__ import annotations

from ihas.config.size_sweep import TransferRecipe
from ihas_pipelines.kinds.model_kind import ModelKind, lazily
from ihas_pipelines.kinds.transfer.values import Transfer

KIND = ModelKind(
    name="transfer",
    description="Trains a transformer on one domain alone and on two, and compares both on the first; makes no model.",
    recipe=TransferRecipe,
    run=lazily("ihas_pipelines.kinds.transfer.run:run_transfer"),
    result=Transfer,
    tables=lazily("ihas_pipelines.kinds.transfer.tables:transfer_tables"),
)
