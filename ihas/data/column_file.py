"""What each column is as a file of settings, `columns.toml`, that a recipe or `--columns` takes, with the reason beside each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ihas.config.data import SchemaConfig
from ihas.data.findings import ValidationReport
from ihas.data.labels import DRAWN_LABEL
from ihas.data.schema import Schema, sized_columns

_HEAD = "What `ihas inspect` takes the columns for. Change what is wrong; `ihas search` and `ihas inspect --columns` read this file."
_WITH_REASONS = ("label", "categorical", "numeric", "ignored", "display", "time", "weight")
"""Settings beside whose columns the reason stands; those of roles name columns that stand there too."""


def stated_columns(schema: Schema) -> SchemaConfig:
    """Settings under which a table of these columns is read alike, with nothing left to be inferred."""
    column_of = {part: one.name for one in schema.timestamps for part in one.fields.values()}
    own = [field for field in schema.fields if field.name not in column_of]
    return SchemaConfig(
        label=None if schema.label == DRAWN_LABEL else schema.label,
        positive=schema.positive,
        tasks=schema.tasks,
        exponent=schema.exponent,
        unlabelled=schema.unlabelled,
        negatives=schema.negatives,
        negatives_kept=schema.negatives_kept,
        weight=schema.weight,
        categorical=tuple(field.name for field in own if field.kind == "categorical" and field.buckets is None),
        **sized_columns(own),
        numeric=tuple(field.name for field in own if field.kind == "numeric"),
        multivalued={field.name: field.separator or "|" for field in own if field.kind == "multivalued"},
        histories=tuple(field.name for field in own if field.keep == "last"),
        timestamps={one.name: one.stated for one in schema.timestamps},
        ignored=schema.ignored,
        item=tuple(dict.fromkeys(column_of.get(field.name, field.name) for field in schema.fields if field.role == "item")),
        item_id=schema.item_id,
        user_id=schema.user_id,
        user=schema.user,
        display=schema.display,
        time=schema.time,
    )


def column_file(report: ValidationReport) -> str:
    """The file's text, TOML."""
    settings = stated_columns(report.columns).model_dump(mode="json", exclude_none=True)
    reasons = {profile.column: profile.reason or "" for profile in report.profiles}
    plain = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    lines = [f"# {_HEAD}", ""]
    for name, value in plain.items():
        told = reasons if name in _WITH_REASONS else {}
        lines += _list(name, value, told) if isinstance(value, list) else [f"{name} = {_text(value)}{_comment(value, told)}"]
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            lines += ["", *_table(name, value, reasons)]
    return "\n".join(lines) + "\n"


def _list(name: str, values: list[str], reasons: Mapping[str, str]) -> Iterator[str]:
    if not values:
        return
    yield f"{name} = ["
    yield from (f"    {_text(value)},{_comment(value, reasons)}" for value in values)
    yield "]"


def _table(name: str, values: Mapping[str, object], reasons: Mapping[str, str]) -> Iterator[str]:
    nested = {key: value for key, value in values.items() if isinstance(value, dict)}
    if len(nested) < len(values):
        yield f"[{name}]"
    yield from (f"{_text(key)} = {_value(value)}{_comment(key, reasons)}" for key, value in values.items() if key not in nested)
    for key, value in nested.items():
        yield f"[{name}.{_text(key)}]{_comment(key, reasons)}"
        yield from (f"{_text(inner)} = {_value(one)}" for inner, one in value.items())


def _value(value: object) -> str:
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else _text(value)


def _text(value: object) -> str:
    """A value of TOML: a text is written as JSON writes it, but for the one character that JSON lets through and TOML does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(name: object, reasons: Mapping[str, str]) -> str:
    reason = "".join(letter if letter.isprintable() else " " for letter in reasons.get(str(name), ""))
    return f"  # {reason}" if reason else ""
