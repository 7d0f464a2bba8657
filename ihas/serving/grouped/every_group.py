"""What the model of every group answers for one row, whatever group the row falls into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ihas.bundle.values import Bundle
from ihas.routing.additive import GRID
from ihas.serving.capabilities import GroupAnswer
from ihas.serving.grouped.model import GroupedModel
from ihas.serving.ranking import probabilities
from ihas.serving.requests import check_rows


def ask_every_group(bundle: Bundle, model: GroupedModel, row: Mapping[str, Any]) -> tuple[int, tuple[GroupAnswer, ...]]:
    """Group of a row and the answer of every group's model, by group.

    Args:
        bundle: what `model` was made of.
        model: routes and scores.
        row: value of each field; a field left out is missing.

    Raises:
        RequestError: an unknown field, or a cell of a wrong type; with a pointer into `/row`.
    """
    check_rows([row], explain=True)
    ids = bundle.encoder.encode_rows([row], pointer="/row")
    scored, paths = model.score(ids), np.asarray(bundle.model_of_group, np.int64)
    logits = model.model_logits(np.repeat(ids, len(paths), axis=0), np.repeat(scored.gates, len(paths), axis=0), paths)
    distances, sums = (array[0].tolist() or [None] * len(paths) for array in (scored.distances, scored.scores / GRID))
    cells = zip(paths.tolist(), probabilities(bundle.answered(logits)).tolist(), distances, sums, strict=True)
    answers = [GroupAnswer(group, bundle.models[path].name, *cell) for group, (path, *cell) in enumerate(cells)]
    return int(scored.group[0]), tuple(answers)
