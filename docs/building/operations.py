"""The page of the HTTP API, from the OpenAPI document that the service answers with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from building.text import code, escaped, table

from ihas_service.app import create_app
from ihas_service.settings import Settings

DEEPEST = 3
"""Levels of a form that are named; deeper ones are told by `/docs` of a service."""


def document() -> dict[str, Any]:
    """The OpenAPI document of a service as it is without settings."""
    with tempfile.TemporaryDirectory(prefix="ihas-") as folder:
        return create_app(Settings(folder=Path(folder))).openapi()


def operation_lines(described: Mapping[str, Any]) -> Iterator[str]:
    """Every operation by tag, with its parameters, forms and examples, as lines of Markdown."""
    schemas = described["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault(next(iter(operation.get("tags", ())), "other"), []).append((method.upper(), path, operation))
    for tag, operations in by_tag.items():
        yield from (f"## {tag.capitalize()}", "")
        for method, path, operation in operations:
            yield from _operation(method, path, operation, schemas)


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### `{method} {path}`", "", _paragraphs(operation.get("description", operation.get("summary", ""))), "")
    yield from (_policy(operation), "")
    yield from table(
        ["parameter", "in", "values", "meaning"],
        (
            [code(one["name"]), one["in"], _values(one["schema"]), escaped(one.get("description", ""))]
            for one in operation.get("parameters", ())
        ),
    )
    yield from _content("Request", operation.get("requestBody", {}), schemas)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from _content(f"Response {status}", answer, schemas)


def _paragraphs(text: str) -> str:
    return "\n\n".join(escaped(part) for part in text.split("\n\n"))


def _policy(operation: Mapping[str, Any]) -> str:
    told = operation.get("x-ihas-policy", {})
    parts = [f"scope {code(str(told['scope']))}" if told.get("scope") else "needs no key"]
    if operation.get("requestBody") and told.get("max_body"):
        parts.append(f"body of at most {told['max_body'] // 1024:,} KiB")
    if told.get("repeat"):
        parts.append(f"safe to repeat: {escaped(str(told['repeat']).replace('_', ' '))}")
    return f"*{'; '.join(parts)}*"


def _content(title: str, body: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    for media, content in body.get("content", {}).items():
        schema = content.get("schema", {})
        yield from (f"**{title}**, {code(media)}{_form(schema)}", "")
        yield from table(["field", "values", "meaning"], _fields(schema, schemas))
        if "example" in content:
            yield from ("```json", json.dumps(content["example"], indent=1, ensure_ascii=False), "```", "")


def _form(schema: Mapping[str, Any]) -> str:
    return f", {code(_name(schema['$ref']))}" if "$ref" in schema else ""


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], above: str = "", depth: int = 1) -> Iterator[list[str]]:
    """Rows of a form's fields and of those of its parts, each below the part's name; a recipe's settings have a page of their own."""
    whole = schemas[_name(schema["$ref"])] if "$ref" in schema else schema
    needed = set(whole.get("required", ()))
    for name, field in whole.get("properties", {}).items():
        values = _values(field) + ("; needed" if name in needed else "")
        yield [code(f"{above}{name}"), values, escaped(field.get("description", ""))]
        inner = _part(field)
        if inner is not None and depth < DEEPEST and f"{above}{name}" != "learning":
            yield from _fields(inner, schemas, f"{above}{name}.", depth + 1)


def _part(field: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one form that a field holds, itself or as entries."""
    held = field.get("items", field)
    found = [one for one in (held, *held.get("anyOf", ()), *held.get("allOf", ())) if "$ref" in one]
    return found[0] if len(found) == 1 else None


def _values(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return code(_name(schema["$ref"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return " or ".join(dict.fromkeys(_values(one) for one in schema[either]))
    if schema.get("type") == "array":
        return f"list of {_values(schema.get('items', {}))}"
    kind = {"object": "object", "null": "null"}.get(str(schema.get("type")), str(schema.get("type", "any value")))
    limits = [f"{sign} {schema[name]}" for name, sign in LIMITS if name in schema]
    return " ".join([kind, *limits])


LIMITS = (("minimum", "≥"), ("exclusiveMinimum", "\\>"), ("maximum", "≤"), ("exclusiveMaximum", "\\<"))


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]
