"""Queries of recipes as files: what reads a database is the command line or a Python program, never a run, a worker or the service."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ihas.config.data import DataConfig
from ihas.config.sql import SqlConfig
from ihas_pipelines.kinds.model_kind import AnyRecipe


def with_snapshots(recipe: AnyRecipe, folder: Path) -> AnyRecipe:
    """The recipe with a file in the place of each query; one that is there from an earlier start of the run stays.

    Args:
        recipe: of any kind.
        folder: of the run.

    Raises:
        ConfigError, DataError: as `ihas.data.sql.write_snapshot`.
    """
    found: Any = recipe
    update = {name: with_snapshot(value, folder) for name, value in found if isinstance(value, DataConfig) and value.sql is not None}
    return found.model_copy(update=update) if update else recipe


def with_snapshot(data: DataConfig, folder: Path) -> DataConfig:
    """The table with a file in `folder` in the place of its query."""
    if data.sql is None:
        return data
    path = folder / f"table-{_name(data.sql)}.parquet"
    if not path.exists():
        from ihas.data.sql import write_snapshot

        write_snapshot(data.sql, path)
    return data.model_copy(update={"sql": None, "path": path, "format": "parquet"})


def _name(sql: SqlConfig) -> str:
    """What tells a query from others, without user and password."""
    from ihas.data.sql import described, expanded

    return hashlib.sha256(f"{described(expanded(sql))}\n{sql.query}".encode()).hexdigest()[:12]
