"""`ihas init`: a recipe for a table, from options, questions and what is inferred of the columns."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ihas.errors import ConfigError
from ihas.harmless import harmless
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal

if TYPE_CHECKING:
    from ihas.data.findings import ValidationReport

ABOUT = "# Written by `ihas init`. `ihas settings --recipe` lists every setting; `ihas inspect` shows what each column was taken for."


class RecipeKind(StrEnum):
    """Kinds of recipes that `ihas init` writes."""

    GROUPED = "grouped"
    OVERREC = "overrec"
    TRANSFORMER = "transformer"


@dataclass(frozen=True)
class Stated:
    """What is stated of a table.

    Attributes:
        kind: of the recipe.
        label: column of the clicks; None to infer it.
        positive: what counts as a click; None for 1.
        item_id: column of the item; None for none.
        user_id: column of the user; None for none.
        time: column of the time; None for none.
    """

    kind: RecipeKind
    label: str | None = None
    positive: str | None = None
    item_id: str | None = None
    user_id: str | None = None
    time: str | None = None

    def columns(self) -> dict[str, str]:
        """The settings `data.columns` that are stated."""
        names = ("label", "positive", "item_id", "user_id", "time")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def interactions(self) -> dict[str, str]:
        """The settings `data.interactions`; ConfigError where a column is missing."""
        found = {"user": self.user_id, "item": self.item_id, "time": self.time}
        lacking = [f"--{name}" for name, value in zip(("user-id", "item-id", "time"), found.values(), strict=True) if value is None]
        if lacking:
            law = f"A recipe of the kind {self.kind.value!r} needs the columns of user, item and time."
            raise ConfigError(f"{law} Give {', '.join(lacking)}.")
        return {name: str(value) for name, value in found.items()}


def init(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON-lines file.")],
    to: Annotated[Path | None, typer.Option(help="Recipe to write; the table's name with .toml by default.")] = None,
    kind: Annotated[RecipeKind, typer.Option(help="grouped for clicks on items, the others for the next item.")] = RecipeKind.GROUPED,
    label: Annotated[str | None, typer.Option(help="Column of the clicks; inferred by default.")] = None,
    positive: Annotated[str | None, typer.Option(help="What counts as a click, such as yes or '>= 4'; 1 by default.")] = None,
    item_id: Annotated[str | None, typer.Option(help="Column of the item's id.")] = None,
    user_id: Annotated[str | None, typer.Option(help="Column of the user's id.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of the time, by which rows are split.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a recipe that is there.")] = False,
) -> None:
    """Write a recipe for a table: from options, on a terminal by asking for what none of them states."""
    terminal: Terminal = context.obj
    target = to or Path(f"{data.name.partition('.')[0]}.toml")
    if target.exists() and not force:
        raise CommandError(f"{target} is there already. Name another file with --to, or write over it with --force.", ExitCode.USAGE)
    stated = Stated(kind, label, positive, item_id, user_id, time)
    if sys.stdin.isatty():
        stated = _asked(stated)
    report = _report(data, stated) if kind is RecipeKind.GROUPED else None
    text = recipe_text(data, target, stated, report)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    terminal.result({"recipe": str(target)}, str(target))
    terminal.say(f"Next: ihas search {target}")


def recipe_text(data: Path, target: Path, stated: Stated, report: ValidationReport | None) -> str:
    """The recipe as TOML.

    Args:
        data: the table.
        target: the recipe's file, beside which the path of the table starts.
        stated: what is known of the columns.
        report: what was inferred of them; None for a table of interactions.

    Raises:
        ConfigError: a column of a table of interactions is not stated.
    """
    path = os.path.relpath(data.resolve(), target.resolve().parent)
    if report is None:
        columns = ", ".join(f"{name} = {_toml(value)}" for name, value in stated.interactions().items())
        head = [ABOUT, f"kind = {_toml(stated.kind.value)}", f"name = {_toml(_name(target))}", "", "[data]", f"path = {_toml(path)}"]
        return "\n".join([*head, f"interactions = {{ {columns} }}", ""])
    known = {"label": report.columns.label} | stated.columns()
    lines = [f"{name} = {_toml(value)}" for name, value in known.items()]
    head = [ABOUT, f"name = {_toml(_name(target))}", "", "[data]", f"path = {_toml(path)}", "", "[data.columns]"]
    return "\n".join([*head, *lines, *_inferred(report), ""])


def _inferred(report: ValidationReport) -> Iterable[str]:
    """Comments: what each column was taken for, of which a line may be stated otherwise."""
    yield "# inferred; state what is wrong, such as: numeric = [...], categorical = [...], item = [...], ignored = [...]"
    for one in report.profiles:
        if one.purpose in ("field", "ignored"):
            what = " ".join(filter(None, [one.kind, one.role])) if one.purpose == "field" else "ignored"
            yield harmless(f"#   {one.column}: {what}")


def _report(data: Path, stated: Stated) -> ValidationReport:
    """What a table holds, with what is stated; an error where it has faults that stop a search."""
    from ihas.config.data import DataConfig
    from ihas_service.cli import local_run, tables

    asked = DataConfig.model_validate({"path": data.resolve(), "columns": stated.columns()})
    with tempfile.TemporaryDirectory() as folder:
        report = local_run.inspect(asked, Path(folder))
    if report.errors:
        first = report.errors[0].message
        message = f"A search needs a table without errors, but {data} has {tables.num_errors(report):,}, such as: {first}"
        raise CommandError(f"{message} `ihas inspect {data}` shows all.", ExitCode.INVALID_DATA)
    return report


def _asked(stated: Stated) -> Stated:
    """What is stated, and for the rest the answers of a person; nothing typed leaves it out."""
    questions = {"item_id": "Column of the item's id", "user_id": "Column of the user's id", "time": "Column of the time"}
    if stated.kind is RecipeKind.GROUPED:
        questions = {"label": "Column of the clicks (empty: infer it)"} | questions
    answers: dict[str, Any] = {}
    for name, question in questions.items():
        if getattr(stated, name) is None:
            answers[name] = typer.prompt(question, default="", show_default=False, err=True).strip() or None
    known = {name: getattr(stated, name) for name in ("kind", "label", "positive", "item_id", "user_id", "time")}
    return Stated(**known | answers)


def _name(target: Path) -> str:
    """The name of the model that comes out: the file's, as names of models are written."""
    return target.stem.lower().replace("_", "-").replace(".", "-").replace(" ", "-")


def _toml(text: str) -> str:
    """A basic string of TOML, which is one of JSON."""
    return json.dumps(text, ensure_ascii=False)
