"""`python -m ihas_pipelines.benchmarks.reference_server`: reads a request, scores whole rows in one way, answers, and does nothing else.

Plain Starlette routes, msgspec, no log, no metrics, no problem documents: the lower bound of the cost of such a service.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ihas.bundle.archive import read_bundle
from ihas.bundle.values import Bundle
from ihas.serving.answers import RecommendRequest
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.ranking import best, probabilities
from ihas_pipelines.benchmarks.scorers import SCORERS, Scorer

EMPTY = "empty"


class Rows(msgspec.Struct):
    """Rows to score."""

    rows: list[dict[str, Any]]


class Answers:
    """Answers of one scorer."""

    def __init__(self, bundle: Bundle, scorer: Scorer) -> None:
        if bundle.items is None:
            raise ValueError("A bundle of a benchmark must have an item table.")
        self._bundle, self._scorer, self._items = bundle, scorer, bundle.items
        self._catalogue = Catalogue(bundle.items)
        self._rows, self._recommend = msgspec.json.Decoder(Rows), msgspec.json.Decoder(RecommendRequest)
        self._slots = bundle.encoder.slots_of("context"), bundle.encoder.slots_of("item")

    def score(self, body: bytes) -> Any:
        """One probability per row."""
        return probabilities(self._scorer(self._bundle.encoder.encode_rows(self._rows.decode(body).rows))).tolist()

    def recommend(self, body: bytes) -> Any:
        """The best ten of the candidates, scored as whole rows."""
        asked = self._recommend.decode(body)
        context = self._bundle.encoder.encode_row(asked.context, self._bundle.encoder.names_of("context"))
        positions = self._catalogue.choose(asked.candidates, ()).positions
        ids = np.empty((len(positions), self._bundle.encoder.layout.num_slots), np.int32)
        ids[:, self._slots[0]], ids[:, self._slots[1]] = context, self._items.ids[positions]
        logits = self._scorer(ids)
        order = best(logits, lambda row: self._items.names[positions[row]], asked.k)
        return list(zip((self._items.names[item] for item in positions[order]), probabilities(logits[order]).tolist(), strict=True))


class Endpoint:
    """An ASGI endpoint: body in, JSON out."""

    def __init__(self, answer: Any) -> None:
        self._answer, self._encoder = answer, msgspec.json.Encoder()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = self._encoder.encode(self._answer(await Request(scope, receive).body()))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main(
    bundle: Annotated[Path, typer.Option(help="Bundle to answer from.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")],
    scorer: Annotated[str, typer.Option(help=f"Scorer: {', '.join((EMPTY, *SCORERS))}.")],
) -> None:
    """Serve one scorer until ended."""
    if scorer not in (EMPTY, *SCORERS):
        raise typer.BadParameter(f"A scorer must be one of {', '.join((EMPTY, *SCORERS))}, but got {scorer!r}.")
    routes = [Route("/empty", Endpoint(lambda _: {"scores": []}), methods=["POST"])]
    if scorer != EMPTY:
        _one_thread(scorer)
        read = read_bundle(bundle)
        answers = Answers(read, SCORERS[scorer](read))
        routes.append(Route("/score", Endpoint(answers.score), methods=["POST"]))
        routes.append(Route("/recommend", Endpoint(answers.recommend), methods=["POST"]))
    gc.freeze()
    config = uvicorn.Config(Starlette(routes=routes), port=port, loop="uvloop", http="httptools", access_log=False, log_level="error")
    asyncio.run(uvicorn.Server(config).serve())


def _one_thread(scorer: str) -> None:
    if scorer != "onnxruntime":
        from ihas.legacy_keras import tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    typer.run(main)
