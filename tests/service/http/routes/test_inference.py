"""The Open Inference Protocol, spoken by somebody else's client."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import Publish, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    http = pytest.importorskip("tritonclient.http")


@pytest.fixture
def client(live: LiveServer, publish: Publish) -> Iterator[Any]:
    """NVIDIA's client of the protocol, on a service with one model."""
    publish()
    eventually(lambda: live.http.get("/readyz").status_code == 200)
    client = http.InferenceServerClient(live.url.removeprefix("http://"))
    yield client
    client.close()


def field(name: str, values: list[str]) -> Any:
    """An input of texts."""
    tensor = http.InferInput(name, [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=object), binary_data=False)
    return tensor


def test_a_client_of_the_protocol_scores_rows(client: Any) -> None:
    """Field by field in, scores of the hand calculation out."""
    inputs = [field(name, [str(row[name] or "") for row in rows()]) for name in ("user", "genres", "movie")]
    outputs = [http.InferRequestedOutput(name, binary_data=False) for name in ("score", "group")]
    result = client.infer("films", inputs, outputs=outputs, request_id="7")
    expected = [1.0 / (1.0 + math.exp(-logit)) for user in LOGITS for logit in LOGITS[user].values()]

    np.testing.assert_allclose(result.as_numpy("score"), expected, atol=1e-6)
    assert (result.as_numpy("group").dtype, result.get_response()["id"], result.get_response()["model_version"]) == (np.int64, "7", "1")


def test_a_client_of_the_protocol_asks_what_there_is(client: Any) -> None:
    """Live, ready, metadata of server, model and version."""
    metadata = client.get_model_metadata("films", "1")

    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("films")
    assert (client.get_server_metadata()["name"], metadata["versions"], metadata["platform"]) == ("ihas", ["1"], "ihas")
    assert {"user", "movie"} <= {tensor["name"] for tensor in metadata["inputs"]}
    assert not client.is_model_ready("nothing")


def test_an_error_has_the_protocols_form(client: Any, live: LiveServer) -> None:
    """The client raises what the service said."""
    with pytest.raises(http.InferenceServerException, match="There is no model 'nothing'"):
        client.get_model_metadata("nothing")
    with pytest.raises(http.InferenceServerException, match="colour"):
        client.infer("films", [field("colour", ["red"])], outputs=[http.InferRequestedOutput("score", binary_data=False)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [2]}, "/inputs/1/shape"),
        ({"shape": [1, 2]}, "/inputs/1/shape"),
        ({"data": ["a", "b"]}, "/inputs/1/data"),
        ({"datatype": "FP8"}, "/inputs/1/datatype"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_input_that_does_not_fit_is_pointed_at(live: LiveServer, publish: Publish, change: dict[str, Any], said: str) -> None:
    """Another number of rows, two columns, more data than the shape, an unknown kind, an unknown part."""
    publish()
    first = {"name": "user", "shape": [1], "datatype": "BYTES", "data": ["ada"]}
    body = {"inputs": [first, {**first, "name": "movie", "data": ["m1"], **change}]}
    answer = live.http.post("/v2/models/films/infer", json=body)

    assert (answer.status_code, said in answer.json()["error"]) == (422, True)
