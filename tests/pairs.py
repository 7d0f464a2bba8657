"""What a truncated SVD makes of pairs of user and item, to compare with."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from ihas.data.dataset import Dataset
from ihas.metrics import auc


def svd_auc(train: Dataset, rows: Dataset, rank: int) -> float:
    """AUC on `rows` of the user-by-item matrix of clicks (1) and others (-1), the first two fields, cut down to `rank`."""
    layout = train.layout
    first = np.asarray(layout.first_rows)
    users, items = (train.ids[:, field] - first[field] for field in (0, 1))
    signs = csr_matrix((2.0 * train.labels - 1.0, (users, items)), shape=tuple(layout.vocabulary_sizes[:2]))
    found = TruncatedSVD(rank, random_state=0)
    left = found.fit_transform(signs)
    scores = (left[rows.ids[:, 0] - first[0]] * found.components_.T[rows.ids[:, 1] - first[1]]).sum(axis=1)
    return auc(scores, rows.labels) or 0.0
