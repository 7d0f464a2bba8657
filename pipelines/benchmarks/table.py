"""Tables of a benchmark as Markdown for people and JSON for programs, with the machine and the command."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from ihas.folders import write_whole
from ihas_pipelines.benchmarks.timing import Cost, Timings

Cell = str | float | int | None
MIB, GIB = 2**20, 2**30


@dataclass(frozen=True)
class Table:
    """One comparison.

    Attributes:
        title: what is compared.
        columns: heads; the first column names the system.
        rows: cells under them.
        note: a sentence on how to read it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """What a benchmark's command found.

    Attributes:
        command: what was typed.
        machine: processor, cores and memory.
        date: day of the measurement, UTC.
        tables: the comparisons.
    """

    command: str
    machine: str
    date: str
    tables: tuple[Table, ...]


def measured(command: str, tables: Sequence[Table]) -> Measured:
    """Tables of this machine, today."""
    return Measured(command, describe_machine(), datetime.now(UTC).date().isoformat(), tuple(tables))


def timing_table(title: str, timings: Timings, references: Mapping[str, Cost], note: str = "", scale: float = 1e6) -> Table:
    """Median CPU and wall time of every system, and its ratio to each reference.

    Args:
        title: what is compared.
        timings: measurements of the systems.
        references: systems that the others are measured by, each with the cost that is compared.
        note: a sentence on how to read it.
        scale: 1e6 for microseconds, 1e3 for milliseconds.
    """
    unit = {1e6: "µs", 1e3: "ms", 1.0: "s"}[scale]
    columns = ("", f"CPU {unit}", f"wall {unit}", *(f"{cost} / {name}" for name, cost in references.items()))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            timings.median(name, "cpu") * scale,
            timings.median(name, "wall") * scale,
            *(timings.ratio(name, reference, cost) for reference, cost in references.items()),
        )
        for name in timings.measurements
    )
    return Table(title, columns, rows, note)


def markdown(found: Measured) -> str:
    """All tables, under the line that says how they came about."""
    head = f"`{found.command}`, {found.machine}, {found.date}"
    return "\n\n".join([head, *map(markdown_table, found.tables)]) + "\n"


def write(found: Measured, folder: Path, name: str) -> Path:
    """Write `name.md` and `name.json` into a folder; the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.json", orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2).decode())
    write_whole(folder / f"{name}.md", markdown(found))
    return folder / f"{name}.md"


def describe_machine() -> str:
    """Processor, cores and memory of this machine."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def markdown_table(table: Table) -> str:
    """One comparison under its title."""
    lines = ["| " + " | ".join(table.columns) + " |", "|---" + "|---:" * (len(table.columns) - 1) + "|"]
    lines += ["| " + " | ".join(map(_text, row)) + " |" for row in table.rows]
    return "\n".join([f"### {table.title}", "", *([table.note, ""] if table.note else []), *lines])


def _text(cell: Cell) -> str:
    """Three digits, or all before the point."""
    if cell is None:
        return "–"
    if isinstance(cell, str | int):
        return f"{cell:,}" if isinstance(cell, int) else cell
    return f"{cell:,.0f}" if abs(cell) >= 100.0 else f"{cell:.3g}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
