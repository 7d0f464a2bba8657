"""What a timer of the user's does every night: export what was shown, append it. Two of its nights go wrong.

A bad day: each item shown is counted as clicked. A bug: the append stands still for six days; the rows of these days come on the seventh,
with the number of the next town. Every field looks as before, so that no check of the rows can see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihas_service.client.client import Client
from ihas_service.simulation.plan import MODEL, Plan, moment
from ihas_service.simulation.population import TOWNS

WINDOW_S = 3_600.0
"""Attribution window."""


@dataclass(frozen=True)
class Night:
    """What became of a night's rows.

    Attributes:
        day: whose night.
        rows: appended.
        version: of the data set; None where nothing was appended.
        state: `valid` or `invalid`; empty where nothing was appended.
        error: why the version is invalid.
    """

    day: int
    rows: int = 0
    version: int | None = None
    state: str = ""
    error: str = ""


class Feeding:
    """Nights of a data set."""

    def __init__(self, client: Client, dataset_id: str, folder: Path, plan: Plan) -> None:
        self._client, self._dataset_id, self._folder, self._plan = client, dataset_id, folder, plan

    def night(self, day: int) -> Night:
        """Append what was shown on a day, as far as the plan lets it."""
        silent = self._plan.silent_days
        if day in silent:
            return Night(day)
        first = silent.start if day == silent.stop else day
        path = self._folder / f"shown-{day}.parquet"
        self._client.export_events(MODEL, path, since=moment(first, 0), until=moment(day + 1, 0), window_s=WINDOW_S)
        rows = self._spoilt(path, day)
        version = self._client.append(self._dataset_id, path)["version"]
        found = self._client.wait_dataset_version(self._dataset_id, version)
        return Night(day, rows, version, found["state"], (found["error"] or {}).get("detail", ""))

    def _spoilt(self, path: Path, day: int) -> int:
        """Write the rows of a file anew, in an order that does not hang on ids of answers, with the faults of the plan; how many."""
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        rows = table.sort_by([(name, "ascending") for name in ("at", "town", "device", "film", "click")]).to_pylist()
        for row in rows:
            row |= self._faults(row, day)
        pq.write_table(table.from_pylist(rows, schema=table.schema), path)
        return len(rows)

    def _faults(self, row: dict[str, Any], day: int) -> dict[str, Any]:
        if day == self._plan.bad_day:
            return {"click": type(row["click"])(1)}
        if day == self._plan.silent_days.stop and float(row["at"]) < moment(day, 0):
            return {"town": f"t{(int(row['town'].removeprefix('t')) + 1) % TOWNS}"}
        return {}
