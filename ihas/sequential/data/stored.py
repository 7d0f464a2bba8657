"""What every bundle of a next-item model holds: users, items, their sequences, and histories whose answers are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import safetensors.numpy

from ihas.bundle.files import json_file, reading, tensor_file
from ihas.errors import BundleCorruptError
from ihas.sequential.data.sequences import Sequences, UserSequences

NUM_GOLDEN = 32


class NextItemModel(Protocol):
    """What tells how likely each item is to come next."""

    def probabilities(self, histories: Sequences) -> np.ndarray:
        """Probability of each item: float64 (histories, num_items)."""


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
    def of(cls, model: NextItemModel, histories: Sequences) -> GoldenHistories:
        """What the model answers."""
        found = model.probabilities(histories)
        items = found.argmax(axis=1).astype(np.int32)
        return cls(histories, items, found[np.arange(len(items)), items])

    def check(self, model: NextItemModel, bundle: str, tolerance: float) -> None:
        """That a model answers as recorded.

        Raises:
            BundleCorruptError: a probability differs by more than `tolerance`, relatively.
        """
        if not len(self.items):
            raise BundleCorruptError(f"Golden histories of {bundle!r} must be there, but there are none. Write the bundle anew.")
        found = model.probabilities(self.histories)[np.arange(len(self.items)), self.items]
        wrong = np.flatnonzero(~np.isclose(found, self.probabilities, rtol=tolerance, atol=0.0))
        if len(wrong):
            row = int(wrong[0])
            raise BundleCorruptError(
                f"Golden histories of {bundle!r} must be answered as recorded, within {tolerance}, "
                f"but {len(wrong)} of {len(found)} are not; "
                f"history {row}: {found[row]} instead of {self.probabilities[row]}. Write the bundle anew."
            )


@dataclass(frozen=True)
class Stored:
    """The common part of such a bundle.

    Attributes:
        data: users, items and sequences.
        golden: histories that must be answered as recorded.
        summary: what the run found. JSON values only.
    """

    data: UserSequences
    golden: GoldenHistories
    summary: dict[str, Any]

    def files(self) -> dict[str, bytes]:
        """Its files, by name."""
        data, golden = self.data, self.golden
        arrays = {"offsets": golden.histories.offsets, "histories": golden.histories.items, "items": golden.items}
        return {
            "users.json": json_file(data.users),
            "items.json": json_file(data.items),
            "sequences.safetensors": tensor_file({"offsets": data.sequences.offsets, "items": data.sequences.items}),
            "golden.safetensors": tensor_file(arrays | {"probabilities": golden.probabilities}),
            "summary.json": json_file(self.summary),
        }


def read_stored(folder: Path, bundle: str) -> Stored:
    """Read and check the common part of the bundle of the given name.

    Raises:
        BundleCorruptError: a file cannot be read, or the parts do not fit each other.
    """
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
    stored = Stored(UserSequences(users, items, sequences), golden, summary)
    _check(stored, bundle)
    return stored


def _check(stored: Stored, bundle: str) -> None:
    data, golden = stored.data, stored.golden
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
        raise BundleCorruptError(f"The parts of bundle {bundle!r} do not fit each other: {'; '.join(problems)}.")


def _sequence_problems(what: str, sequences: Sequences, num_items: int) -> list[str]:
    offsets, items = sequences.offsets, sequences.items
    if offsets.dtype != np.int64 or items.dtype != np.int32 or offsets.ndim != 1 or items.ndim != 1 or not len(offsets):
        return [f"{what} must have int64 offsets and int32 items, but have {offsets.dtype} {offsets.shape} and {items.dtype} {items.shape}"]
    if offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        return [f"the offsets of {what} must rise from 0 to {len(items)}"]
    if len(items) and not (items.min() >= 0 and items.max() < num_items):
        return [f"items of {what} must lie in 0 .. {num_items - 1}, but are {items.min()} .. {items.max()}"]
    return []
