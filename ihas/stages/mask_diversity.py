"""Do the masks differ between instances? A search that gives all of them one mask is a static search.

mean variance        mean_i m_i (1 - m_i),  m_i = mean_b z_bi
mutual information   mean_i H(mean_b pi_bi) - mean_bi H(pi_bi)
"""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Dataset
from ihas.results.run_result import Diversity
from ihas.routing.router import Gates, embed

MAX_ROWS = 20_000


def mask_diversity(rows: Dataset, table: np.ndarray, gates: Gates) -> Diversity:
    """Statistics of the gates on the first `MAX_ROWS` rows: table float32 (num_rows, dim)."""
    logits = gates.logits(embed(np.asarray(rows.ids[:MAX_ROWS]), table, rows.layout)).astype(np.float64)
    masks, pi = logits > 0.0, 0.5 * (1.0 + np.tanh(0.5 * logits))
    share = masks.mean(axis=0)
    return Diversity(
        rows=len(masks),
        distinct_masks=len(np.unique(np.packbits(masks, axis=1), axis=0)),
        kept_fraction=float(masks.mean()),
        mean_variance=float((share * (1.0 - share)).mean()),
        mutual_information=max(0.0, float(_entropy(pi.mean(axis=0)).mean() - _entropy(pi).mean())),
    )


def _entropy(pi: np.ndarray) -> np.ndarray:
    pi = np.clip(pi, 1e-12, 1.0 - 1e-12)
    return np.asarray(-pi * np.log(pi) - (1.0 - pi) * np.log1p(-pi))
