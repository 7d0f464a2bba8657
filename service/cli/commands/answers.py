"""`ihas score` and `ihas recommend` on files of rows: CSV, Parquet and JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from ihas.data.reading import ReadOptions
from ihas.errors import RequestError
from ihas_pipelines.batch.answering import Answering, Rows, fields_of, recommending, scored, scoring
from ihas_pipelines.batch.tables import answer_files, blocks
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli import tables
from ihas_service.cli.terminal import Terminal

if TYPE_CHECKING:
    from ihas.serving.answers import RecommendRequest
    from ihas.serving.protocol import Recommender

TABLES = (".csv", ".tsv", ".psv", ".txt", ".parquet", ".pq")
PASSED = "passed"
"""Key of an answer that holds the columns of its row that the model does not read."""


def is_table(name: str) -> bool:
    """Whether a file is read as a table; others hold a JSON object a line."""
    return any(suffix in TABLES for suffix in Path(name).suffixes[-2:])


def score_rows(recommender: Recommender, rows: Iterable[Rows], explain: bool, terminal: Terminal) -> None:
    """Print the score of every row; its other columns go beside it."""
    answers: list[dict[str, Any]] = []
    known, told = fields_of(recommender), set[str]()
    for block in rows:
        read, passed = _divided(block, known, len(answers) + 1)
        found = msgspec.to_builtins(scored(recommender, read, len(answers) + 1, explain))
        answers += [answer | ({PASSED: rest} if rest else {}) for answer, rest in zip(found, passed, strict=True)]
        told |= {name for rest in passed for name in rest}
    if told:
        terminal.say(f"Not read by the model, and passed on: {', '.join(sorted(told))}.")
    why = [tables.explanation(row["explanation"]) for row in answers if row.get("explanation")]
    terminal.result(answers, tables.scores(answers), *why)


def table_rows(path: Path, answering: Answering, size: int) -> Iterator[Rows]:
    """Rows of a file in blocks of at most `size`: what the model reads as canonical texts, and other columns as they are."""
    for number, block in enumerate(blocks((path,), ReadOptions())):
        if number == 0:
            answering.check_columns(block.column_names)
        whole, read = block.to_pylist(), answering.rows_of(block)
        rows = [row | texts for row, texts in zip(whole, read, strict=True)]
        yield from (rows[start : start + size] for start in range(0, len(rows), size))


def score_table(recommender: Recommender, path: Path, size: int, explain: bool, terminal: Terminal) -> None:
    """`score_rows` on a CSV or Parquet file."""
    score_rows(recommender, table_rows(path, scoring(recommender), size), explain, terminal)


def write_answers(answering: Answering, path: Path, to: Path, terminal: Terminal) -> None:
    """Write the answers beside the columns of the file's rows."""
    if str(path) == "-":
        raise typer.BadParameter("`--to` needs a file of rows, not standard input.")
    rows = answer_files((path,), ReadOptions(), answering, to, lambda done: terminal.say(f"{done:,} rows") if done % 100_000 == 0 else None)
    terminal.result({"rows": rows, "file": str(to)}, f"The answers to {rows:,} rows are in {to}.")


def recommend_rows(recommender: Recommender, request: RecommendRequest, path: Path, terminal: Terminal) -> None:
    """Print the best items for every row of a file."""
    answering, first, answers = recommending(recommender, request), 1, list[dict[str, Any]]()
    for block in blocks((path,), ReadOptions()):
        if first == 1 and not answers:
            answering.check_columns(block.column_names)
        answers += answering.answered(block, first).to_pylist()
        first += block.num_rows
    shown = [(one["row"], one["rank"], one["item"], f"{one['score']:.4f}", one["group"]) for one in answers]
    terminal.result(answers, plain_table(("row", "rank", "item", "score", "group"), shown))


def _divided(rows: Rows, known: frozenset[str] | None, first: int) -> tuple[Rows, Rows]:
    """What the model reads of each row, and what it does not."""
    if known is None:
        return rows, [{} for _ in rows]
    for number, row in enumerate(rows, start=first):
        if row and not known & row.keys():
            raise RequestError(f"Row {number} must have fields of the model, {', '.join(sorted(known))}, but has {', '.join(row)}.")
    parts = [{name: row[name] for name in row if name in known} for row in rows]
    return parts, [{name: row[name] for name in row if name not in known} for row in rows]
