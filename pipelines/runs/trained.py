"""What a run has trained, before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.storage import Ingested
from ihas.routing.grouping import Grouping
from ihas.stages.base import BaseResult
from ihas.stages.distil import Distilled
from ihas.stages.kinds import KindsTried
from ihas.stages.members import MemberModel, MembersResult
from ihas.stages.prune import PrunedModel
from ihas.stages.retrain import RetrainResult
from ihas.stages.retrieve.stage import RetrievalTowers
from ihas.stages.search import SearchResult


@dataclass(frozen=True)
class Trained:
    """Outputs of the stages.

    Attributes:
        data: encoded rows, encoder, schema, items.
        base: the plain model.
        members: several small models; None where none cost as little as the plain one.
        larger: more members, which cost more than the plain model.
        distilled: the teacher and its student; None without a teacher.
        parts: what everything after the base learns from: the encoded rows, labelled and added to by the teacher.
        found: the search.
        grouping: the groups.
        retrained: the groups' models.
        plain: settings of the plain model.
        learning: settings of everything after it.
        taught: whether everything after the teacher learnt from its answers.
        retrieval: the towers; None where all items can be scored.
        kinds: kinds of backbone that were tried; None where the recipe states one.
        pruned: larger models that were pruned to what may be served.
    """

    data: Ingested
    base: BaseResult
    members: MembersResult | None
    larger: tuple[MemberModel, ...]
    distilled: Distilled | None
    parts: Splits
    found: SearchResult
    grouping: Grouping
    retrained: RetrainResult
    plain: LearningConfig
    learning: LearningConfig
    taught: bool
    retrieval: RetrievalTowers | None = None
    kinds: KindsTried | None = None
    pruned: tuple[PrunedModel, ...] = ()

    @property
    def given_up(self) -> tuple[Literal["search", "retrain"], ...]:
        """Stages that stayed clearly below the model that they started from."""
        ended: tuple[tuple[Literal["search", "retrain"], bool], ...]
        ended = (("search", self.found.given_up), ("retrain", self.retrained.given_up))
        return tuple(stage for stage, given_up in ended if given_up)

    @property
    def instances(self) -> Grouping:
        """The groups of the encoded rows alone."""
        return self.grouping.of_first(len(self.data.parts.train))
