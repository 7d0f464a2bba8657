"""An OverRec bundle at work: the nearest histories vote, and their votes are explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ihas.sequential.data.additions import with_interactions
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.archive import OverRecBundle, checked_model, write_overrec
from ihas.serving.answers import Explanation
from ihas.serving.capabilities import AppendsInteractions, ColdStartModel
from ihas.serving.next_item.overrec_explanation import Reasons
from ihas.serving.next_item.recommender import NextItemRecommender


class OverRecRecommender(NextItemRecommender):
    """A `Recommender` by nearest histories."""

    def __init__(self, bundle: OverRecBundle) -> None:
        """
        Args:
            bundle: verified bundle.

        Raises:
            BundleCorruptError: its golden histories are answered differently.
        """
        super().__init__(bundle, hide_history=bundle.config.hide_history)
        self.bundle, self.model = bundle, checked_model(bundle)
        self._reasons = Reasons(bundle.data.items, self.model)

    @property
    def interactions(self) -> AppendsInteractions:
        """See `Recommender.interactions`."""
        return self

    @property
    def cold_start(self) -> ColdStartModel:
        """See `Recommender.cold_start`."""
        return self

    def with_interactions(self, name: str, pairs: Sequence[tuple[str, str]], note: Mapping[str, Any]) -> Callable[[Path], None]:
        """See `AppendsInteractions.with_interactions`."""
        data = with_interactions(self.bundle.data, pairs)
        bundle = OverRecBundle.of(name, data, self.bundle.config, {**self.bundle.summary, "added": dict(note)})
        return partial(write_overrec, bundle)

    def _probabilities(self, histories: Sequences) -> np.ndarray:
        return self.model.probabilities(histories)

    def _explanations(self, history: np.ndarray, items: Sequence[int], logits: np.ndarray) -> Sequence[Explanation]:
        return self._reasons.of(history, items, logits)
