"""How high the served model ranks what users took in test rows, among all items and not among drawn ones.

rank of a test row's item = 1 + number of items that score higher in the row's context, those left out that the user took otherwise;
equal scores count half. Source: leave-out ranking without sampled metrics, Krichene and Rendle 2020.
"""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import Bundle
from ihas.data.storage import Ingested
from ihas.results.run_result import CatalogueRanking
from ihas.seeding import generator
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.model import GroupedModel

MAX_ROWS, MAX_SCORES = 500, 5_000_000
NUMBERS = (10, 50, 100)


def measure_ranking(bundle: Bundle, data: Ingested, seed: int) -> CatalogueRanking | None:
    """Ranks of some positive test rows, at most `MAX_ROWS` and `MAX_SCORES` scores; None unless negatives were drawn.

    Args:
        bundle: what is served.
        data: its table.
        seed: of the choice of rows, where there are many.
    """
    items, users, keys = bundle.items, data.users, data.keys.get("test")
    if data.schema.negatives is None or items is None or users is None or keys is None:
        return None
    rows, shown = _positive_rows(np.asarray(data.parts.test.labels), len(items.names), seed), np.asarray(keys.items)
    model, every = CandidateModel(GroupedModel(bundle), bundle, items), np.arange(len(items.names))
    slots = bundle.encoder.slots_of("context")
    ranks, popular = np.full(len(rows), np.inf), np.full(len(rows), np.inf)
    for number, row in enumerate(rows.tolist()):
        item, user = int(shown[row]), int(keys.users[row])
        if item < 0:
            continue
        left = np.ones(len(every), bool)
        if user < len(users.names):
            left[users.clicked(user)] = False
        left[item] = True
        scores = model.score(np.asarray(data.parts.test.ids[row])[slots], every).logits
        ranks[number], popular[number] = _rank(scores, item, left), _rank(items.popularity, item, left)
    return CatalogueRanking(
        items=len(every),
        rows=len(rows),
        unknown_items=int((shown[rows] < 0).sum()),
        numbers=NUMBERS,
        recall=tuple(float((ranks <= n).mean()) for n in NUMBERS),
        ndcg=tuple(float(np.where(ranks <= n, 1.0 / np.log2(ranks + 1.0), 0.0).mean()) for n in NUMBERS),
        popularity_recall=tuple(float((popular <= n).mean()) for n in NUMBERS),
    )


def _positive_rows(labels: np.ndarray, num_items: int, seed: int) -> np.ndarray:
    rows, most = np.flatnonzero(labels > 0.5), max(1, min(MAX_ROWS, MAX_SCORES // num_items))
    return rows if len(rows) <= most else np.sort(generator(seed, "ranking").choice(rows, most, replace=False))


def _rank(scores: np.ndarray, item: int, left: np.ndarray) -> float:
    """1 + items left of a higher score + half of those of the same."""
    others = scores[left]
    return float(1.0 + (others > scores[item]).sum() + ((others == scores[item]).sum() - 1) / 2.0)
