"""Loaded models."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from ihas_service.errors import NoVersionServesError, UnknownIdError
from ihas_service.models.traffic_split import Served, TrafficSplit
from ihas_service.storage.aliases import CHAMPION, NONE, Alias, Aliases, AliasRef
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.sql_catalogue import SqlCatalogue
from ihas_service.storage.tenants import LOCAL
from ihas_service.storage.traffic import NO_PLAN, Traffic, TrafficPlans

CHECK_S = 1.0
RETRY_S = 10.0
MAX_WAITS = 64  # the wait doubles with each try, which costs a process, up to half of these times as long
LOCK_S = 30.0
MAX_PINNED = 4
ROLLED_BACK = "it was rolled back to none"
LOG = structlog.get_logger(__name__)
Name = tuple[str, str]
"""Tenant, and name of the model."""


@dataclass(slots=True)
class Slot:
    """State of one model name.

    Attributes:
        split: the traffic split that serves.
        made_of: newest version, revision of the champion, and of the traffic, that `split` was made of.
        failure: why the newest version could not be loaded, once all versions were tried in vain.
        broken: versions that could not be loaded: when that was found, how often, and why.
        lock: held while a version is loaded.
    """

    split: TrafficSplit | None = None
    made_of: tuple[int, int, int] | None = None
    failure: str | None = None
    broken: dict[int, tuple[float, int, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Registry:
    """The champion of every model, or its newest version if none was promoted, loaded and checked by a thread. A replacement is loaded
    first and then takes over by one assignment.

    A version that cannot be loaded is skipped for the one before it, and tried again later.
    """

    def __init__(
        self,
        catalogue: SqlCatalogue,
        folder: Path,
        artefacts_url: str | None = None,
        check: Callable[[Path], None] = lambda _: None,
        prepare: Callable[[Served], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            folder: of the service.
            artefacts_url: of the store of bundles.
            check: called with a bundle before it is loaded into this process; BundleError refuses it.
            prepare: called with a version before it serves.
            clock: seconds since any moment, by which a broken bundle waits; never runs backwards.
        """
        self._check, self._prepare, self._clock = check, prepare, clock
        self._catalogue, self._artefacts = catalogue, Artefacts(folder, artefacts_url)
        self._aliases, self._plans = Aliases(catalogue), TrafficPlans(catalogue)
        self._slots: dict[Name, Slot] = {}
        self._pinned: OrderedDict[tuple[Name, int], Served] = OrderedDict()
        self._guard = threading.Lock()  # of the two above; held for no longer than a look
        self._stop, self._looked = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="models", daemon=True)

    def start(self) -> None:
        """Load every model, and from then on every change, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    @property
    def loading(self) -> bool:
        """Whether the models that were there at the start are still being loaded."""
        return not self._looked.is_set()

    def split(self, name: str, tenant: str = LOCAL) -> TrafficSplit | None:
        """What answers under a name, where it is in memory."""
        slot = self._slots.get((tenant, name))
        return None if slot is None else slot.split

    def ready(self, name: str, version: int | None = None, tenant: str = LOCAL) -> Served | None:
        """The model, where it is in memory."""
        split = self.split(name, tenant)
        if version is None:
            return None if split is None else split.champion
        if split is not None:
            for served in (split.champion, *split.others):
                if served.version.version == version:
                    return served
        with self._guard:
            if ((tenant, name), version) in self._pinned:
                self._pinned.move_to_end(((tenant, name), version))
            return self._pinned.get(((tenant, name), version))

    def get(self, name: str, version: int | None = None, tenant: str = LOCAL) -> Served:
        """The model; may read the database and load a bundle.

        Raises:
            UnknownIdError: no such name or version.
            NoVersionServesError: no version is to serve, and none is named.
            BundleError: no version of it can be loaded.
        """
        versions = self._catalogue.versions(name, tenant)
        if not versions:
            raise UnknownIdError(f"There is no model {name!r}.")
        known = next((one for one in versions if one.version == version), None)
        if version is not None and known is None:
            raise UnknownIdError(f"Model {name!r} has no version {version}; its newest is {versions[0].version}.")
        slot = self._slot((tenant, name))
        ready = self.ready(name, version, tenant)
        if ready is not None:
            return ready
        if known is None:
            return self.renew(name, tenant).champion
        with _held(slot):
            return self.ready(name, version, tenant) or self._pin(slot, known)

    def renew(self, name: str, tenant: str = LOCAL) -> TrafficSplit:
        """Bring one name up to what the database says, now.

        Raises:
            UnknownIdError: no such name.
            NoVersionServesError: no version is to serve.
            BundleError: no version of it can be loaded.
        """
        versions = self._catalogue.versions(name, tenant)
        if not versions:
            raise UnknownIdError(f"There is no model {name!r}.")
        champion = next((alias for alias in self._aliases.of_model(tenant, name) if alias.alias == CHAMPION), None)
        return self._renew(versions[0], champion, self._plans.get(tenant, name))

    def refresh(self) -> None:
        """Look for what is not in memory as the database says, and load it; one that is broken waits for its next try."""
        newest = self._catalogue.models()
        champions = {(alias.tenant, alias.model): alias for alias in self._aliases.everywhere(CHAMPION)}
        plans = {(plan.tenant, plan.model): plan for plan in self._plans.everywhere()}
        for version in newest:
            name = (version.tenant, version.name)
            with suppress(BundleError, NoVersionServesError, UnknownIdError):
                self._renew(version, champions.get(name), plans.get(name))
        for tenant, gone in self._known().keys() - {(version.tenant, version.name) for version in newest}:
            self.forget(gone, tenant)
        self._forget_pinned()

    def forget(self, name: str, tenant: str = LOCAL, version: int | None = None) -> None:
        """Answer no more by a version that was deleted, or by any version of a model that was."""
        with self._guard:
            if version is None:
                self._slots.pop((tenant, name), None)
            for key in [key for key in self._pinned if key[0] == (tenant, name) and version in (None, key[1])]:
                del self._pinned[key]

    def loaded(self) -> Sequence[Served]:
        """Every version in memory."""
        with self._guard:
            slots, pinned = list(self._slots.values()), list(self._pinned.values())
        return [*pinned, *(one for slot in slots if (split := slot.split) is not None for one in (split.champion, *split.others))]

    def failures(self) -> Mapping[Name, str]:
        """Names of which no version can be loaded, each with the reason."""
        return {name: reason for name, slot in self._known().items() if slot.split is None and (reason := slot.failure) is not None}

    def serving(self) -> Mapping[Name, int]:
        """Champions in use, by name."""
        return {name: split.champion.version.version for name, slot in self._known().items() if (split := slot.split) is not None}

    def degraded(self) -> Mapping[Name, Mapping[int, str]]:
        """Champions with groups that the shared model serves, each group with the reason."""
        splits = {name: slot.split for name, slot in self._known().items() if slot.split is not None}
        return {name: split.champion.degraded for name, split in splits.items() if split.champion.degraded}

    def degraded_counts(self) -> Sequence[tuple[ModelVersion, int]]:
        """Every champion, with how many of its groups the shared model serves."""
        splits = [slot.split for slot in self._known().values() if slot.split is not None]
        return [(split.champion.version, len(split.champion.degraded)) for split in splits]

    def _keep_up(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
                self._looked.set()
            except Exception as error:  # the database is out of reach, its pool is empty: whatever it is, the next look may succeed
                LOG.warning("could not look for changes of models", error=f"{type(error).__name__}: {error}")
            self._stop.wait(CHECK_S)

    def _forget_pinned(self) -> None:
        """Drop versions beside what answers that were deleted."""
        with self._guard:
            pinned = list(self._pinned)
        for tenant, name in {name for name, _ in pinned}:
            there = {version.version for version in self._catalogue.versions(name, tenant)}
            for number in {number for one, number in pinned if one == (tenant, name)} - there:
                self.forget(name, tenant, number)

    def _slot(self, name: Name) -> Slot:
        with self._guard:
            return self._slots.setdefault(name, Slot())

    def _known(self) -> Mapping[Name, Slot]:
        with self._guard:
            return dict(self._slots)

    def _renew(self, newest: ModelVersion, champion: Alias | None, traffic: Traffic | None) -> TrafficSplit:
        slot = self._slot((newest.tenant, newest.name))
        wanted = (newest.version, champion.revision if champion else 0, traffic.revision if traffic else 0)
        if slot.split is not None and slot.made_of == wanted and not slot.broken:
            return slot.split
        with _held(slot):
            versions = self._catalogue.versions(newest.name, newest.tenant)
            if not versions:
                raise UnknownIdError(f"There is no model {newest.name!r}.")
            _drop_deleted(slot, {version.version for version in versions})
            if _older(wanted, slot.made_of):  # somebody read the database after this caller did
                if slot.split is None:
                    raise NoVersionServesError(_none_serves(versions, ROLLED_BACK))
                return slot.split
            _check_serves(slot, versions, champion, wanted)
            served = self._champion(slot, versions, champion)
            plan, shares = (NO_PLAN, {}) if traffic is None else (traffic.plan, traffic.buckets)
            canaries = self._all_beside(slot, versions, [one.version for one in plan.canaries])
            shadows = self._all_beside(slot, versions, plan.shadows)
            challenger = None if plan.interleave is None else self._beside(slot, versions, plan.interleave.version)
            trial = 0 if traffic is None else traffic.trial
            slot.split = TrafficSplit(served, canaries, shadows, plan, shares, challenger, trial)
            slot.made_of, slot.failure = wanted, None
            return slot.split

    def _all_beside(self, slot: Slot, versions: Sequence[ModelVersion], numbers: Sequence[int]) -> tuple[Served, ...]:
        """Those of the versions that can be loaded."""
        return tuple(found for number in numbers if (found := self._beside(slot, versions, number)) is not None)

    def _champion(self, slot: Slot, versions: Sequence[ModelVersion], champion: Alias | None) -> Served:
        """The version that is to serve, or the best there is, under the slot's lock."""
        now = None if slot.split is None else slot.split.champion
        failures: list[str] = []
        for version in _live(versions) if champion is None else self._in_force(versions, champion):
            if now is not None and (version.version == now.version.version or (champion is None and version.version < now.version.version)):
                return now
            try:
                return self._load(slot, version)
            except BundleError as error:
                failures.append(str(error))
            if now is not None and champion is not None:
                return now
        slot.failure = next(iter(failures), f"The champion of model {versions[0].name!r} was deleted.")
        raise BundleError(slot.failure)

    def _in_force(self, versions: Sequence[ModelVersion], champion: Alias) -> Iterable[ModelVersion]:
        """The champion, then those that were it before."""
        known = {version.version: version for version in versions}
        if champion.version in known:
            yield known[champion.version]
        for number in self._aliases.earlier(AliasRef(champion.tenant, champion.model, champion.alias)):
            if number == NONE:
                return
            if number in known:
                yield known[number]

    def _beside(self, slot: Slot, versions: Sequence[ModelVersion], number: int) -> Served | None:
        """A version beside the champion; None where it cannot be loaded, which is no reason not to answer."""
        version = next((one for one in versions if one.version == number), None)
        with suppress(BundleError):
            return None if version is None else self._load(slot, version)
        return None

    def _pin(self, slot: Slot, version: ModelVersion) -> Served:
        """Keep a version beside what answers, under the slot's lock."""
        served = self._load(slot, version)
        with self._guard:
            self._pinned[(version.tenant, version.name), version.version] = served
            while len(self._pinned) > MAX_PINNED:
                self._pinned.popitem(last=False)
        return served

    def _load(self, slot: Slot, version: ModelVersion) -> Served:
        found, tries, reason = slot.broken.get(version.version, (-math.inf, 0, ""))
        if self._clock() - found < RETRY_S * min(2**tries, MAX_WAITS) / 2:
            raise BundleError(reason)
        ready = self.ready(version.name, version.version, version.tenant)
        if ready is not None:
            return ready
        began, folder = time.perf_counter(), None
        try:
            folder = self._local(version)
            served = self._loaded(version, folder)
            if served.degraded and self._artefacts.forget(version.path):
                served = self._loaded(version, self._local(version))
        except Exception as error:  # whatever a bundle does to its reader, the other models serve
            LOG.error("a bundle cannot be used", model=version.name, version=version.version, error=f"{type(error).__name__}: {error}")
            reason = f"Version {version.version} of model {version.name!r} cannot be used: {_reason(error, folder)}"
            slot.broken[version.version] = (self._clock(), min(tries + 1, MAX_WAITS), reason)
            self._artefacts.forget(version.path)
            raise BundleError(reason) from error
        slot.broken.pop(version.version, None)
        for group, reason in served.degraded.items():
            LOG.error("the shared model serves a group", model=version.name, version=version.version, group=group, error=reason)
        LOG.info("model loaded", model=version.name, version=version.version, seconds=round(time.perf_counter() - began, 3))
        return served

    def _loaded(self, version: ModelVersion, folder: Path) -> Served:
        self._check(folder)
        served = Served(version, load_recommender(folder))
        self._prepare(served)
        return served

    def _local(self, version: ModelVersion) -> Path:
        """The version's bundle on this machine, as it was registered."""
        return self._artefacts.local(version.path, version.facts.get("manifest_sha256"))


def _drop_deleted(slot: Slot, there: Set[int]) -> None:
    """Forget what a slot knows of versions that there are no more: a model may be deleted and come again."""
    if slot.split is not None and not slot.split.numbers <= there:
        slot.split = slot.made_of = None
    for number in slot.broken.keys() - there:
        del slot.broken[number]


@contextmanager
def _held(slot: Slot) -> Iterator[None]:
    """The slot's lock; who waits for a model that takes long to load is told so, and its thread is free for others."""
    if not slot.lock.acquire(timeout=LOCK_S):
        raise BundleError("The model is being loaded still. Ask again in a moment.")
    try:
        yield
    finally:
        slot.lock.release()


def _live(versions: Sequence[ModelVersion]) -> Sequence[ModelVersion]:
    """Those that are no candidates."""
    return [version for version in versions if not version.candidate]


def _check_serves(slot: Slot, versions: Sequence[ModelVersion], champion: Alias | None, wanted: tuple[int, int, int]) -> None:
    """NoVersionServesError where no version is to serve, which the slot then knows."""
    if champion.version != NONE if champion is not None else bool(_live(versions)):
        return
    slot.split, slot.made_of, slot.failure = None, wanted, None
    raise NoVersionServesError(_none_serves(versions, "its versions are candidates" if champion is None else ROLLED_BACK))


def _none_serves(versions: Sequence[ModelVersion], why: str) -> str:
    name, newest = versions[0].name, versions[0].version
    way = f'Promote one, such as the newest: POST /v1/models/{name}/promote with {{"version": {newest}}}'
    return f"No version of model {name!r} serves: {why}. {way}."


def _older(wanted: tuple[int, int, int], made_of: tuple[int, int, int] | None) -> bool:
    return made_of is not None and any(new < old for new, old in zip(wanted, made_of, strict=True))


def _reason(error: Exception, folder: Path | None) -> str:
    """What is wrong with a bundle, its files named relative to `folder`; the log has the rest."""
    if isinstance(error, BundleError):
        return str(error).replace(f"{folder}/", "").replace(str(folder), "its place")
    return f"{type(error).__name__}. The service's log says more."
