"""What the key of encoded data is made of: the same files, read in the same way, are encoded once."""

from __future__ import annotations

from typing import Any

from ihas.config.data import DataConfig
from ihas.data.places import contents_of


def joined_contents(data: DataConfig) -> dict[str, list[Any]]:
    """What tells joined tables from others, each with the name that a column of an `.npy` file has."""
    found = {number: (contents_of(one.path, one.format), one.path) for number, one in enumerate(data.joined, start=1)}
    return {f"joined {number}": [*held, path.stem if path.suffix == ".npy" else ""] for number, (held, path) in found.items() if held}


def reading_settings(data: DataConfig) -> dict[str, Any]:
    """How tables are read, wherever they are, in a form that JSON has."""
    without: Any = {"path": True, "appended": True, "valid_path": True, "test_path": True, "joined": {"__all__": {"path"}}}
    return data.model_dump(mode="json", exclude=without)
