"""Fields of items that were put, told to every loaded version of their model."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from ihas_service.models.put_in_memory import PutInMemory
from ihas_service.models.traffic_split import Served
from ihas_service.storage.item_fields import ItemFieldRows

LOG = structlog.get_logger(__name__)


class KnownItems(PutInMemory):
    """All of them, by tenant and model."""

    def __init__(self, rows: ItemFieldRows) -> None:
        super().__init__(rows)
        self._loaded: Callable[[], Iterable[Served]] = tuple

    def watch(self, loaded: Callable[[], Iterable[Served]]) -> None:
        """Tell what was put to these versions, from now on."""
        self._loaded = loaded

    def refresh(self) -> None:
        """See `PutInMemory.refresh`; versions in memory know it afterwards."""
        super().refresh()
        for served in self._loaded():
            self._tell(served)

    def prepare(self, served: Served) -> None:
        """Tell a version that is about to serve; if the database is away, the thread tells it later."""
        if served.recommender.item_updates is None:
            return
        try:
            super().refresh()
        except Exception as error:  # a version that serves with the fields of its bundle is better than none
            LOG.warning("could not look for fields of items", model=served.version.name, error=f"{type(error).__name__}: {error}")
        self._tell(served)

    def _tell(self, served: Served) -> None:
        updates, version = served.recommender.item_updates, served.version
        if updates is None:
            return
        with self._guard:  # nobody changes the fields while they are read
            known = self._known.get((version.tenant, version.name))
            revision = None if known is None else known.revision
            if revision == updates.revision:
                return
            try:
                updates.describe({} if known is None else known.fields, revision)
            except Exception as error:  # other models, and those of others, learn what was put all the same
                LOG.exception("could not read fields of items", tenant=version.tenant, model=version.name, error=type(error).__name__)
