"""The small bundle with a shared model beside its groups' own: logit = user + 0.25, so 1.25 for ada and 2.25 for bob."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np

from ihas.bundle import values
from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle, Fallback
from tests.ihas.bundle_factory import LOGITS, linear_graph, small_bundle

SHARED = {"ada": 1.25, "bob": 2.25}


def fallback_bundle(**changes: values.ExportedModel) -> Bundle:
    """The bundle, with other paths in the place of those that are named, `-` written as `_`."""
    bundle = small_bundle()
    mask = np.zeros((3, 2), bool)
    mask[0, 0] = True
    shared = values.ExportedModel("fallback", mask, False, np.array([0, 0.5, 1, 2], np.float32), None, linear_graph(np.array([1]), 0.25))
    paths = tuple(changes.get(path.name.replace("-", "_"), path) for path in (*bundle.models, shared))
    logits = np.array([SHARED[user] for user in LOGITS for _ in LOGITS[user]], np.float32)
    return dataclasses.replace(bundle, models=paths, fallback=Fallback(2, logits))


def torn(folder: Path) -> None:
    """Put this bundle, with the graph of bob's group torn, in the place of a folder."""
    shutil.rmtree(folder)
    write_bundle(fallback_bundle(), folder)
    (folder / "paths" / "group-1.onnx").write_bytes(b"torn")
