"""A transformer bundle at work: its graph scores every item after a history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.errors import BundleCorruptError
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.transformer.archive import TransformerBundle
from ihas.serving.answers import Contribution, Explanation
from ihas.serving.next_item.recommender import NextItemRecommender
from ihas.serving.onnx_graph import check_graph
from ihas.serving.onnx_runtime import onnxruntime
from ihas.serving.ranking import MAX_LOGIT

PATH = "transformer"
TOLERANCE = 1e-4


class TransformerModel:
    """The graph of a bundle as a `NextItemModel`; safe to use from several threads."""

    def __init__(self, bundle: TransformerBundle) -> None:
        """
        Raises:
            BundleCorruptError: the graph cannot be run, or does not score the bundle's items.
        """
        self.max_length, self.counts = bundle.config.max_length, bundle.data.sequences.counts(bundle.data.num_items)
        check_graph(bundle.graph, bundle.name)
        self._name = bundle.name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(bundle.graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no common class of its errors
            raise BundleCorruptError(f"The graph of bundle {bundle.name!r} cannot be run: {error}") from error
        self._scores(np.zeros((1, 1), np.int32))

    def probabilities(self, histories: Sequences) -> np.ndarray:
        """Softmax of the scores, float64 (histories, num_items); without a known item, shares of popularity.

        Unknown items, -1, are passed over.
        """
        known = [items[items >= 0][-self.max_length :] for items in histories]
        longest = max((len(items) for items in known), default=0)
        items = np.full((len(known), max(longest, 1)), -1, np.int32)
        for row, own in enumerate(known):
            items[row, : len(own)] = own
        scores = self._scores(items)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares[[not len(own) for own in known]] = self.counts + 1.0
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _scores(self, items: np.ndarray) -> np.ndarray:
        try:
            scores = np.asarray(self._session.run(["scores"], {"items": items})[0], np.float64)
        except Exception as error:  # ONNX Runtime has no common class of its errors
            raise BundleCorruptError(f"The graph of bundle {self._name!r} cannot be run: {error}") from error
        if scores.shape != (len(items), len(self.counts)):
            law = f"must score the bundle's {len(self.counts)} items, but gives scores of shape {scores.shape}"
            raise BundleCorruptError(f"The graph of bundle {self._name!r} {law}.")
        return scores


class TransformerRecommender(NextItemRecommender):
    """A `Recommender` by a transformer."""

    def __init__(self, bundle: TransformerBundle) -> None:
        """
        Args:
            bundle: verified bundle.

        Raises:
            BundleCorruptError: its golden histories are answered differently, or its graph cannot be run.
        """
        super().__init__(bundle, hide_history=bundle.config.hide_history)
        self.bundle, self.model = bundle, TransformerModel(bundle)
        bundle.golden.check(self.model, bundle.name, TOLERANCE)

    def _probabilities(self, histories: Sequences) -> np.ndarray:
        return self.model.probabilities(histories)

    def _explanations(self, history: np.ndarray, items: Sequence[int], logits: np.ndarray) -> Sequence[Explanation]:
        """A history item's contribution is the logit minus the logit of the history without it (occlusion, our choice)."""
        known = np.flatnonzero(history >= 0)[-self.model.max_length :]
        without = Sequences.of([np.delete(history[known], place) for place in range(len(known))])
        effects = logits - self._logits(list(without)) if len(known) else np.empty((0, len(logits)))
        return [self._explanation(item, history[known], effects[:, item]) for item in items]

    def _explanation(self, item: int, history: np.ndarray, effects: np.ndarray) -> Explanation:
        names = self.bundle.data.items
        sentence = f"There is no history, so popularity decides: it was taken {self.model.counts[item]:,} times."
        if len(history):
            place = int(np.argmax(effects))
            most = f"{names[history[place]]!r}, {len(history) - place} from the end, raises it most"
            sentence = f"Of {len(history)} items of the history, {most if effects[place] > 0.0 else 'none raises it'}."
        effects = np.clip(effects, -MAX_LOGIT, MAX_LOGIT)
        parts = zip(history.tolist(), effects.tolist(), strict=True)
        contributions = tuple(Contribution("history", (names[taken],), effect) for taken, effect in parts)
        return Explanation(sentence, (0.0,), None, None, PATH, 0, {}, {}, contributions)
