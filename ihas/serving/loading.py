"""From a folder to a recommender that may serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ihas.bundle.archive import read_bundle
from ihas.serving.golden import check_golden
from ihas.serving.recommender import GroupedRecommender


def load_recommender(folder: Path) -> GroupedRecommender:
    """Read a bundle, verify every byte, and let it answer its golden rows, which also warms it up.

    Raises:
        BundleError: there is no bundle.
        BundleCorruptError: a file changed, the parts do not fit each other, or the golden rows score differently.
        BundleVersionError: written in a format that this version does not read.
    """
    _keep_freed_memory()
    bundle = read_bundle(folder)
    recommender = GroupedRecommender(bundle)
    check_golden(recommender, bundle.golden)
    return recommender


def _keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next request instead of handing it back to the system.

    Freeing one large block raises glibc's thresholds to its size (mallopt(3), M_MMAP_THRESHOLD). Without this, page faults are
    a third of the time that 500 candidates take.
    """
    np.empty(24 * 2**20, np.uint8)
