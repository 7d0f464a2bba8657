"""Threshold searcher: from a group's mean gates to one mask.

    mask_h = 1[mean gate >= h],   h = argmin over the grid of the log-loss of the group's validation rows

The network of the search, under mask_h, scores the candidates; equal ones go to the sparser mask. Figure 1 of iHAS
names the searcher; grid and score are our choice. Log-loss, not AUC, because groups must stay comparable.
"""

from __future__ import annotations

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.metrics import row_losses
from ihas.models.network import Network, NetworkWeights
from ihas.models.prediction import GroupedRows, predict
from ihas.routing.grouping import PartGroups
from ihas.seeding import generator
from ihas.training.trainer import Trainer


class Scorer:
    """The network of the search, asked how validation rows fare under masks."""

    def __init__(self, parts: Splits, weights: NetworkWeights, config: LearningConfig) -> None:
        self.parts, self.weights, self.config = parts, weights, config
        self.network = _network(parts, config)

    def row_losses(self, masks: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Loss of each validation row under its group's mask.

        Args:
            masks: bool (num_groups, N) or (num_groups, num_fields, dim).
            group: int32 (validation rows,).

        Returns:
            float64 (validation rows,), in nats.
        """
        self.network.assign(self.weights, masks)
        return _losses(self.network, self.parts.valid, group)


def adapted_row_losses(parts: Splits, weights: NetworkWeights, config: LearningConfig, masks: np.ndarray, groups: PartGroups) -> np.ndarray:
    """The same after one epoch of training under the masks, so that masks unlike the instances' own are judged fairly.

    It has a network of its own: several may be asked for beside each other.
    """
    network = _network(parts, config)
    network.assign(weights, masks)
    trainer = Trainer(network, config.training, generator(config.seed, "adapt"))
    trainer.run_epoch(GroupedRows(parts.train, groups.train), config.training.rate)
    return _losses(network, parts.valid, groups.valid)


def _network(parts: Splits, config: LearningConfig) -> Network:
    return Network(parts.train.layout, config.backbone, config.training.embedding_dim)


def _losses(network: Network, valid: Dataset, group: np.ndarray) -> np.ndarray:
    return row_losses(predict(network, GroupedRows(valid, group)), valid.labels)


def search_thresholds(
    mean_gates: np.ndarray, group: np.ndarray, scorer: Scorer, grid: tuple[float, ...]
) -> tuple[tuple[float, ...], np.ndarray]:
    """Best threshold of each group, the one nearest to a half for a group without validation rows, and the masks, bool (num_groups, N).

    Args:
        mean_gates: float32 (num_groups, N).
        group: int32 (validation rows,).
        scorer: the network of the search on the validation rows.
        grid: candidates, each in (0, 1).
    """
    num_groups = len(mean_gates)
    losses = np.empty((len(grid), num_groups))
    for i, threshold in enumerate(grid):
        rows = scorer.row_losses(masks_at(mean_gates, np.full(num_groups, threshold)), group)
        losses[i] = np.bincount(group, rows, minlength=num_groups)
    best = [max(np.flatnonzero(column == column.min()), key=lambda i: grid[i]) for column in losses.T]
    middle = min(grid, key=lambda threshold: abs(threshold - 0.5))
    seen = np.bincount(group, minlength=num_groups) > 0
    thresholds = tuple(grid[i] if known else middle for i, known in zip(best, seen, strict=True))
    return thresholds, masks_at(mean_gates, np.array(thresholds))


def masks_at(mean_gates: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Masks of mean gates float32 (num_groups, N) at thresholds (num_groups,); a group keeps at least its most open gate."""
    masks = mean_gates >= thresholds[:, None].astype(mean_gates.dtype)  # in one precision, so that .9 reaches .9
    masks[np.arange(len(masks)), mean_gates.argmax(axis=1)] = True
    return masks
