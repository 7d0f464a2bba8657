"""Two stages: of too many items, retrieval chooses those that the groups' models then score.

    chosen = the n items with the largest q(context) . v_item
    n = max(1,000, 10 k), 4 times as many under `diversity`, never more than 10,000

Exclusions and filters are applied before, so that none of the n is wasted. The rule is our choice.
"""

from __future__ import annotations

import numpy as np

from ihas.bundle.values import Bundle, Retrieval
from ihas.errors import BundleCorruptError
from ihas.serving.answers import RecommendRequest
from ihas.serving.requests import MAX_ROWS
from ihas.serving.retrieval.vector_index import MAX_EXACT, vector_index

LEAST = 1_000
PER_ANSWER = 10
FOR_DIVERSITY = 4
TOLERANCE = 1e-4


class Retriever:
    """The retrieval of a bundle at work."""

    def __init__(self, bundle: Bundle, retrieval: Retrieval, max_exact: int = MAX_EXACT) -> None:
        """
        Args:
            bundle: verified bundle.
            retrieval: its retrieval.
            max_exact: items that are searched exactly.

        Raises:
            BundleCorruptError: golden rows' contexts get other vectors than recorded.
        """
        self._tower, self._shift = retrieval.query, bundle.encoder.layout.side_shift(bundle.context_fields)
        self._index = vector_index(retrieval.items, max_exact)
        self.method, self.num_items = self._index.method, len(retrieval.items)
        self.multiply_adds = retrieval.items.size
        golden = self._vectors(bundle.golden.ids[:, bundle.encoder.slots_of("context")])
        if not np.allclose(golden, retrieval.golden, rtol=TOLERANCE, atol=TOLERANCE):
            raise BundleCorruptError(
                f"Golden rows' contexts must get their recorded vectors, within {TOLERANCE}, but the largest difference is "
                f"{np.abs(golden - retrieval.golden).max():.3g}. Write the bundle anew from its run."
            )

    def wanted(self, request: RecommendRequest, left: int) -> int | None:
        """Items to retrieve for a request that chooses among `left` items; None where all are to be scored."""
        if request.candidates is not None or (request.retrieve is None and left <= MAX_ROWS):
            return None
        usual = max(LEAST, PER_ANSWER * request.k) * (1 if request.diversity is None else FOR_DIVERSITY)
        number = min(MAX_ROWS, usual if request.retrieve is None else request.retrieve)
        return number if number < left else None

    def retrieve(self, context: np.ndarray, number: int, left: np.ndarray) -> np.ndarray:
        """Items to score, nearest first: int64 (at most number,).

        Args:
            context: int32 (slots of the context fields,).
            number: most items.
            left: int64. Positions of the items that may be chosen.
        """
        mask: np.ndarray | None = None
        if len(left) < self.num_items:
            mask = np.zeros(self.num_items, bool)
            mask[left] = True
        return self._index.search(self._vectors(context[None])[0], number, mask)

    def _vectors(self, contexts: np.ndarray) -> np.ndarray:
        return self._tower.vectors(np.where(contexts < 0, contexts, contexts + self._shift).astype(np.int32))
