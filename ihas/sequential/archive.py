"""An OverRec recommender as a folder of data: its sequences and settings, from which all else is made in a moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors.numpy

from ihas.bundle.files import json_file, reading, tensor_file, verified, write_files
from ihas.errors import BundleCorruptError, ConfigError
from ihas.sequential.config import OverRecConfig
from ihas.sequential.overrec import OverRec
from ihas.sequential.sequences import Sequences, UserSequences

KIND = "overrec"
NUM_GOLDEN = 32


@dataclass(frozen=True)
class GoldenHistories:
    """Histories with the answers they must get, before a bundle may serve.

    Attributes:
        histories: sequences.
        items: int32 (histories,). An item for each, its best one when the bundle was written.
        probabilities: float64 (histories,). Probability of that item to come next.
    """

    histories: Sequences
    items: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, model: OverRec, histories: Sequences) -> GoldenHistories:
        """What the model answers."""
        found = model.probabilities(histories)
        items = found.argmax(axis=1).astype(np.int32)
        return cls(histories, items, found[np.arange(len(items)), items])


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
    data, golden = bundle.data, bundle.golden
    arrays = {"offsets": golden.histories.offsets, "histories": golden.histories.items, "items": golden.items}
    files = {
        "config.json": json_file(bundle.config.model_dump(mode="json")),
        "users.json": json_file(data.users),
        "items.json": json_file(data.items),
        "sequences.safetensors": tensor_file({"offsets": data.sequences.offsets, "items": data.sequences.items}),
        "golden.safetensors": tensor_file(arrays | {"probabilities": golden.probabilities}),
        "summary.json": json_file(bundle.summary),
    }
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
    with reading("users.json") as file:
        users = msgspec.json.decode((folder / file).read_bytes(), type=tuple[str, ...])
    with reading("items.json") as file:
        items = msgspec.json.decode((folder / file).read_bytes(), type=tuple[str, ...])
    with reading("summary.json") as file:
        summary = msgspec.json.decode((folder / file).read_bytes(), type=dict[str, Any])
    with reading("sequences.safetensors") as file:
        arrays = safetensors.numpy.load_file(folder / file)
        sequences = Sequences(arrays["offsets"], arrays["items"])
    with reading("golden.safetensors") as file:
        arrays = safetensors.numpy.load_file(folder / file)
        golden = GoldenHistories(Sequences(arrays["offsets"], arrays["histories"]), arrays["items"], arrays["probabilities"])
    bundle = OverRecBundle(name, UserSequences(users, items, sequences), config, golden, summary)
    _check(bundle)
    return bundle


def _check(bundle: OverRecBundle) -> None:
    data, golden = bundle.data, bundle.golden
    problems = [*_sequence_problems("sequences", data.sequences, data.num_items)]
    problems += _sequence_problems("golden histories", golden.histories, data.num_items)
    if len(set(data.users)) != len(data.users) or len(set(data.items)) != len(data.items):
        problems.append("users and items must have different names")
    if len(data.users) != len(data.sequences):
        problems.append(f"there must be a sequence for each of {len(data.users)} users, but there are {len(data.sequences)}")
    if not golden.items.shape == golden.probabilities.shape == (len(golden.histories),):
        problems.append("golden histories must each have an item and its probability")
    elif len(golden.items) and not (golden.items.min() >= 0 and golden.items.max() < data.num_items):
        problems.append("golden items must be items of the bundle")
    if problems:
        raise BundleCorruptError(f"The parts of bundle {bundle.name!r} do not fit each other: {'; '.join(problems)}.")


def _sequence_problems(what: str, sequences: Sequences, num_items: int) -> list[str]:
    offsets, items = sequences.offsets, sequences.items
    if offsets.dtype != np.int64 or items.dtype != np.int32 or offsets.ndim != 1 or items.ndim != 1 or not len(offsets):
        return [f"{what} must have int64 offsets and int32 items, but have {offsets.dtype} {offsets.shape} and {items.dtype} {items.shape}"]
    if offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        return [f"the offsets of {what} must rise from 0 to {len(items)}"]
    if len(items) and not (items.min() >= 0 and items.max() < num_items):
        return [f"items of {what} must lie in 0 .. {num_items - 1}, but are {items.min()} .. {items.max()}"]
    return []


def checked_model(bundle: OverRecBundle, tolerance: float = 1e-6) -> OverRec:
    """The recommender, once it has answered its golden histories as recorded.

    Raises:
        BundleCorruptError: a probability differs by more than `tolerance`, relatively, or nothing can vote.
    """
    try:
        model = bundle.model()
    except ConfigError as error:
        raise BundleCorruptError(f"Bundle {bundle.name!r} cannot vote: {error}") from error
    golden = bundle.golden
    found = model.probabilities(golden.histories)[np.arange(len(golden.items)), golden.items]
    wrong = np.flatnonzero(~np.isclose(found, golden.probabilities, rtol=tolerance, atol=0.0))
    if len(wrong):
        row = int(wrong[0])
        raise BundleCorruptError(
            f"Golden histories must be answered as recorded, within {tolerance}, but {len(wrong)} of {len(found)} are not; "
            f"history {row}: {found[row]} instead of {golden.probabilities[row]}. Write the bundle anew from its run."
        )
    return model
