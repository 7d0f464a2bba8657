"""Towers that learn from the ranker's logits: see `ihas.stages.retrieve.stage`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ihas.layers.embedding import Tensor
from ihas.legacy_keras import keras, tf
from ihas.stages.retrieve.ranker import PairScorer
from ihas.stages.retrieve.towers import TrainedTower

BATCH, DRAWN = 128, 256
MAX_BATCHES = 200
JUDGED_CONTEXTS, JUDGED_PAIRS, BEST = 200, 10_000_000, 10
Side = Callable[[np.ndarray], np.ndarray]


class FromRanker:
    """Two towers in training on the logits of a ranker."""

    def __init__(
        self,
        towers: tuple[TrainedTower, TrainedTower],
        ranker: PairScorer,
        item_ids: np.ndarray,
        context_side: Side,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> None:
        """
        Args:
            towers: of contexts and of items.
            ranker: gives the logits.
            item_ids: int32 (num_items, slots of the item side), counted within the side.
            context_side: ids of whole rows to those of the context side.
            learning_rate: of Adam.
            rng: draws rows and items.
        """
        self._query, self._item = towers
        self._ranker, self._item_ids, self._context_side, self._rng = ranker, item_ids, context_side, rng
        self._optimizer = keras.optimizers.legacy.Adam(learning_rate)

    def epoch(self, rows: np.ndarray) -> float:
        """At most `MAX_BATCHES` batches of rows, int32 (rows, num_slots); the mean loss of a row."""
        order = self._rng.permutation(len(rows))[: MAX_BATCHES * BATCH]
        vectors = self.vectors()
        losses = [self._batch(rows[order[start : start + BATCH]], vectors) for start in range(0, len(order), BATCH)]
        return float(np.sum(losses) / len(order))

    def _batch(self, rows: np.ndarray, vectors: np.ndarray) -> float:
        contexts = self._context_side(rows)
        positions = self._drawn(contexts, vectors)
        wanted = self._ranker.logits(rows, positions)
        return float(self._step(contexts, self._item_ids[positions], wanted).numpy())

    def _drawn(self, contexts: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Items of a batch: half by chance, half of those nearest its contexts as the towers stood when the epoch began."""
        count = len(vectors)
        if count <= DRAWN:
            return np.arange(count)
        chance = self._rng.choice(count, DRAWN // 2, replace=False)
        nearness = self._query.frozen().vectors(contexts) @ vectors.T
        each = -(-DRAWN // 2 // len(contexts)) + 4
        nearest = np.argpartition(-nearness, min(each * 5, count - 1), axis=1)[:, : each * 5]
        picked = self._rng.permuted(nearest, axis=1)[:, :each].reshape(-1)
        return np.unique(np.concatenate([chance, self._rng.permutation(np.unique(picked))[: DRAWN // 2]]))

    @tf.function(autograph=False, reduce_retracing=True)
    def _step(self, contexts: Tensor, items: Tensor, wanted: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            scores = tf.matmul(self._query(contexts), self._item(items), transpose_b=True)
            loss = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(wanted), scores))
        variables = [*self._query.trainable_variables, *self._item.trainable_variables]
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def vectors(self) -> np.ndarray:
        """Vectors of all items: float32 (num_items, width)."""
        return self._item.frozen().vectors(self._item_ids).astype(np.float32)


class RankerRecall:
    """How many of the ranker's best of all items the nearest hold, on the same contexts each time."""

    def __init__(self, ranker: PairScorer, rows: np.ndarray, num_items: int, rng: np.random.Generator) -> None:
        """
        Args:
            ranker: says which items are best.
            rows: int32 (rows, num_slots), of which at most 200 are judged, fewer where there are more than 50,000 items.
            num_items: of the item table.
            rng: draws the rows.
        """
        most = max(1, min(JUDGED_CONTEXTS, JUDGED_PAIRS // num_items))
        self.rows = rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, replace=False))]
        everything = np.arange(num_items)
        best = [np.argsort(-ranker.logits(self.rows[row : row + 1], everything)[0], kind="stable")[:BEST] for row in range(len(self.rows))]
        self._best = np.array(best, np.int64).reshape(len(self.rows), -1)

    def at(self, number: int, queries: np.ndarray, vectors: np.ndarray) -> float:
        """Mean share among the `number` nearest: float32 (rows, width), (num_items, width)."""
        if not len(queries):
            return 0.0
        nearness = queries @ vectors.T
        least = np.partition(nearness, -number, axis=1)[:, -number, None]
        return float((np.take_along_axis(nearness, self._best, axis=1) >= least).mean())
