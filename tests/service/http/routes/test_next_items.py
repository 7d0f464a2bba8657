"""A transformer bundle over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.transformer import TransformerConfig
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.transformer.archive import write_transformer
from ihas.sequential.transformer.export import TrainedModel, export_transformer
from ihas.sequential.transformer.model import Transformer
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.tf

DATA = UserSequences(("ada", "bob"), ("a", "b", "c", "d"), Sequences.of([[0, 1], [3, 1, 0]]))
NETWORK = Transformer(4, TransformerConfig(max_length=4, num_layers=1, dim=4), np.random.default_rng(3))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformer, written where `publish` takes bundles from."""
    folder = tmp_path_factory.mktemp("transformer") / "bundle"
    write_transformer(export_transformer(NETWORK, DATA, "films", {}), folder)
    return folder


def test_recommends_what_comes_next(live: LiveServer, publish: Publish) -> None:
    """From a history in the request, and from that of a known user, the items not yet taken come back, by the network's own scores."""
    publish()
    shares = TrainedModel(NETWORK).probabilities(Sequences.of([[0, 1]]))[0]
    expected = [DATA.items[item] for item in sorted((2, 3), key=lambda item: -shares[item])]
    for context in ({"history": ["a", "b"]}, {"user": "ada"}):
        request: dict[str, Any] = {"context": context, "k": 5, "explain": True}
        answer = live.json("POST", "/v1/models/films/recommend", json=request)
        assert [item["id"] for item in answer["items"]] == expected
        assert [item["score"] for item in answer["items"]] == pytest.approx(sorted(shares[[2, 3]], reverse=True), rel=1e-4)
        assert len(answer["items"][0]["explanation"]["contributions"]) == 2
