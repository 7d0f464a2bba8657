"""Many events on their way: rows that are saved as they arrive, and files that are reported batch by batch; what both clients share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ihas.errors import DataError
from ihas_service.client.batching import Batch, refused_row
from ihas_service.errors import InvalidError, ServiceError

MAX_TOLD = 100
"""Rejected rows that are told; the others are counted."""


@dataclass
class Imported:
    """What became of the rows of a file.

    Attributes:
        rejected: number of rows.
        told: row and reason of the first `MAX_TOLD`.
    """

    accepted: int = 0
    rejected: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: Batch, answer: Mapping[str, Any]) -> None:
        """Count a batch that was answered."""
        self.accepted += answer["accepted"]
        self.rejected += len(answer["rejected"])
        found = ({"row": batch.first + one["index"], "detail": one["detail"]} for one in answer["rejected"])
        self.told.extend(list(found)[: MAX_TOLD - len(self.told)])

    @property
    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {"accepted": self.accepted, "rejected": self.rejected, "rejected_rows": self.told}


def misread(batch: Batch, error: InvalidError) -> DataError | InvalidError:
    """The refusal of a batch, by the row that it is about."""
    found = refused_row(error, batch.first, "events")
    if found is None:
        return error
    return DataError(f"Row {found.number:,} is no event: {found.detail} Rows before {batch.first:,} were reported; once more does no harm.")


def export_request(name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request for rows; `asked` are the parameters of the route."""
    given = {key: _written(value) for key, value in asked.items() if value is not None}
    return {"method": "GET", "url": f"/v1/models/{name}/events/export", "params": given, "timeout": None}


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def told(response: httpx.Response, path: Path) -> dict[str, Any]:
    """What was saved, and what the answer says of its rows."""
    counts = {name.replace("-", "_"): int(response.headers[name]) for name in ("open-rows", "rows-without-context")}
    return {"file": str(path), "bytes": path.stat().st_size, "as_of": float(response.headers["as-of"]), **counts}


def broken_off(error: httpx.TransportError) -> ServiceError:
    """The error of a file that did not arrive whole."""
    detail = f"The file broke off before its end: {error or type(error).__name__}. Export it again; `as_of` gives the same rows."
    return ServiceError({"title": "Broken off", "status": 0, "detail": detail})
