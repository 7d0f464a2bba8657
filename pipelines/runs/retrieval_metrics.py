"""Does retrieval let through what the served model would put first?

recall at n = mean over contexts of |best 10 of all items, by the model, among the n retrieved| / 10
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.bundle.values import Bundle, Retrieval
from ihas.data.ages import without_ages
from ihas.data.dataset import Dataset
from ihas.graded_metrics import above_middle
from ihas.results.run_result import RetrievalMetrics
from ihas.seeding import generator
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.model import GroupedModel
from ihas.serving.retrieval.retriever import Retriever
from ihas.serving.retrieval.vector_index import largest

CONTEXTS = 200
BEST = 10
NUMBERS = (10, 100, 500, 1_000)


def measure_retrieval(
    bundle: Bundle, test: Dataset, seed: int, max_best: int = BEST, numbers: Sequence[int] = NUMBERS
) -> RetrievalMetrics | None:
    """Metrics of a bundle's retrieval on contexts of test rows, of which clicks are read too; None for a bundle without.

    Args:
        seed: of the choice of contexts, where there are many.
        max_best: items of each context that are looked for among the retrieved.
        numbers: of items retrieved, in order; those below the number of items are looked at, and all items where none is.
    """
    if bundle.retrieval is None or bundle.items is None:
        return None
    rows = _clicked(test, seed)
    count = len(bundle.items.names)
    numbers = tuple(number for number in numbers if number < count) or (count,)
    seen = _looked_at(bundle, bundle.retrieval, rows, max_best, numbers[-1])
    best, places, own = (np.array(part) for part in zip(*seen, strict=True))
    return RetrievalMetrics(
        items=count,
        contexts=len(rows),
        best=best.shape[1],
        retrieved=numbers,
        recall=tuple(float(np.mean([np.isin(b, p[:n]).mean() for b, p in zip(best, places, strict=True)])) for n in numbers),
        click_recall=tuple(float(np.mean([np.isin(o, p[:n]).all() for o, p in zip(own, places, strict=True)])) for n in numbers),
    )


def _clicked(test: Dataset, seed: int) -> np.ndarray:
    """Ids of some clicked test rows, or of those with labels above the middle."""
    rows = np.flatnonzero(above_middle(np.asarray(test.labels)))
    if len(rows) > CONTEXTS:
        rows = np.sort(generator(seed, "retrieval figures").choice(rows, CONTEXTS, replace=False))
    return np.asarray(test.ids)[rows]


def _looked_at(
    bundle: Bundle, retrieval: Retrieval, rows: np.ndarray, max_best: int, most: int
) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Of each row: the model's best items, the retrieved ones, and the item table's row that is encoded as its item, -1 for none."""
    items = bundle.items
    if items is None:
        return []
    model, retriever = CandidateModel(GroupedModel(bundle), bundle, items), Retriever(bundle, retrieval)
    every = np.arange(len(items.names))
    position = {row.tobytes(): number for number, row in reversed(list(enumerate(np.ascontiguousarray(items.ids))))}
    rows = without_ages(bundle.encoder, rows)
    context, item = bundle.encoder.slots_of("context"), bundle.encoder.slots_of("item")
    return [
        (
            largest(model.score(row[context], every).logits, max_best),
            retriever.retrieve(row[context], most, every),
            position.get(np.ascontiguousarray(row[item]).tobytes(), -1),
        )
        for row in rows
    ]
