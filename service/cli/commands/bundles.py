"""`ihas score`, `recommend`, `combine`, `choose`: bundles at work, without a service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ihas.errors import RequestError
from ihas_service.cli.terminal import CommandError, ExitCode

if TYPE_CHECKING:
    from ihas.serving.protocol import Recommender

SCORED_AT_ONCE = 1_000
EXPLAINED_AT_ONCE = 100
ToOption = Annotated[
    Path | None, typer.Option(help="File for rows with their answers: .parquet, .csv or .jsonl; any number of rows.", dir_okay=False)
]
BundleArgument = Annotated[Path, typer.Argument(help="Bundle, or run folder that holds one.")]


def score(
    context: typer.Context,
    bundle: BundleArgument,
    rows: Annotated[str, typer.Argument(help="CSV, Parquet or JSON-lines file, or - for JSON lines on standard input.")],
    explain: Annotated[bool, typer.Option("--explain", help="Explain each answer.")] = False,
    to: ToOption = None,
) -> None:
    """Score rows with a bundle, without a service; columns that the model does not read, such as a label, pass on to the answers."""
    from ihas_pipelines.batch.answering import scoring
    from ihas_service.cli.commands import answers

    recommender, size = _recommender(bundle), EXPLAINED_AT_ONCE if explain else SCORED_AT_ONCE
    if to is not None and explain:
        raise typer.BadParameter("`--to` writes scores, not explanations. Leave one of them out.")
    if to is not None:
        answers.write_answers(scoring(recommender), Path(rows), to, context.obj)
    elif answers.is_table(rows):
        answers.score_table(recommender, Path(rows), size, explain, context.obj)
    else:
        with _opened(rows) as lines:
            answers.score_rows(recommender, _blocks(lines, size), explain, context.obj)


def recommend(
    context: typer.Context,
    bundle: BundleArgument,
    asked: Annotated[str, typer.Option("--context", help='Values of the context fields, a JSON object: {"user": "1"}')] = "{}",
    rows: Annotated[Path | None, typer.Option(help="File of contexts, a row each, for --context: CSV, Parquet or JSON lines.")] = None,
    to: ToOption = None,
    k: Annotated[int, typer.Option(help="Maximum number of items.")] = 10,
    candidates: Annotated[str | None, typer.Option(help="Candidates, a JSON list of item ids.")] = None,
    exclude: Annotated[str, typer.Option(help="Items to exclude, a JSON list of ids.")] = "[]",
    explain: Annotated[bool, typer.Option("--explain", help="Explain each answer.")] = False,
    filter_: Annotated[str | None, typer.Option("--filter", help='Condition on item fields: year >= 1990 and genres has "War"')] = None,
    retrieve: Annotated[int | None, typer.Option(help="Items that retrieval passes on to be scored; automatic by default.")] = None,
    diversity: Annotated[str | None, typer.Option(help='Limit on similar items: {"field": "genres", "at_most": 2}')] = None,
    exclude_seen: Annotated[bool, typer.Option("--exclude-seen", help="Leave out items that the user has clicked.")] = False,
    field: Annotated[list[str] | None, typer.Option(help="Item field to show with each answer; may be repeated.")] = None,
) -> None:
    """Recommend items with a bundle, without a service."""
    import msgspec

    from ihas.serving.answers import RecommendRequest
    from ihas_service.cli import tables

    parts = {"context": _json("--context", asked), "exclude": _json("--exclude", exclude), "k": k, "explain": explain}
    parts |= {"exclude_seen": exclude_seen, "fields": field or []}
    parts |= {} if retrieve is None else {"retrieve": retrieve}
    parts |= {} if filter_ is None else {"filter": filter_}
    parts |= {} if diversity is None else {"diversity": _json("--diversity", diversity)}
    if candidates is not None:
        parts["candidates"] = _json("--candidates", candidates)
    try:
        request = msgspec.convert(parts, RecommendRequest)
    except msgspec.ValidationError as error:
        raise RequestError(f"The request cannot be read: {error}.") from error
    if (rows is None and to is not None) or (rows is not None and (asked != "{}" or explain)):
        raise typer.BadParameter("`--rows` is given in place of `--context` and `--explain`, and `--to` with `--rows`.")
    if rows is not None:
        from ihas_pipelines.batch.answering import recommending
        from ihas_service.cli.commands import answers

        if to is None:
            answers.recommend_rows(_recommender(bundle), request, rows, context.obj)
        else:
            answers.write_answers(recommending(_recommender(bundle), request), rows, to, context.obj)
        return
    answer = msgspec.to_builtins(_recommender(bundle).recommend(request))
    context.obj.result(answer, tables.recommendation(answer, f"{answer['num_scored']:,} items scored by {answer['model']}"))


def combine(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="Bundle of a trained model, or run folder that holds one.")],
    cold_start_model: Annotated[Path, typer.Argument(help="Bundle of the kind overrec, or run folder that holds one.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle to write; it must not exist yet.")],
    user_field: Annotated[str, typer.Option(help="Field of the trained model that names the user.")] = "user",
    name: Annotated[str, typer.Option(help="Model name.")] = "combined",
) -> None:
    """Add a cold-start model to a trained model: histories answer for users whom the trained model does not know."""
    from ihas.bundle.compound import write_compound
    from ihas.serving.loading import COLD_START, load_recommender

    parts = {"model": _bundle_in(model), "front": _bundle_in(cold_start_model)}  # folder names of the bundle format
    write_compound(COLD_START, name, {"user_field": user_field}, parts, folder)
    load_recommender(folder)
    context.obj.result({"bundle": str(folder)}, str(folder))


def choose(
    context: typer.Context,
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle to write; it must not exist yet.")],
    point: Annotated[str, typer.Option(help="Name of a point of the run's frontier, such as 'members x2'.")],
) -> None:
    """Write another point of a run's frontier as a bundle, without training; of a service, `ihas model choose`."""
    from ihas_pipelines.runs.points import write_point

    found = write_point(run_folder, point, folder)
    context.obj.result({"bundle": str(folder), "point": found.name}, str(folder))


def _recommender(bundle: Path) -> Recommender:
    from ihas.serving.loading import load_recommender

    return load_recommender(_bundle_in(bundle))


def _bundle_in(folder: Path) -> Path:
    inner = folder / "bundle"
    if not inner.is_dir() and (folder / "stages").is_dir():
        way = "Start the search in the same folder again: it continues after the finished stages."
        raise CommandError(f"A finished run has a bundle, but the run in {folder} is not finished. {way}", ExitCode.INVALID_DATA)
    return inner if inner.is_dir() else folder


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    try:
        with open(name, encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise CommandError(f"Rows must come from a readable file, but {name} is not ({error.strerror}).", ExitCode.INVALID_DATA) from error


def _blocks(lines: TextIO, size: int) -> Iterator[list[dict[str, Any]]]:
    block: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _json(f"line {number}", line)
        if not isinstance(row, dict):
            raise RequestError(f"A row must be a JSON object, but line {number} is not. Write {{'field': 'value'}} with double quotes.")
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RequestError(f"{name} must be JSON, but got {text.strip()!r} ({error}).") from error
