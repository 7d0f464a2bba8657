"""A transformer bundle, written, read and served."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.transformer import TransformerConfig
from ihas.errors import BundleCorruptError
from ihas.sequential.data.batches import padded
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.transformer.archive import TransformerBundle, read_transformer, write_transformer
from ihas.sequential.transformer.export import TrainedModel, export_transformer
from ihas.sequential.transformer.full_ranking import score_blocks
from ihas.sequential.transformer.model import Transformer
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas.serving.next_item.transformer import TransformerModel, TransformerRecommender
from tests.contracts.recommender import RecommenderContract

pytestmark = pytest.mark.tf

DATA = UserSequences(("ada", "bob", "7"), ("a", "b", "c", "4"), Sequences.of([[0, 1, 2], [3, 1, 0, 1, 2], [2, 0]]))


def _network() -> Transformer:
    network, rng = (
        Transformer(4, TransformerConfig(max_length=3, num_layers=1, dim=8, num_heads=2), np.random.default_rng(0)),
        np.random.default_rng(1),
    )
    for variable in network.named_variables().values():
        variable.assign_add(rng.normal(0.0, 0.3, variable.shape).astype(np.float32))
    return network


@pytest.fixture(scope="module")
def bundle() -> TransformerBundle:
    """A network with weights of its own."""
    return export_transformer(_network(), DATA, "walks", {"found": 1})


class TestTransformerRecommender(RecommenderContract):
    """The contract, on requests that leave no item out."""

    @pytest.fixture
    def recommender(self, bundle: TransformerBundle) -> TransformerRecommender:
        """At work, with items of the history shown as the contract expects."""
        shown = bundle.config.model_copy(update={"hide_history": False})
        return TransformerRecommender(dataclasses.replace(bundle, config=shown))

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """None."""
        return set()

    @pytest.fixture
    def rows(self) -> list[dict[str, Any]]:
        """A stated history, a user's, and none."""
        return [{"history": ["a"], "item": "b"}, {"user": "ada", "item": "c"}, {"item": 4}]

    @pytest.fixture
    def context(self) -> dict[str, Any]:
        """A history."""
        return {"history": ["4", "a"]}

    @pytest.fixture
    def unknown_context(self) -> dict[str, Any]:
        """A user who took nothing."""
        return {"user": "eve"}

    @pytest.fixture
    def items(self) -> list[str]:
        """All items."""
        return ["a", "b", "c", "4"]


def test_serves_what_was_trained(bundle: TransformerBundle, tmp_path: Path) -> None:
    """Written, read and served by ONNX Runtime, every history's probabilities are the network's; histories are cut to the last three."""
    write_transformer(bundle, tmp_path / "bundle")
    served = load_recommender(tmp_path / "bundle")
    assert isinstance(served, TransformerRecommender)
    assert (served.name, served.summary, served.bundle.config) == ("walks", {"found": 1}, bundle.config)
    histories = Sequences.of([[0], [1, 2], [3, 2, 1, 0]])
    np.testing.assert_allclose(served.model.probabilities(histories), TrainedModel(_network()).probabilities(histories), rtol=1e-4)
    np.testing.assert_allclose(served.model.probabilities(histories)[2], served.model.probabilities(Sequences.of([[2, 1, 0]]))[0])


def test_hides_the_history(bundle: TransformerBundle) -> None:
    """Items of the history, stated or the user's own, are not recommended; the best of the others is."""
    recommender = TransformerRecommender(bundle)
    shares = recommender.model.probabilities(Sequences.of([[0, 1]]))[0]
    found = recommender.recommend(RecommendRequest({"history": ["a", "b"]}))
    assert [item.id for item in found.items] == [DATA.items[i] for i in sorted((2, 3), key=lambda i: -shares[i])]
    assert [item.id for item in recommender.recommend(RecommendRequest({"user": "ada"})).items] == ["4"]


def test_without_history_popularity_decides(bundle: TransformerBundle) -> None:
    """Nobody's history is ordered by how often items were taken: b and c three times each... by counts plus one."""
    model = TransformerModel(bundle)
    assert model.probabilities(Sequences.of([[], [-1]])) == pytest.approx(np.tile(np.array([4, 4, 4, 2]) / 14, (2, 1)))


def test_unknown_items_are_passed_over(bundle: TransformerBundle) -> None:
    """A history with an unknown item is answered as without it."""
    model = TransformerModel(bundle)
    np.testing.assert_array_equal(model.probabilities(Sequences.of([[0, -1, 2]])), model.probabilities(Sequences.of([[0, 2]])))


def test_contributions_are_what_leaving_out_changes(bundle: TransformerBundle) -> None:
    """The part of each history item is the logit with it minus the logit without it."""
    recommender = TransformerRecommender(bundle)
    item = recommender.recommend(RecommendRequest({"history": ["a", "b"]}, k=1, explain=True)).items[0]
    row = {"history": ["a", "b"], "item": item.id}
    whole = recommender.score([row])[0].logit
    expected = [whole - recommender.score([row | {"history": [left]}])[0].logit for left in ("b", "a")]
    assert item.explanation is not None
    assert [part.logit for part in item.explanation.contributions] == pytest.approx(expected, rel=1e-6)


def test_scores_in_blocks_are_scores(bundle: TransformerBundle) -> None:
    """Every history is scored once, whatever its length, as it is alone."""
    network, histories = _network(), Sequences.of([[0, 1, 2, 3], [1], [2, 3]])
    found = dict(pair for rows, scores in score_blocks(network, histories) for pair in zip(rows.tolist(), scores, strict=True))
    for row, items in enumerate(histories):
        alone = network.scores(padded(Sequences.of([items]), 3)).numpy()[0]
        np.testing.assert_allclose(found[row], alone, rtol=1e-5, atol=1e-5)


def test_a_changed_graph_is_refused(bundle: TransformerBundle, tmp_path: Path) -> None:
    """A graph that answers otherwise, that scores other items, or that is none, is not served."""
    other = export_transformer(Transformer(4, bundle.config, np.random.default_rng(5)), DATA, "walks", {})
    fewer = export_transformer(
        Transformer(3, bundle.config, np.random.default_rng(5)), UserSequences(("x",), ("a", "b", "c"), Sequences.of([[0, 1]])), "w", {}
    )
    for graph, law in (
        (other.graph, "answered as recorded"),
        (fewer.graph, "must score the bundle's 4 items"),
        (b"no graph", "cannot be run"),
    ):
        with pytest.raises(BundleCorruptError, match=law):
            TransformerRecommender(dataclasses.replace(bundle, graph=graph))
    write_transformer(bundle, tmp_path / "bundle")
    (tmp_path / "bundle" / "graph.onnx").write_bytes(other.graph)
    with pytest.raises(BundleCorruptError):
        read_transformer(tmp_path / "bundle")
