"""Frozen values to data and back: arrays in one safetensors file, everything else in one JSON file.

Only the classes named in `VALUES` are ever built; a file that names another is refused.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel
from safetensors.numpy import load_file, save_file

from ihas.config.learning import LearningConfig
from ihas.data.layout import FieldLayout
from ihas.errors import DataError
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupModel
from ihas.results.run_result import Cost, Diversity, EpochMetrics, GroupCountResult, KindTrial
from ihas.routing.additive import AdditiveRouter
from ihas.routing.grouping import Grouping, PartGroups
from ihas.routing.router import Gates
from ihas.stages.base import BaseResult, Trial
from ihas.stages.distil import Distilled
from ihas.stages.evaluate.variants import Variant
from ihas.stages.kinds import KindsTried
from ihas.stages.members import MemberModel, MembersResult
from ihas.stages.prune import PrunedModel
from ihas.stages.retrain import RetrainResult
from ihas.stages.retrieve.stage import RetrievalTowers
from ihas.stages.search import SearchResult
from ihas.stages.warm import WarmStart
from ihas.training.plain import PlainModel
from ihas.training.steps import EpochStep
from ihas_pipelines.runs.answers import Answers

CLASSES: tuple[Any, ...] = (
    AdditiveRouter, Answers, BaseResult, Cost, Distilled, Diversity, EpochMetrics, EpochStep, FieldLayout, Gates, GroupCountResult,
    Grouping, GroupModel, KindsTried, KindTrial, LearningConfig, MemberModel, MembersResult, NetworkWeights, PartGroups, PlainModel,
    PrunedModel, RetrainResult, RetrievalTowers, SearchResult, Trial, Variant, WarmStart,
)  # fmt: skip
STORED_AS = {EpochMetrics: "EpochFigures"}  # stages that an older version wrote hold this name
VALUES: dict[str, Any] = {STORED_AS.get(cls, cls.__name__): cls for cls in CLASSES}
NAMES = {cls: name for name, cls in VALUES.items()}


def write_value(value: Any, folder: Path) -> None:
    """Write `arrays.safetensors` and `value.json` into a folder."""
    arrays: dict[str, np.ndarray] = {}
    tree = _to_tree(value, arrays, {})
    save_file(arrays, folder / "arrays.safetensors")
    (folder / "value.json").write_bytes(orjson.dumps(tree))


def read_value(folder: Path) -> Any:
    """Read what `write_value` wrote.

    Raises:
        DataError: the file names a class that is not a stage's value.
    """
    return _from_tree(orjson.loads((folder / "value.json").read_bytes()), load_file(folder / "arrays.safetensors"))


def _to_tree(value: Any, arrays: dict[str, np.ndarray], known: dict[int, str]) -> Any:
    if isinstance(value, np.ndarray):
        key = known.setdefault(id(value), f"array_{len(known)}")  # weights that several groups share are written once
        arrays[key] = np.ascontiguousarray(value)
        return {"array": key}
    if isinstance(value, BaseModel):
        return {"class": NAMES[type(value)], "model": value.model_dump(mode="json")}
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": NAMES[type(value)], "fields": {f.name: _to_tree(getattr(value, f.name), arrays, known) for f in fields(value)}}
    if isinstance(value, dict):
        return {"entries": {key: _to_tree(entry, arrays, known) for key, entry in value.items()}}
    if isinstance(value, list | tuple):
        return [_to_tree(entry, arrays, known) for entry in value]
    return value


def _from_tree(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(tree, list):
        return tuple(_from_tree(entry, arrays) for entry in tree)
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return arrays[tree["array"]]
    if "entries" in tree:
        return {key: _from_tree(entry, arrays) for key, entry in tree["entries"].items()}
    if tree["class"] not in VALUES:
        raise DataError(f"A stage's output must hold one of {sorted(VALUES)}, but names {tree['class']!r}. Delete the stage's folder.")
    cls = VALUES[tree["class"]]
    return cls(**tree["model"]) if "model" in tree else cls(**{name: _from_tree(entry, arrays) for name, entry in tree["fields"].items()})
