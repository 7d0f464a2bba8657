"""Logits of many rows: from one network, from one model per group, from gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset
from ihas.data.mapped import spans
from ihas.models.network import Network, NetworkWeights
from ihas.routing.router import Gates, embed

BLOCK_ROWS = 32_768


@dataclass(frozen=True)
class GroupedRows:
    """Rows with the group of each.

    Attributes:
        rows: the encoded rows.
        group: int32 (rows,). Group of each row; it picks the mask.
    """

    rows: Dataset
    group: np.ndarray

    @staticmethod
    def one_group(rows: Dataset) -> GroupedRows:
        """All rows in group 0."""
        return GroupedRows(rows, np.zeros(len(rows), np.int32))

    def take(self, chosen: np.ndarray) -> GroupedRows:
        """The chosen rows: bool (rows,) or int (n,)."""
        return GroupedRows(self.rows.take(chosen), self.group[chosen])

    def block(self, start: int, stop: int) -> GroupedRows:
        """Neighbouring rows, in memory."""
        return GroupedRows(self.rows.block(start, stop), self.group[start:stop])


@dataclass(frozen=True)
class GroupModel:
    """The model that serves one group.

    Attributes:
        name: `shared`, or `group-0`, `group-1`, ... for a group's own.
        weights: over all num_fields * dim elements.
        mask: bool (num_fields, dim). Dimensions it reads.
    """

    name: str
    weights: NetworkWeights
    mask: np.ndarray


def predict(network: Network, rows: GroupedRows) -> np.ndarray:
    """Logits, float32 (rows,), with deterministic gates or the groups' masks."""
    logits = np.zeros(len(rows.group), np.float32)
    for block in spans(len(logits), BLOCK_ROWS):
        logits[block] = network.predict(rows.rows.ids[block], rows.group[block]).numpy()
    return logits


def predict_groups(models: tuple[GroupModel, ...], rows: GroupedRows, config: LearningConfig) -> np.ndarray:
    """Logits, float32 (rows,): each row from its group's model."""
    network = Network(rows.rows.layout, config.backbone, config.training.embedding_dim)
    masks = np.stack([model.mask for model in models])
    logits = np.zeros(len(rows.group), np.float32)
    for name in dict.fromkeys(model.name for model in models):
        served = np.flatnonzero(np.isin(rows.group, [g for g, model in enumerate(models) if model.name == name]))
        network.assign(next(model.weights for model in models if model.name == name), masks)
        for block in spans(len(served), BLOCK_ROWS):
            logits[served[block]] = predict(network, rows.take(served[block]))
    return logits


def predict_gated(weights: NetworkWeights, gates: Gates, rows: Dataset, config: LearningConfig) -> np.ndarray:
    """Logits, float32 (rows,), each row under its own deterministic gates, read as serving reads them."""
    dim = config.training.embedding_dim
    network = Network(rows.layout, config.backbone, dim)
    network.assign(weights)
    logits = np.zeros(len(rows), np.float32)
    for block in spans(len(rows), BLOCK_ROWS):
        masks = gates.open(embed(rows.ids[block], weights.table[:, :dim], rows.layout)).astype(np.float32)
        logits[block] = network.predict_masked(rows.ids[block], masks).numpy()
    return logits
