"""An OverRec recommender as a folder of data: its sequences and settings, from which all else is made in a moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ihas.bundle.files import json_file, reading, verified, write_files
from ihas.config.overrec import OverRecConfig
from ihas.errors import BundleCorruptError, ConfigError
from ihas.sequential.data.sequences import UserSequences
from ihas.sequential.data.stored import NUM_GOLDEN, GoldenHistories, Stored, read_stored
from ihas.sequential.overrec.model import OverRec

KIND = "overrec"


@dataclass(frozen=True)
class OverRecBundle:
    """A recommender as data.

    Attributes:
        name: model name.
        data: users, items and sequences; all of them vote.
        config: settings.
        golden: histories that must be answered as recorded.
        summary: what the run found. JSON values only.
    """

    name: str
    data: UserSequences
    config: OverRecConfig
    golden: GoldenHistories
    summary: dict[str, Any]

    @classmethod
    def of(cls, name: str, data: UserSequences, config: OverRecConfig, summary: dict[str, Any]) -> OverRecBundle:
        """A bundle of these sequences.

        Raises:
            ConfigError: no sequence has two items.
        """
        model = OverRec.of(data.sequences, data.num_items, config)
        golden = GoldenHistories.of(model, data.sequences.take(np.arange(min(NUM_GOLDEN, len(data.users)))).last(config.max_length))
        return cls(name, data, config, golden, summary)

    def model(self) -> OverRec:
        """The recommender, ready to vote."""
        return OverRec.of(self.data.sequences, self.data.num_items, self.config)


def write_overrec(bundle: OverRecBundle, folder: Path, created_at: str | None = None) -> None:
    """Write a bundle; see `write_files`."""
    files = Stored(bundle.data, bundle.golden, bundle.summary).files()
    files["config.json"] = json_file(bundle.config.model_dump(mode="json"))
    write_files(KIND, bundle.name, files, folder, created_at)


def read_overrec(folder: Path) -> OverRecBundle:
    """Read a bundle.

    Raises:
        BundleError: there is no such folder.
        BundleCorruptError: a file is missing, extra or changed, or the parts do not fit each other.
        BundleVersionError: written in a format that this version does not read, or of another kind.
    """
    name = verified(folder, KIND).name
    with reading("config.json") as file:
        config = OverRecConfig.model_validate_json((folder / file).read_bytes())
    stored = read_stored(folder, name)
    return OverRecBundle(name, stored.data, config, stored.golden, stored.summary)


def checked_model(bundle: OverRecBundle, tolerance: float = 1e-6) -> OverRec:
    """The recommender, once it has answered its golden histories as recorded.

    Raises:
        BundleCorruptError: a probability differs by more than `tolerance`, relatively, or nothing can vote.
    """
    try:
        model = bundle.model()
    except ConfigError as error:
        raise BundleCorruptError(f"Bundle {bundle.name!r} cannot vote: {error}") from error
    bundle.golden.check(model, bundle.name, tolerance)
    return model
