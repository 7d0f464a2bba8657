"""Models in memory, ready to answer."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from ihas.serving.recommender import GroupedRecommender
from service.errors import UnknownIdError
from service.jobs.catalogue import Catalogue, ModelVersion

CHECK_S = 1.0
RETRY_S = 10.0
MAX_PINNED = 4
LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """A verified model.

    Attributes:
        version: which bundle it is.
        recommender: answers; safe to call from several threads.
    """

    version: ModelVersion
    recommender: GroupedRecommender


@dataclass(slots=True)
class Slot:
    """What is known of one name.

    Attributes:
        served: newest version that could be loaded.
        checked: when newer versions were last looked for.
        broken: versions that could not be loaded: when that was found, and why.
        lock: held while a version is loaded.
    """

    served: Served | None = None
    checked: float = 0.0
    broken: dict[int, tuple[float, BundleError]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Registry:
    """Loads the newest version of a name when it is first asked for, and a newer one beside it once there is one.

    A version that cannot be loaded is passed over for the one before it, and is tried again after a while.
    """

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue, self._folder = catalogue, folder
        self._slots: dict[str, Slot] = {}
        self._pinned: OrderedDict[tuple[str, int], Served] = OrderedDict()
        self._guard = threading.Lock()

    def ready(self, name: str, version: int | None = None) -> Served | None:
        """The model, where that can be told from memory."""
        if version is not None:
            return self._pinned.get((name, version))
        slot = self._slots.get(name)
        return slot.served if slot is not None and time.monotonic() - slot.checked < CHECK_S else None

    def get(self, name: str, version: int | None = None) -> Served:
        """The model; may read the database and load a bundle.

        Raises:
            UnknownIdError: no such name or version.
            BundleError: no version of it can be loaded.
        """
        versions = self._catalogue.versions(name)
        if not versions:
            raise UnknownIdError(f"There is no model {name!r}.")
        return self._newest(name, versions) if version is None else self._pin(name, version, versions)

    def failures(self) -> Mapping[str, str]:
        """Names that were asked for and of which no version can be loaded, each with the reason."""
        slots = {name: slot for name, slot in self._slots.items() if slot.served is None and slot.broken}
        return {name: str(slot.broken[max(slot.broken)][1]) for name, slot in slots.items()}

    def serving(self) -> Mapping[str, int]:
        """Versions in use, by name."""
        return {name: slot.served.version.version for name, slot in self._slots.items() if slot.served is not None}

    def _newest(self, name: str, versions: Sequence[ModelVersion]) -> Served:
        with self._guard:
            slot = self._slots.setdefault(name, Slot())
        slot.checked = time.monotonic()
        if slot.served is None:
            with slot.lock:
                return slot.served or self._load_newest(slot, versions)
        if slot.served.version.version < versions[0].version and slot.lock.acquire(blocking=False):
            threading.Thread(target=self._refresh, args=(slot, versions), name=f"load-{name}", daemon=True).start()
        return slot.served

    def _refresh(self, slot: Slot, versions: Sequence[ModelVersion]) -> None:
        """Load a newer version while the older one answers."""
        try:
            self._load_newest(slot, versions)
        finally:
            slot.lock.release()

    def _load_newest(self, slot: Slot, versions: Sequence[ModelVersion]) -> Served:
        for version in versions:
            if slot.served is not None and version.version <= slot.served.version.version:
                return slot.served
            if self._try(slot, version) and slot.served is not None:
                return slot.served
        raise slot.broken[versions[0].version][1]

    def _try(self, slot: Slot, version: ModelVersion) -> bool:
        found, _ = slot.broken.get(version.version, (-RETRY_S, None))
        if time.monotonic() - found < RETRY_S:
            return False
        try:
            slot.served = self._load(version)
        except BundleError as error:
            LOG.error("a bundle cannot be used", model=version.name, version=version.version, error=str(error))
            slot.broken[version.version] = (time.monotonic(), error)
            return False
        slot.broken.pop(version.version, None)
        return True

    def _pin(self, name: str, version: int, versions: Sequence[ModelVersion]) -> Served:
        known = next((one for one in versions if one.version == version), None)
        if known is None:
            raise UnknownIdError(f"Model {name!r} has no version {version}; its newest is {versions[0].version}.")
        served = self._load(known)
        with self._guard:
            self._pinned[name, version] = served
            while len(self._pinned) > MAX_PINNED:
                self._pinned.popitem(last=False)
        return served

    def _load(self, version: ModelVersion) -> Served:
        began = time.perf_counter()
        served = Served(version, load_recommender(self._folder / version.path))
        LOG.info("model loaded", model=version.name, version=version.version, seconds=round(time.perf_counter() - began, 3))
        return served
