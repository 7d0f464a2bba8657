"""A sequential transformer as a folder of data: its graph, its settings, and the users' sequences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihas.bundle.files import json_file, reading, verified, write_files
from ihas.config.transformer import TransformerConfig
from ihas.sequential.data.sequences import UserSequences
from ihas.sequential.data.stored import GoldenHistories, Stored, read_stored

KIND = "transformer"


@dataclass(frozen=True)
class TransformerBundle:
    """A recommender as data.

    Attributes:
        name: model name.
        data: users, items and sequences.
        config: sizes.
        graph: ONNX; input `items` int32 (batch, length), output `scores` float32 (batch, num_items).
        golden: histories that must be answered as recorded.
        summary: what the run found. JSON values only.
    """

    name: str
    data: UserSequences
    config: TransformerConfig
    graph: bytes
    golden: GoldenHistories
    summary: dict[str, Any]


def write_transformer(bundle: TransformerBundle, folder: Path, created_at: str | None = None) -> None:
    """Write a bundle; see `write_files`."""
    files = Stored(bundle.data, bundle.golden, bundle.summary).files()
    files |= {"config.json": json_file(bundle.config.model_dump(mode="json")), "graph.onnx": bundle.graph}
    write_files(KIND, bundle.name, files, folder, created_at)


def read_transformer(folder: Path) -> TransformerBundle:
    """Read a bundle.

    Raises:
        BundleError: there is no such folder.
        BundleCorruptError: a file is missing, extra or changed, or the parts do not fit each other.
        BundleVersionError: written in a format that this version does not read, or of another kind.
    """
    name = verified(folder, KIND).name
    with reading("config.json") as file:
        config = TransformerConfig.model_validate_json((folder / file).read_bytes())
    with reading("graph.onnx") as file:
        graph = (folder / file).read_bytes()
    stored = read_stored(folder, name)
    return TransformerBundle(name, stored.data, config, graph, stored.golden, stored.summary)
