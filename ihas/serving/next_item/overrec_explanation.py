"""Why an item was recommended after a history: who voted for it, and which items of the history brought them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.model import OverRec
from ihas.sequential.overrec.neighbours import Neighbours
from ihas.serving.answers import Contribution, Explanation

PATH = "overrec"


class Reasons:
    """Explanations of one model's answers."""

    def __init__(self, names: Sequence[str], model: OverRec) -> None:
        self._names, self._model = names, model

    def of(self, history: np.ndarray, items: Sequence[int], logits: np.ndarray) -> list[Explanation]:
        """Explanation of each item.

        A history item's contribution is the logit minus the logit with that item unknown (occlusion, our choice).

        Args:
            history: int32 (length,). Unknown items are -1.
            items: the items to explain.
            logits: float64 (num_items,). What the items scored.
        """
        recent = history[-self._model.config.max_length :]
        known = np.flatnonzero(recent >= 0)
        effects = logits - self._occluded(recent, known)
        neighbours = self._model.neighbours(Sequences.of([recent])) if len(recent) else None
        return [self._explanation(item, recent, known, effects[:, item], neighbours) for item in items]

    def _occluded(self, history: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Logits with one known item of the history unknown at a time: float64 (known, num_items)."""
        copies = np.repeat(history[None, :], len(known), axis=0)
        copies[np.arange(len(known)), known] = -1
        shares = self._model.probabilities(Sequences.of(copies))
        return np.asarray(np.log(shares) - np.log1p(-shares))

    def _explanation(
        self, item: int, history: np.ndarray, known: np.ndarray, effects: np.ndarray, neighbours: Neighbours | None
    ) -> Explanation:
        parts = zip(known.tolist(), effects.tolist(), strict=True)
        return Explanation(
            sentence=self._sentence(item, history, neighbours),
            distances=(0.0,),
            runner_up=None,
            margin=None,
            path=PATH,
            dim=0,
            gates_open={},
            kept_dims={},
            contributions=tuple(Contribution("history", (self._names[history[place]],), effect) for place, effect in parts),
        )

    def _sentence(self, item: int, history: np.ndarray, neighbours: Neighbours | None) -> str:
        taken = f"it was taken {self._model.counts[item]:,} times"
        if not len(history):
            return f"There is no history, so popularity decides: {taken}."
        if neighbours is None:
            return "Its score is the kernel ridge regression's, in which every prefix that was drawn takes part."
        voters = neighbours.targets[0] == item
        count = int((neighbours.targets[0] >= 0).sum())
        if not voters.any():
            return f"None of the {count} nearest histories went on with it, so popularity decides: {taken}."
        share = neighbours.values[0][voters].sum() / neighbours.values[0].sum()
        place = int(np.argmax(voters)) + 1
        return f"{voters.sum()} of the {count} nearest histories, {share:.0%} by weight, went on with it; the nearest is number {place}."
