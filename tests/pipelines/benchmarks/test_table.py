"""Metrics become Markdown and JSON."""

from __future__ import annotations

from pathlib import Path

import orjson

from ihas_pipelines.benchmarks.table import Measured, Table, markdown, timing_table, write
from ihas_pipelines.benchmarks.timing import Measurement, Timings

TIMINGS = Timings({"ours": (Measurement(0.0005, 0.001),), "floor": (Measurement(0.0004, 0.0005),)})


def test_a_timing_table_holds_medians_in_the_unit_and_ratios_to_the_references() -> None:
    """500 µs of CPU against 400: 1.25; 1 ms on the clock against half of it: 2."""
    table = timing_table("One row", TIMINGS, {"floor": "cpu"})

    assert table.columns == ("", "CPU µs", "wall µs", "cpu / floor")
    assert table.rows == (("ours", 500.0, 1000.0, 1.25), ("floor", 400.0, 500.0, 1.0))
    assert timing_table("One row", TIMINGS, {"floor": "wall"}, scale=1e3).rows[0] == ("ours", 0.5, 1.0, 2.0)


def test_markdown_and_json_say_the_same(tmp_path: Path) -> None:
    """Both files name command, machine, date and every cell; numbers have three digits, or all before the point."""
    found = Measured(
        "make bench", "a machine", "2026-11-26", (Table("One", ("", "x"), (("a", 1234.5), ("b", 0.12345), ("c", None)), "Read it."),)
    )
    path = write(found, tmp_path / "bench", "one")

    assert path.read_text() == markdown(found)
    assert "`make bench`, a machine, 2026-11-26" in path.read_text()
    assert [line for line in path.read_text().splitlines() if line.startswith("| ")] == [
        "|  | x |",
        "| a | 1,234 |",
        "| b | 0.123 |",
        "| c | – |",
    ]
    assert orjson.loads(path.with_suffix(".json").read_bytes())["tables"][0]["rows"] == [["a", 1234.5], ["b", 0.12345], ["c", None]]
