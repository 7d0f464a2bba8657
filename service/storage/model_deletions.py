"""Deletion of versions and of models, inside an open transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.states import UNFINISHED
from ihas_service.storage.aliases import CHAMPION, NONE
from ihas_service.storage.bundle_store import TRIED
from ihas_service.storage.job import BATCH, TRAINING_NAMES
from ihas_service.storage.removals import Deleted, listed, noted
from ihas_service.storage.tables import (
    ALIAS_CHANGES,
    ALIASES,
    ITEM_FIELD_SUMS,
    ITEM_FIELDS,
    JOBS,
    MODELS,
    PROFILE_SUMS,
    PROFILES,
    PROMOTIONS,
    SCHEDULES,
    TRAFFIC,
    TRIAL_SUMS,
    TRIALS,
)
from ihas_service.storage.traffic import TrafficPlan
from ihas_service.storage.version_numbers import hold_alone

MANY = 100
DERIVED = "derived/"
DIGEST = "manifest_sha256"
HEXADECIMAL = re.compile("[0-9a-f]{64}")
CHAMPION_WORDS = "is the champion"
Name = tuple[str, str]
"""Tenant, and name of the model."""
Rows = Sequence[Any]  # rows of `_versions`
"""Number, path, job, bytes and facts of versions, newest first."""


def delete_version(connection: sa.Connection, name: Name, version: int, answering: int | None) -> Deleted:
    """As `Deletions.version` says."""
    versions = _versions(connection, name)
    found = [row for row in versions if row.version == version]
    if not found:
        raise UnknownIdError(f"Model {name[1]!r} has no version {version}.")
    uses = _uses(connection, name)
    live = [row.version for row in versions if not row.candidate]
    if live[:1] == [version] and not _has_champion(connection, name):
        uses.setdefault(version, []).append("is the newest, and answers because none was promoted")
    elif answering == version and version not in uses:
        uses[version] = ["answers"]
    if version in uses:
        way = "Promote another version or change the traffic first, or delete the model with all its versions"
        raise ConflictError(f"Version {version} of model {name[1]!r} is in use: it {listed(uses[version])}. {way}.")
    return _gone(connection, name, found)


def delete_model(connection: sa.Connection, name: Name, force: bool) -> Deleted:
    """As `Deletions.model` says."""
    versions = _versions(connection, name)
    uses = [f"version {number} {what}" for number, whats in sorted(_uses(connection, name).items()) for what in whats]
    uses += _coming(connection, name)
    if uses and not force:
        raise ConflictError(f"Model {name[1]!r} is in use: {listed(uses)}. To delete it all the same, add `?force=true` (`--force`).")
    put = (ITEM_FIELDS, ITEM_FIELD_SUMS, PROFILES, PROFILE_SUMS)
    for table in (ALIASES, ALIAS_CHANGES, *put, PROMOTIONS, SCHEDULES, TRAFFIC, TRIALS, TRIAL_SUMS):
        connection.execute(table.delete().where((table.c.tenant == name[0]) & (table.c.model == name[1])))
    return _gone(connection, name, versions)


def _versions(connection: sa.Connection, name: Name) -> Rows:
    """The versions of a name; none is added, deleted or pointed at by others before the transaction ends.

    Raises:
        UnknownIdError: there is none.
    """
    hold_alone(connection, *name)
    query = sa.select(MODELS.c.version, MODELS.c.path, MODELS.c.job_id, MODELS.c.bytes, MODELS.c.facts, MODELS.c.candidate).where(
        _same(name)
    )
    found = connection.execute(query.order_by(MODELS.c.version.desc())).all()
    if not found:
        raise UnknownIdError(f"There is no model {name[1]!r}.")
    return found


def _uses(connection: sa.Connection, name: Name) -> dict[int, list[str]]:
    """What each version is used for by aliases and by the traffic."""
    uses: dict[int, list[str]] = {}
    aliases = sa.select(ALIASES.c.alias, ALIASES.c.version).where((ALIASES.c.tenant == name[0]) & (ALIASES.c.model == name[1]))
    for alias, version in connection.execute(aliases.where(ALIASES.c.version != NONE).order_by(ALIASES.c.alias)):
        uses.setdefault(version, []).append(CHAMPION_WORDS if alias == CHAMPION else f"has the alias {alias!r}")
    row = connection.execute(sa.select(TRAFFIC.c.plan).where((TRAFFIC.c.tenant == name[0]) & (TRAFFIC.c.model == name[1]))).scalar()
    plan = TrafficPlan.model_validate(row or {})
    for canary in plan.canaries:
        uses.setdefault(canary.version, []).append("is the canary" if len(plan.canaries) == 1 else "is a canary")
    if plan.interleave is not None:
        uses.setdefault(plan.interleave.version, []).append("is interleaved with the champion")
    for version in plan.shadows:
        uses.setdefault(version, []).append("is a shadow")
    for batch_id, state, settings in _batches(connection, name):
        uses.setdefault(int(settings["version"]), []).append(f"is read by batch {batch_id} ({state})")
    return uses


def _batches(connection: sa.Connection, name: Name) -> Rows:
    """Batches that wait or run: id, state, settings."""
    same = (JOBS.c.tenant == name[0]) & (JOBS.c.name == name[1]) & (JOBS.c.kind == BATCH.name) & JOBS.c.state.in_(UNFINISHED)
    return connection.execute(sa.select(JOBS.c.id, JOBS.c.state, JOBS.c.settings).where(same).limit(MANY)).all()


def _has_champion(connection: sa.Connection, name: Name) -> bool:
    """Whether an alias says which version serves, or that none does."""
    of_name = (ALIASES.c.tenant == name[0]) & (ALIASES.c.model == name[1]) & (ALIASES.c.alias == CHAMPION)
    return connection.execute(sa.select(ALIASES.c.version).where(of_name)).first() is not None


def _coming(connection: sa.Connection, name: Name) -> list[str]:
    """Searches that are to become a version of a name."""
    same = (JOBS.c.tenant == name[0]) & (JOBS.c.name == name[1]) & JOBS.c.kind.in_(TRAINING_NAMES)
    found = connection.execute(sa.select(JOBS.c.kind, JOBS.c.id, JOBS.c.state).where(same & JOBS.c.state.in_(UNFINISHED)).limit(MANY))
    return [f"{kind} {one} ({state}) makes its next version" for kind, one, state in found]


def _gone(connection: sa.Connection, name: Name, versions: Rows) -> Deleted:
    """Remove the rows of versions, and put their bundles on the list of files that go."""
    numbers = [row.version for row in versions]
    connection.execute(MODELS.delete().where(_same(name) & MODELS.c.version.in_(numbers)))
    paths = [row.path.removesuffix("/bundle") if row.path.startswith(DERIVED) else row.path for row in versions]
    paths += [f"{TRIED}/{digest}" for digest in _unused_digests(connection, versions)]
    return Deleted(sum(row.bytes for row in versions), noted(connection, paths), tuple(row.job_id for row in versions))


def _unused_digests(connection: sa.Connection, versions: Rows) -> list[str]:
    """Digests of the manifests of versions that went, but for those of a bundle that is another version's too, of whatever tenant."""
    found = {str(row.facts.get(DIGEST, "")) for row in versions}
    digests = sorted(digest for digest in found if HEXADECIMAL.fullmatch(digest))
    if not digests:
        return []
    told = MODELS.c.facts[DIGEST].as_string()
    return sorted(set(digests) - set(connection.execute(sa.select(told).where(told.in_(digests))).scalars()))


def _same(name: Name) -> sa.ColumnElement[bool]:
    return (MODELS.c.tenant == name[0]) & (MODELS.c.name == name[1])
