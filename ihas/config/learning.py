"""Settings `learning`: everything that decides what is learnt; it travels inside the bundle."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ihas.config.backbone import BackboneConfig
from ihas.config.base import Config, invalid
from ihas.config.cluster import ClusterConfig
from ihas.config.distil import DistilConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.members import MembersConfig
from ihas.config.retrain import RetrainConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.config.search import SearchConfig
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig


class LearningConfig(Config):
    """Settings that decide what is learnt."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of all random numbers."""
    encoding: EncodingConfig = EncodingConfig()
    """How cells are encoded as ids."""
    split: SplitConfig = SplitConfig()
    """How rows are split."""
    backbone: BackboneConfig = BackboneConfig()
    """The network above the embedding."""
    training: TrainingConfig = TrainingConfig()
    """The training loop."""
    members: MembersConfig = MembersConfig()
    """Several small models beside the plain one."""
    distil: DistilConfig = DistilConfig()
    """Distillation from a teacher."""
    search: SearchConfig = SearchConfig()
    """Stage 1: search for gates."""
    cluster: ClusterConfig = ClusterConfig()
    """Stage 2: clustering."""
    retrain: RetrainConfig = RetrainConfig()
    """Stage 3: a model per group."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """Stage 4: evaluation."""
    retrieval: RetrievalConfig = RetrievalConfig()
    """Two-tower retrieval."""

    @model_validator(mode="after")
    def _members_divide_the_dimensions(self) -> Self:
        members, dim = self.backbone.members, self.training.embedding_dim
        if dim % members:
            raise invalid(
                f"`backbone.members` must divide `training.embedding_dim`, but got ({members}, {dim}). "
                f"Write for example `embedding_dim = {members * -(-dim // members)}`."
            )
        return self

    def with_members(self, count: int, dim: int) -> Self:
        """The same with so many members, of `dim` dimensions together; `count` divides `dim`."""
        backbone = self.backbone.model_copy(update={"members": count})
        return self.model_copy(update={"backbone": backbone}).with_training(embedding_dim=dim)

    def with_training(self, **changes: float) -> Self:
        """The same with other values, valid ones, in `training`."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})
