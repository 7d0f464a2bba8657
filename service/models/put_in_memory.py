"""Fields that were put, in memory, brought up to what the database says once a second."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from ihas_service.storage.put_fields import Fields, Name, PutFields, PutSum

CHECK_S = 1.0
LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What was put of one model.

    Attributes:
        revision: of the database that it is of.
        fields: by user, or by item.
    """

    revision: int
    fields: dict[str, Fields]


class PutInMemory:
    """All of a kind, by tenant and model."""

    def __init__(self, rows: PutFields) -> None:
        self._rows = rows
        self._known: dict[Name, Known] = {}
        self._guard, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name=f"{rows.kind.noun}s", daemon=True)

    def start(self) -> None:
        """Load them, and from then on every change, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def of(self, tenant: str, model: str) -> Mapping[str, Fields] | None:
        """What was put of a model; None where nothing is kept."""
        found = self._known.get((tenant, model))
        return None if found is None else found.fields

    def refresh(self) -> None:
        """Bring what is in memory up to the database, now."""
        with self._guard:
            there = {name: found for name, found in self._rows.sums().items() if found.count}
            for name in self._known.keys() - there.keys():
                del self._known[name]
            for name, found in there.items():
                before = self._known.get(name)
                if before is None or before.revision != found.revision:
                    self._known[name] = self._renewed(name, found, before)

    def _renewed(self, name: Name, found: PutSum, before: Known | None) -> Known:
        """What is known now: changes alone where none went, else all."""
        if before is not None and before.revision < found.revision:
            before.fields.update(self._rows.changed(name, before.revision))
            if len(before.fields) == found.count:
                return Known(found.revision, before.fields)
        return Known(found.revision, dict(self._rows.changed(name, 0)))

    def _keep_up(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
            except Exception as error:  # the database is out of reach: the next look may succeed
                kind = self._rows.kind.noun
                LOG.warning("could not look for changes of fields", of=kind, error=f"{type(error).__name__}: {error}")
            self._stop.wait(CHECK_S)
