"""What the generated API description lacks: problem documents, examples, and the bodies that msgspec reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from ihas_service.http.examples.searches import ANSWERS, BODIES, PROBLEM
from ihas_service.http.problems import MEDIA_TYPE, PROTOCOL, Problem
from ihas_service.http.schemas.inference import InferenceRequest

REFERENCE = "#/components/schemas/{name}"
TITLE = "iHAS"
SUMMARY = "Search embedding dimensions per instance, group the instances, serve one model per group."


def body_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A route's description of a body that msgspec reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _reference(kind)}}}}


def json_answer(kind: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """A route's description of an answer that msgspec writes."""
    return {200: {"content": {"application/json": {"schema": _reference(kind)}}}}


def describe(app: FastAPI, described: Sequence[BaseRoute], structures: Iterable[type[msgspec.Struct]]) -> dict[str, Any]:
    """The description of `app`, made once.

    Args:
        app: the application.
        described: routes that FastAPI describes and others answer.
        structures: what msgspec reads and writes.
    """
    if app.openapi_schema is None:
        schema = get_openapi(title=TITLE, version=app.version, summary=SUMMARY, routes=[*app.routes, *described])
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        _, structured = msgspec.json.schema_components(structures, ref_template=REFERENCE)
        documents: list[tuple[type[BaseModel], Literal["serialization", "validation"]]] = []
        documents += [(Problem, "serialization"), (InferenceRequest, "validation")]
        _, problems = models_json_schema(documents, ref_template=REFERENCE.format(name="{model}"))
        clash = structured.keys() & schemas.keys()
        if clash:
            raise RuntimeError(f"What msgspec and pydantic describe must have different names, but both have {sorted(clash)}. Rename one.")
        schemas |= structured | problems["$defs"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _show_examples(operation, (method, path))
                _say_problems(operation, path)
                _leave_out_absence(operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _show_examples(operation: dict[str, Any], route: tuple[str, str]) -> None:
    """Add the examples of a route; routes of extensions have none here."""
    bodies = operation.get("requestBody", {}).get("content", {}).values() if route in BODIES else ()
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")] if route in ANSWERS else []
    for content in bodies:
        content["example"] = BODIES[route]
    for content in (one for answer in answers for one in answer["content"].values()):
        content["example"] = ANSWERS[route]


def _leave_out_absence(operation: dict[str, Any]) -> None:
    """A parameter that may be left out is never the word `null`."""
    for parameter in operation.get("parameters", ()):
        kinds = [kind for kind in parameter["schema"].get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            parameter["schema"].pop("anyOf")
            parameter["schema"] |= kinds[0]


def _say_problems(operation: dict[str, Any], path: str) -> None:
    if path.startswith(PROTOCOL):
        error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
        content = {"application/json": {"schema": error, "example": {"error": PROBLEM["detail"]}}}
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = {"description": "Problem document", "content": content}
        return
    problem = {"schema": {"$ref": REFERENCE.format(name=Problem.__name__)}, "example": PROBLEM}
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {"description": "Problem document", "content": {MEDIA_TYPE: problem}}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(name=kind.__name__)}
