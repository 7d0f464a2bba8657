"""The retrieval stage: which items go with a context, learnt from the clicked rows and then from the model that ranks.

    clicks    loss = - mean log softmax_j (q_i . v_j - log p_j)[i]                     over the items j of a batch
    ranker    loss = - mean sum_j softmax_j(r_i)[j] log softmax_j (q_i . v)[j]         over items j drawn from the item table

r_ij is the ranker's logit of context i with item j: both sides are distributions over the drawn items, and the loss is their cross-entropy
(ListNet's top one, Cao et al., ICML 2007, as distillation from a ranker to a retriever). Half of the items are drawn uniformly, half are
those that the towers now put first for the batch, which are the ones that must be told apart (our choice).

p_j is item j's share of the clicked rows, which takes back that popular items are met more often as somebody else's; an item that is met
twice in a batch does not count against itself. Source: the parts of `tasks.Retrieval` of tensorflow-recommenders (Yi et al., RecSys 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ihas.bundle.values import Tower
from ihas.config.learning import LearningConfig
from ihas.data.ages import without_ages
from ihas.data.dataset import Dataset
from ihas.data.encoder import Encoder
from ihas.data.item_table import ItemTable
from ihas.data.schema import FieldRole
from ihas.graded_metrics import above_middle
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import FactorizedTopK, RemoveAccidentalHits, SamplingProbablityCorrection, keras, tf
from ihas.seeding import generator
from ihas.stages.retrieve.from_ranker import FromRanker, RankerRecall
from ihas.stages.retrieve.ranker import PairScorer
from ihas.stages.retrieve.towers import TrainedTower

BATCH = 1_024
PATIENCE = 3
MAX_JUDGED = 2_000
MAX_JUDGED_AT, SHARE_JUDGED_AT = 100, 20
Told = Callable[[int, float, float], object]


@dataclass(frozen=True)
class Retrieving:
    """What retrieval is learnt from.

    Attributes:
        encoder: says which fields are whose.
        items: the item table.
        train, valid: encoded rows; only those that were clicked are read.
        config: settings.
        ranker: the model that ranks what is retrieved; None to learn from the clicks alone.
    """

    encoder: Encoder
    items: ItemTable
    train: Dataset
    valid: Dataset
    config: LearningConfig
    ranker: PairScorer | None = None

    def side(self, ids: np.ndarray, role: FieldRole) -> np.ndarray:
        """Ids of one side of whole rows, counted within the side: int32 (rows, slots of the side)."""
        ids = without_ages(self.encoder, ids)
        return within_side(self.encoder, ids[:, self.encoder.slots_of(role)], role)

    def item_ids(self) -> np.ndarray:
        """The item table's ids, counted within the side."""
        return within_side(self.encoder, np.asarray(self.items.ids), "item")


@dataclass(frozen=True)
class RetrievalTowers:
    """What was learnt.

    Attributes:
        query: the contexts' tower, as arrays.
        items: float32 (num_items, width).
        judged_at: items that are looked at: 100, or a twentieth of all where that is fewer.
        hit_rate: share of clicked validation rows whose item is among the `judged_at` nearest of the item table.
        recall: share of the ranker's ten best of all items that are among the `judged_at` nearest, over contexts of validation rows; 0
            without a ranker.
    """

    query: dict[str, np.ndarray]
    items: np.ndarray
    judged_at: int
    hit_rate: float
    recall: float = 0.0

    def tower(self, encoder: Encoder) -> Tower:
        """The contexts' tower."""
        q = self.query
        layout = encoder.layout.side(side_fields(encoder, "context"))
        return Tower(layout, q["table"], (q["kernel-0"], q["kernel-1"]), (q["bias-0"], q["bias-1"]))


def side_fields(encoder: Encoder, role: FieldRole) -> list[int]:
    """Positions of a role's fields, ascending."""
    return [number for number, field in enumerate(encoder.fields) if field.role == role]


def within_side(encoder: Encoder, ids: np.ndarray, role: FieldRole) -> np.ndarray:
    """Ids of one side's slots, counted within the side; padding stays."""
    shift = encoder.layout.side_shift(side_fields(encoder, role))
    return np.where(ids < 0, ids, ids + shift).astype(np.int32)


def learn_retrieval(retrieving: Retrieving, told: Told) -> RetrievalTowers:
    """Train both towers on clicks, then on the ranker where there is one.

    Of each the best epoch on validation rows is kept, by hit rate and by recall, and `PATIENCE` that are no better end it.

    Args:
        retrieving: what is learnt from.
        told: hears of each epoch: its number, loss, and hit rate or recall.
    """
    training = _Training(retrieving)
    epochs = retrieving.config.retrieval.epochs
    number, kept = _best_epoch(training, training.epoch, lambda towers: towers.hit_rate, 0, epochs, told)
    if retrieving.ranker is None:
        return kept
    learner = training.from_ranker(retrieving.ranker)
    rows = np.asarray(retrieving.train.ids)
    return _best_epoch(training, lambda: learner.epoch(rows), lambda towers: towers.recall, number, epochs, told)[1]


def _best_epoch(
    training: _Training,
    epoch: Callable[[], float],
    score: Callable[[RetrievalTowers], float],
    number: int,
    epochs: int,
    told: Told,
) -> tuple[int, RetrievalTowers]:
    """Number of the last epoch, and the best towers."""
    best, idle, last = training.frozen(), 0, number
    for last in range(number + 1, number + 1 + epochs):
        loss, found = epoch(), training.frozen()
        told(last, loss, score(found))
        best, idle = (found, 0) if score(found) > score(best) else (best, idle + 1)
        if idle == PATIENCE:
            break
    return last, best


class _Training:
    def __init__(self, retrieving: Retrieving) -> None:
        config, encoder = retrieving.config, retrieving.encoder
        dim, rng = config.training.embedding_dim, generator(config.seed, "retrieve")
        self.rng, self.retrieving = rng, retrieving
        roles: tuple[FieldRole, FieldRole] = ("context", "item")
        sides = [encoder.layout.side(side_fields(encoder, role)) for role in roles]
        self.query, self.item = (TrainedTower(layout, dim, config.retrieval, rng) for layout in sides)
        self.judged_at = min(MAX_JUDGED_AT, max(1, len(retrieving.items.names) // SHARE_JUDGED_AT))
        self.corrected, self.without_repeats = SamplingProbablityCorrection(), RemoveAccidentalHits()
        self.cross_entropy = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
        self.optimizer = keras.optimizers.legacy.Adam(config.retrieval.learning_rate)
        is_click = above_middle(np.asarray(retrieving.train.labels))
        clicked = np.asarray(retrieving.train.ids)[is_click]
        self.weights = None if retrieving.train.weights is None else np.asarray(retrieving.train.weights)[is_click]
        self.contexts, self.clicked = (retrieving.side(clicked, role) for role in roles)
        _, self.names, counts = np.unique(self.clicked, axis=0, return_inverse=True, return_counts=True)
        self.names = self.names.reshape(-1)
        self.shares = (counts / len(clicked)).astype(np.float32)[self.names]
        self.recall = (
            None if retrieving.ranker is None else RankerRecall(retrieving.ranker, self.judged_rows(), len(retrieving.items.names), rng)
        )

    def judged_rows(self) -> np.ndarray:
        """Ids of clicked validation rows, or of those with labels above the middle."""
        valid = self.retrieving.valid
        rows: np.ndarray = np.asarray(valid.ids)[above_middle(np.asarray(valid.labels))]
        return rows

    def from_ranker(self, ranker: PairScorer) -> FromRanker:
        """The same towers, from now on learning from the ranker."""
        towers, rate = (self.query, self.item), self.retrieving.config.retrieval.learning_rate
        side = partial(self.retrieving.side, role="context")
        return FromRanker(towers, ranker, self.retrieving.item_ids(), side, rate, self.rng)

    @property
    def variables(self) -> list[Tensor]:
        return [*self.query.trainable_variables, *self.item.trainable_variables]

    def epoch(self) -> float:
        """One pass over the clicked rows; the mean loss of a row."""
        order = self.rng.permutation(len(self.names))
        starts = range(0, len(order), BATCH)
        batches = [order[start : start + BATCH] for start in starts]
        losses = [float(self._step(*(part[rows] for part in self._columns)).numpy()) for rows in batches]
        return float(np.sum(losses) / len(order))

    @property
    def _columns(self) -> Sequence[np.ndarray]:
        weights = () if self.weights is None else (self.weights,)
        return self.contexts, self.clicked, self.names.astype(np.int64), self.shares, *weights

    @tf.function(autograph=False, reduce_retracing=True)
    def _step(self, contexts: Tensor, items: Tensor, names: Tensor, shares: Tensor, weights: Tensor | None = None) -> Tensor:
        with tf.GradientTape() as tape:
            scores = tf.matmul(self.query(contexts), self.item(items), transpose_b=True)
            labels = tf.eye(tf.shape(scores)[0])
            logits = self.without_repeats(labels, self.corrected(scores, shares), names)
            loss = self.cross_entropy(labels, logits, weights)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.variables), self.variables, strict=True))
        return loss

    @tf.autograph.experimental.do_not_convert
    def hit_rate(self) -> float:
        """Share of clicked validation rows whose item is among the nearest of the item table."""
        ids = self.judged_rows()
        if not len(ids):
            return 0.0
        ids = ids if len(ids) <= MAX_JUDGED else ids[np.sort(self.rng.choice(len(ids), MAX_JUDGED, replace=False))]
        candidates = tf.data.Dataset.from_tensor_slices(self.vectors()).batch(4_096)
        metric = FactorizedTopK(candidates, ks=(self.judged_at,))
        metric.update_state(self.query(self.retrieving.side(ids, "context")), self.item(self.retrieving.side(ids, "item")))
        return float(metric.result()[0])

    def vectors(self) -> np.ndarray:
        """Vectors of the item table's items: float32 (num_items, width)."""
        return self.item.frozen().vectors(self.retrieving.item_ids()).astype(np.float32)

    def frozen(self) -> RetrievalTowers:
        """What was learnt so far."""
        tower, vectors = self.query.frozen(), self.vectors()
        query = {"table": tower.table} | {f"kernel-{i}": one for i, one in enumerate(tower.kernels)}
        query |= {f"bias-{i}": one for i, one in enumerate(tower.biases)}
        recall = 0.0
        if self.recall is not None:
            contexts = self.retrieving.side(self.recall.rows, "context")
            recall = self.recall.at(self.judged_at, tower.vectors(contexts), vectors)
        return RetrievalTowers(query, vectors, self.judged_at, self.hit_rate(), recall)
