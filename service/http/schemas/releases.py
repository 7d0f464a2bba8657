"""Requests and responses about releases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from ihas.config.base import Config
from ihas.config.data import WindowConfig
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.jobs.runs import settings_of
from ihas_service.models.traffic_split import TrafficSplit
from ihas_service.storage.aliases import Alias, AliasChange
from ihas_service.storage.catalogue import Dataset, ModelVersion
from ihas_service.storage.job import Job
from ihas_service.storage.traffic import Canary, Experiment, Exploration, Interleave, Traffic, VersionNumber

Reason = Annotated[str, Field(max_length=1_000)]
WITH_SEED = {"transformer": "training", "overrec": "recommender"}
"""Where the settings of a kind have their seed; `learning` has it itself."""


class Lineage(Config):
    """Lineage of a version."""

    name: str
    """Name of the model."""
    version: int
    """The version."""
    search_id: str
    """Search or refresh that produced it."""
    refreshed_from: int | None = None
    """Version that a refresh carried on; absent where a search made this one."""
    created_at: Moment
    """Time of registration."""
    dataset_id: str
    """Data set of its training."""
    dataset_name: str
    """Display name of the data set."""
    dataset_version: int
    """Version of the data set."""
    dataset_sha256: str | None
    """Digest of the table of that version, hexadecimal."""
    window: WindowConfig | None
    """Window of newest rows that it was trained on; absent for all rows."""
    seed: int
    """Seed of all random streams."""
    recipe: dict[str, Any]
    """Settings of the search: `learning`, `overrec` or `transformer`, and `run`."""
    manifest_sha256: str | None
    """Digest of the bundle's manifest, which lists the digest of every file."""
    chosen: str | None
    """What the bundle serves: a variant, `overrec` or `transformer`."""
    test: dict[str, Any]
    """Metrics on test rows, as in the result of the search: AUC and others, or HR and NDCG by cut-off; for a transformer also the
    cross-entropy `loss`."""

    @classmethod
    def of(cls, version: ModelVersion, job: Job, dataset: Dataset) -> Self:
        """The wire form of a version with its job and data set."""
        name, learned = settings_of(job)
        return cls(
            name=version.name,
            version=version.version,
            search_id=job.id,
            refreshed_from=version.facts.get("refreshed_from"),
            created_at=moment(version.created_at),
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            dataset_version=dataset.version,
            dataset_sha256=dataset.sha256,
            window=job.settings.get("window"),
            seed=int(learned.get(WITH_SEED.get(name, ""), learned).get("seed", 0)),
            recipe={name: learned, "run": dict(job.settings.get("run", {}))},
            manifest_sha256=version.facts.get("manifest_sha256"),
            chosen=version.facts.get("chosen"),
            test=dict(version.facts.get("test", {})),
        )


class AliasPut(Config):
    """Version for an alias."""

    version: VersionNumber
    """The version."""
    reason: Reason = ""
    """Reason, for the history."""


class PromotionOf(AliasPut):
    """A version to make the champion."""

    require_gates: bool = False
    """Refuse it with 409 if it did not meet its gates; without this, the answer says so as a `warning`."""


class Rollback(Config):
    """Return to the former champion, to a version that is named, or to none."""

    to: Annotated[VersionNumber, Field(strict=True)] | Literal["none"] | None = None
    """Version to return to; `none` lets no version serve until one is promoted. The former champion by default."""
    reason: Reason = ""
    """Reason, for the history."""


class AliasPublic(Config):
    """An alias."""

    alias: str
    """Its name."""
    version: int | None
    """The version that it points at; absent where none is to serve."""
    revision: int
    """Number of its changes; the `ETag` of the answer."""
    warning: str | None = Field(default=None, exclude_if=lambda warning: warning is None)
    """Of a promotion: the gates that the version failed; left out where it failed none."""

    @classmethod
    def of(cls, alias: Alias, warning: str | None = None) -> Self:
        """The wire form of an alias."""
        return cls(alias=alias.alias, version=alias.version or None, revision=alias.revision, warning=warning)


class AliasesPublic(Config):
    """A model's aliases."""

    aliases: tuple[AliasPublic, ...]
    """By name."""


class AliasChangePublic(Config):
    """One change of an alias."""

    revision: int
    """1, 2, 3, ... within the alias."""
    version: int | None
    """The version that it pointed at from then on, or until it was deleted; absent where none was to serve."""
    kind: Literal["set", "rollback", "deleted"]
    """How it was changed."""
    actor: str
    """Who changed it: the id of a key, or the subject of a token."""
    reason: str
    """Reason, as stated by the actor."""
    at: Moment
    """Time of the event."""


class AliasChangesPublic(Config):
    """A page of an alias's history."""

    changes: tuple[AliasChangePublic, ...]
    """Newest first."""
    next_cursor: int | None
    """Cursor of the next page; absent on the last page."""

    @classmethod
    def of(cls, changes: Sequence[AliasChange], limit: int) -> Self:
        """The wire form of changes."""
        names = ("revision", "kind", "actor", "reason")
        shown = tuple(
            AliasChangePublic(**{name: getattr(one, name) for name in names}, version=one.version or None, at=moment(one.at))
            for one in changes
        )
        return cls(changes=shown, next_cursor=changes[-1].revision if len(changes) == limit else None)


class TrafficPublic(Config):
    """Traffic split of a model."""

    revision: int
    """Number of the plan's changes, 0 for none; the `ETag` of the answer."""
    champion: int | None
    """Version that serves requests outside the canaries' shares, in the answering process; absent if none can be loaded."""
    canary: Canary | None
    """The only canary, or the first of several."""
    canaries: tuple[Canary, ...]
    """Versions that serve a share of the requests each."""
    sticky_field: str | None
    """Context field whose value decides between the versions."""
    shadows: tuple[int, ...]
    """Shadow versions: answer copies of requests; their answers are compared, not sent."""
    shadow_groups: tuple[int, ...]
    """Groups of the champion whose requests are copied to the shadows; all by default."""
    experiment: Experiment | None
    """Rules by which canaries are stopped or promoted."""
    interleave: Interleave | None
    """A version whose recommendations are interleaved with the champion's."""
    explore: Exploration | None
    """A share of the recommendations whose order is drawn; absent where none is."""
    actor: str
    """Actor of the last change; `service` where an experiment made it."""
    changed_at: Moment | None
    """Time of the last change."""

    @classmethod
    def of(cls, traffic: Traffic, split: TrafficSplit | None) -> Self:
        """The wire form of a plan."""
        plan = traffic.plan
        return cls(
            revision=traffic.revision,
            champion=None if split is None else split.champion.version.version,
            canary=plan.canary,
            canaries=plan.canaries,
            experiment=plan.experiment,
            interleave=plan.interleave,
            explore=plan.explore,
            sticky_field=plan.sticky_field,
            shadows=plan.shadows,
            shadow_groups=plan.shadow_groups,
            actor=traffic.actor,
            changed_at=moment(traffic.at) if traffic.revision else None,
        )
