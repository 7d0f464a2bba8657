"""JSON bodies: read whole, counted before anything is made of them, checked outside the event loop where they are large.

What a body costs is bounded by its route's policy: its bytes while it comes, its values before it is decoded. Lists that are too long are
refused before their entries are checked, and of what is wrong at most `MAX_TOLD` parts are told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec
from annotated_types import MaxLen
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive

from ihas_service.http.policy import EXTENSION, FEW_VALUES, KIB
from ihas_service.http.problems import INVALID_BODY, InvalidBody

INLINE_BYTES = 32 * KIB
"""Bytes that are decoded, checked and computed with in the event loop, which takes less time than to find a thread."""
TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
Model = TypeVar("Model", bound=BaseModel)
DECODER = msgspec.json.Decoder()


async def whole_body(receive: Receive) -> bytes:
    """The body of a request (ASGI), joined once.

    Raises:
        ClientDisconnect: the client left before it was whole.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        pieces = [body]
        while message.get("more_body", False):
            message = await receive()
            pieces.append(message.get("body", b""))
        body = b"".join(pieces)
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return body


def check_values(body: bytes, limit: int) -> None:
    """Refuse a JSON body of too many values before it is decoded.

    Raises:
        HTTPException: it holds more than `limit`.
    """
    if len(body) > limit and _separators(body) > limit and _separators(TEXT.sub(b"", body)) > limit:
        detail = f"The body holds more than {limit:,} values, the limit of this route. Send less at once."
        raise HTTPException(413, detail, {"connection": "close"})


def _separators(body: bytes) -> int:
    """Values of a JSON text that holds no strings, up to one; never fewer than there are."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def decoded(body: bytes) -> Any:
    """The document that a JSON body holds; lone surrogates, NaN and numbers beyond all bounds are not JSON.

    Raises:
        HTTPException: it is not JSON.
    """
    try:
        return DECODER.decode(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from error


class JsonRoute(APIRoute):
    """A route whose JSON body is read, counted and checked by this module; what is right it hands on as the type that it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute.get_route_handler`."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        kind = self.body_field.field_info.annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        extra: Mapping[str, Any] = self.openapi_extra or {}
        limit = int(extra.get(EXTENSION, {}).get("max_values", FEW_VALUES))

        async def handle_read(request: Request) -> Response:
            return await handle(JsonRequest(request, model, limit))

        return handle_read


class JsonRequest(Request):
    """A request whose JSON is checked against a model as it is read."""

    def __init__(self, request: Request, model: type[BaseModel] | None, max_values: int) -> None:
        super().__init__(request.scope, request.receive)
        self._model, self._max_values = model, max_values

    async def json(self) -> Any:
        """The model; where the body is none, an empty tuple, and what is wrong in `state`.

        Raises:
            HTTPException: it is not JSON, or holds too many values.
        """
        body = await self.body()
        return self._read(body) if len(body) <= INLINE_BYTES else await run_in_threadpool(self._read, body)

    def _read(self, body: bytes) -> Any:
        check_values(body, self._max_values)
        document = decoded(body)
        if self._model is None:
            return document
        found = checked(self._model, document)
        if not isinstance(found, InvalidBody):
            return found
        self.scope.setdefault("state", {})[INVALID_BODY] = found
        return ()  # FastAPI takes other objects by their attributes, and would find all defaults; no model is read from a tuple


def checked(model: type[Model], document: Any) -> Model | InvalidBody:
    """The document as a model; where it is none, what is wrong with it, lengths of lists before their entries."""
    too_long = _too_long(model, document) if isinstance(document, dict) else []
    if too_long:
        return InvalidBody.of(too_long)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        return InvalidBody.of(error.errors(include_url=False))


def _too_long(model: type[BaseModel], document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Lists that hold more than the model takes."""
    found: list[Mapping[str, Any]] = []
    for name, field in model.model_fields.items():
        longest = min((rule.max_length for rule in field.metadata if isinstance(rule, MaxLen)), default=None)
        value = document.get(name)
        if longest is not None and isinstance(value, list) and len(value) > longest:
            message = f"`{name}` must have at most {longest:,} entries, but has {len(value):,}."
            found.append({"loc": (name,), "msg": message, "type": "too_long"})
    return found
