"""Models in memory, ready to answer."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from ihas.serving.recommender import Recommender
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
    recommender: Recommender


@dataclass(slots=True)
class Slot:
    """What is known of one name.

    Attributes:
        served: newest version that could be loaded.
        failure: why the newest version could not be loaded, once all versions were tried in vain.
        broken: versions that could not be loaded: when that was found, and why.
        lock: held while a version is loaded.
    """

    served: Served | None = None
    failure: str | None = None
    broken: dict[int, tuple[float, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Registry:
    """The newest version of every name, loaded and checked by a thread, and a newer one beside it once there is one.

    A version that cannot be loaded is passed over for the one before it, and is tried again after a while.
    """

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue, self._folder = catalogue, folder.resolve()
        self._slots: dict[str, Slot] = {}
        self._pinned: OrderedDict[tuple[str, int], Served] = OrderedDict()
        self._guard = threading.Lock()  # of the two above; held for no longer than a look
        self._stop, self._looked = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="models", daemon=True)

    def start(self) -> None:
        """Load every model, and from then on every newer version, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    @property
    def loading(self) -> bool:
        """Whether the models that were there at the start are still being loaded."""
        return not self._looked.is_set()

    def ready(self, name: str, version: int | None = None) -> Served | None:
        """The model, where it is in memory."""
        with self._guard:
            slot = self._slots.get(name)
            served = None if slot is None else slot.served
            if version is None or (served is not None and served.version.version == version):
                return served
            if (name, version) in self._pinned:
                self._pinned.move_to_end((name, version))
            return self._pinned.get((name, version))

    def get(self, name: str, version: int | None = None) -> Served:
        """The model; may read the database and load a bundle.

        Raises:
            UnknownIdError: no such name or version.
            BundleError: no version of it can be loaded.
        """
        versions = self._catalogue.versions(name)
        if not versions:
            raise UnknownIdError(f"There is no model {name!r}.")
        known = next((one for one in versions if one.version == version), None)
        if version is not None and known is None:
            raise UnknownIdError(f"Model {name!r} has no version {version}; its newest is {versions[0].version}.")
        slot = self._slot(name)
        ready = self.ready(name, version)
        if ready is not None:
            return ready
        with slot.lock:
            return self.ready(name, version) or (self._newest(slot, versions) if known is None else self._pin(slot, known))

    def refresh(self) -> None:
        """Look for names and versions that are not in memory, and load them; one that is broken waits for its next try."""
        for newest in self._catalogue.models():
            slot = self._slot(newest.name)
            if slot.served is None or slot.served.version.version < newest.version:
                with slot.lock, suppress(BundleError):
                    self._newest(slot, self._catalogue.versions(newest.name))

    def failures(self) -> Mapping[str, str]:
        """Names of which no version can be loaded, each with the reason."""
        return {name: reason for name, slot in self._known().items() if slot.served is None and (reason := slot.failure) is not None}

    def serving(self) -> Mapping[str, int]:
        """Versions in use, by name."""
        return {name: served.version.version for name, slot in self._known().items() if (served := slot.served) is not None}

    def _keep_up(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
                self._looked.set()
            except DBAPIError as error:
                LOG.warning("the database is out of reach", error=str(error))
            self._stop.wait(CHECK_S)

    def _slot(self, name: str) -> Slot:
        with self._guard:
            return self._slots.setdefault(name, Slot())

    def _known(self) -> Mapping[str, Slot]:
        with self._guard:
            return dict(self._slots)

    def _newest(self, slot: Slot, versions: Sequence[ModelVersion]) -> Served:
        """Serve the newest version that can be loaded, under the slot's lock."""
        for version in versions:
            if slot.served is not None and version.version <= slot.served.version.version:
                return slot.served
            with suppress(BundleError):
                slot.served = self._load(slot, version)
                return slot.served
        slot.failure = slot.broken[versions[0].version][1]
        raise BundleError(slot.failure)

    def _pin(self, slot: Slot, version: ModelVersion) -> Served:
        """Keep a version beside the newest one, under the slot's lock."""
        served = self._load(slot, version)
        with self._guard:
            self._pinned[version.name, version.version] = served
            while len(self._pinned) > MAX_PINNED:
                self._pinned.popitem(last=False)
        return served

    def _load(self, slot: Slot, version: ModelVersion) -> Served:
        found, reason = slot.broken.get(version.version, (-math.inf, ""))
        if time.monotonic() - found < RETRY_S:
            raise BundleError(reason)
        pinned = self.ready(version.name, version.version)
        if pinned is not None:
            return pinned
        began, folder = time.perf_counter(), self._folder / version.path
        try:
            served = Served(version, load_recommender(folder))
        except Exception as error:  # whatever a bundle does to its reader, the other models serve
            LOG.error("a bundle cannot be used", model=version.name, version=version.version, error=f"{type(error).__name__}: {error}")
            reason = f"Version {version.version} of model {version.name!r} cannot be used: {_reason(error, folder)}"
            slot.broken[version.version] = (time.monotonic(), reason)
            raise BundleError(reason) from error
        slot.broken.pop(version.version, None)
        LOG.info("model loaded", model=version.name, version=version.version, seconds=round(time.perf_counter() - began, 3))
        return served


def _reason(error: Exception, folder: Path) -> str:
    """What is wrong with a bundle, its files named relative to `folder`; the log has the rest."""
    if isinstance(error, BundleError):
        return str(error).replace(f"{folder}/", "").replace(str(folder), "its place")
    return f"{type(error).__name__}. The service's log says more."
