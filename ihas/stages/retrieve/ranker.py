"""A trained model as what retrieval learns from: its logits for every pair of some contexts and some items."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.ages import without_ages
from ihas.data.encoder import Encoder
from ihas.models.network import Network, NetworkWeights
from ihas.models.prediction import BLOCK_ROWS


class PairScorer(Protocol):
    """Something that ranks items for contexts."""

    def logits(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """See `Ranker.logits`."""
        ...


class Ranker:
    """A model that scores whole rows."""

    def __init__(self, weights: NetworkWeights, config: LearningConfig, encoder: Encoder, item_ids: np.ndarray) -> None:
        """
        Args:
            weights: of the model.
            config: settings that it was trained with.
            encoder: says which slots are whose.
            item_ids: int32 (num_items, slots of the item fields). The item table's.
        """
        self._network = Network(encoder.layout, config.backbone, config.training.embedding_dim)
        self._network.assign(weights)
        self._context, self._item, self._items = encoder.slots_of("context"), encoder.slots_of("item"), np.asarray(item_ids)
        self._encoder, self._num_slots = encoder, encoder.layout.num_slots

    def logits(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Each row's context with each item.

        Args:
            rows: int32 (rows, num_slots). What they hold of items is not looked at.
            positions: int (items,). Of the item table.

        Returns:
            float32 (rows, items).
        """
        rows = without_ages(self._encoder, rows)
        step, items = max(1, BLOCK_ROWS // len(positions)), self._items[positions]
        blocks = [self._block(rows[start : start + step], items) for start in range(0, len(rows), step)]
        return np.concatenate(blocks).reshape(len(rows), len(positions))

    def _block(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        ids = np.empty((len(rows), len(items), self._num_slots), np.int32)
        ids[:, :, self._context] = rows[:, None, self._context]
        ids[:, :, self._item] = items[None]
        flat = ids.reshape(-1, self._num_slots)
        return np.asarray(self._network.predict(flat, np.zeros(len(flat), np.int32)).numpy())
