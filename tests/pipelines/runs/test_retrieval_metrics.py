"""How much of the best retrieval lets through, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.dataset import Dataset
from ihas_pipelines.runs.retrieval_metrics import measure_retrieval
from tests.ihas.bundle_factory import rows, small_bundle
from tests.ihas.serving.retrieval.test_retriever import retrieving_bundle


def clicks() -> Dataset:
    """Ada clicked m1 and m2, bob m3; what else was shown was not clicked."""
    encoder = small_bundle().encoder
    labels = np.array([1, 1, 0, 0, 0, 1], np.float32)
    return Dataset(encoder.layout, encoder.encode_rows(rows(), encoder.layout.names), labels)


@pytest.mark.parametrize(("max_best", "recall"), [(1, (1 / 3, 1 / 3)), (2, (0.5, 0.5))])
def test_recall_is_the_share_of_the_best_among_the_retrieved(max_best: int, recall: tuple[float, float]) -> None:
    """The model puts m1, m2, m3 in this order for both. Ada's nearest are m2, m3, m1 and bob's m1, m3, m2. Of one retrieved item, ada's is
    not the best and bob's is; of two neither changes. Of the two best, each has one among one, and one among two."""
    figures = measure_retrieval(retrieving_bundle(), clicks(), 0, max_best, (1, 2, 3, 4))

    assert figures is not None
    assert (figures.items, figures.contexts, figures.best, figures.retrieved) == (3, 3, max_best, (1, 2))
    assert figures.recall == pytest.approx(recall)


def test_click_recall_is_the_share_of_clicked_items_among_the_retrieved() -> None:
    """Of one item retrieved, ada's m2 was clicked; of two, bob's m3 is among them too; ada's m1 is in neither."""
    figures = measure_retrieval(retrieving_bundle(), clicks(), 0, 1, (1, 2))

    assert figures is not None
    assert figures.click_recall == pytest.approx((1 / 3, 2 / 3))


def test_among_all_items_nothing_is_lost() -> None:
    """Where there are fewer items than any number that is looked at."""
    figures = measure_retrieval(retrieving_bundle(), clicks(), 0)

    assert figures is not None
    assert (figures.retrieved, figures.recall, figures.click_recall) == ((3,), (1.0,), (1.0,))
