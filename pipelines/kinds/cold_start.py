"""The kind `cold-start`: a bundle of two, in which histories answer for users whom a trained model does not know."""

from __future__ import annotations

from ihas_pipelines.kinds.model_kind import ModelKind

KIND = ModelKind(
    name="cold-start",
    description="Serves a trained model, and an overrec model for users whom the trained one does not know.",
    made_by="ihas combine",
)
