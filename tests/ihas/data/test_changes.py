"""What appended rows changed, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig, InteractionColumns, SchemaConfig
from ihas.data.changes import changes_of
from ihas.data.findings import ValidationReport
from ihas.data.growth import Before, Changes, FieldChange, GrowthLimits
from ihas.data.ingest import inspect
from ihas.data.schema import Field, Schema
from ihas.sequential.data.reading import inspect_sequences
from tests.ihas.data.tables import made_table, written


def changed(before: Sequence[Any], after: Sequence[Any], kind: Any = "categorical", separator: str | None = None) -> FieldChange:
    """What changed in a field whose cells are these."""
    labels = [0, 1] * len(before) + [0] * len(after)
    table = made_table({"click": labels[: len(before) + len(after)], "f": [*before, *after]})
    schema = Schema(label="click", fields=(Field(name="f", kind=kind, separator=separator),))
    return changes_of(table, len(before), schema).fields[0]


def index(*pairs: tuple[float, float]) -> float:
    """Sum of (p - q) ln(p / q)."""
    return sum((p - q) * math.log(p / q) for p, q in pairs)


def test_the_drift_of_categories_is_that_of_a_calculator() -> None:
    """Before a: 8 of 10, b: 2; after a: 1 of 4, b: 2, new c: 1. The share of c before is taken as 0.0001."""
    found = changed(["a"] * 8 + ["b"] * 2, ["a", "b", "b", "c"])

    assert found.drift == pytest.approx(index((0.25, 0.8), (0.5, 0.2), (0.25, 1e-4), (1e-4, 1e-4)))
    assert (found.new_values, found.new_share, found.missing_before, found.missing) == (1, 0.25, 0.0, 0.0)


def test_missing_cells_are_a_bin_of_their_own() -> None:
    """None of 10 before, 2 of 4 after; values of the others have not changed."""
    found = changed(["a"] * 5 + ["b"] * 5, ["a", "b", None, None])

    assert found.drift == pytest.approx(index((0.25, 0.5), (0.25, 0.5), (0.5, 1e-4)))
    assert (found.missing_before, found.missing, found.new_share) == (0.0, 0.5, 0.0)


def test_rare_values_are_one_bin() -> None:
    """Of 30 values the 20 most frequent have bins: which of the other ten come does not count as drift."""
    frequent = [f"v{value}" for value in range(20) for _ in range(9)]
    rare = [f"r{value}" for value in range(10) for _ in range(2)]
    found = changed([*frequent, *rare], [*frequent, *["r3"] * 20])

    assert (found.drift, found.new_values) == (0.0, 0)


def test_the_drift_of_numbers_is_between_deciles() -> None:
    """0.5, 1.5 ... 99.5 before: the first nine deciles are 9.5 ... 89.5. All ten after lie in the highest bin, and one is out of range."""
    found = changed([number + 0.5 for number in range(100)], [95.25] * 9 + [200.25], "numeric")

    assert found.drift == pytest.approx(index((1.0, 0.1), *[(1e-4, 0.1)] * 9))
    assert (found.new_values, found.new_share) == (0, 0.1)


@pytest.mark.parametrize(("before", "after", "separator"), [(["a|b", "a"], ["b|c"], "|"), ([["a", "b"], ["a"]], [["b", "c"]], None)])
def test_values_within_cells_are_counted(before: Sequence[Any], after: Sequence[Any], separator: str | None) -> None:
    """Before a: 2 of 3, b: 1; after b: 1 of 2, c: 1; the same of lists as of texts with a separator."""
    found = changed(before, after, "multivalued", separator)

    assert found.drift == pytest.approx(index((1e-4, 2 / 3), (0.5, 1 / 3), (0.5, 1e-4)))
    assert (found.new_values, found.new_share) == (1, 0.5)


def test_the_click_rate_is_told_with_the_interval_of_the_difference() -> None:
    """48 of 80 before and 56 of 70 after, in both spellings of a label: Newcombe's example."""
    labels = ["1"] * 48 + ["0"] * 32 + ["true"] * 56 + ["false"] * 14
    found = changes_of(made_table({"click": labels}), 80, Schema(label="click", fields=())).click_rate

    assert found is not None
    assert (found.before, found.appended) == (0.6, 0.8)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def rows(draw: np.random.Generator, number: int, rate: float = 0.3, items: str = "abcde", scale: float = 1.0) -> str:
    """Lines of a table."""
    cells = zip(draw.random(number) < rate, draw.choice(list(items), number), draw.normal(0.0, scale, number).round(3), strict=True)
    return "".join(f"{int(click)},{item},{price}\n" for click, item, price in cells)


def appended(tmp_path: Path, lines: str, limits: GrowthLimits | None = None) -> ValidationReport:
    """Report of 3,000 rows and lines that are appended."""
    header = "click,item,price\n"
    first = written(tmp_path / "a.csv", header + rows(np.random.default_rng(1), 3_000))
    more = written(tmp_path / "b.csv", header + lines)
    before = Before(columns=inspect(DataConfig(path=first)).columns, limits=limits or GrowthLimits())
    return inspect(DataConfig(path=first, appended=(more,)), before)


def codes(report: ValidationReport) -> set[tuple[str, str, str | None]]:
    """Severity, code and column of what concerns changes."""
    told = ("above_limit", "moved", "changed", "missing_more", "not_a_number")
    return {(one.severity, one.code, one.column) for one in report.findings if any(word in one.code for word in told)}


def test_rows_of_the_same_kind_change_nothing(tmp_path: Path) -> None:
    """No warning, whatever the size of the append, though small ones have a large index by chance."""
    for seed, number in enumerate((100, 150, 400, 3_000)):
        assert codes(appended(tmp_path, rows(np.random.default_rng(50 + seed), number))) == set()


def test_a_bad_day_is_told_and_refused_where_that_is_wanted(tmp_path: Path) -> None:
    """Clicks double, prices are ten times as large, items are others: three warnings, or errors by the limits."""
    lines = rows(np.random.default_rng(7), 500, 0.6, "axy", 10.0)

    assert codes(appended(tmp_path, lines)) == {
        ("warning", "field_changed", "item"),
        ("warning", "field_changed", "price"),
        ("warning", "click_rate_changed", None),
    }
    limits = GrowthLimits(drift=0.5, new_values=0.2, click_rate=0.5)
    refused = appended(tmp_path, lines, limits)
    assert {place for place in codes(refused) if place[0] == "error"} == {
        ("error", "drift_above_limit", "item"),
        ("error", "drift_above_limit", "price"),
        ("error", "new_values_above_limit", "item"),
        ("error", "new_values_above_limit", "price"),
        ("error", "click_rate_above_limit", None),
    }
    assert refused.changes is not None
    assert codes(appended(tmp_path, lines, GrowthLimits(drift=99.0, new_values=0.99, click_rate=2.0))) == codes(appended(tmp_path, lines))


def test_cells_that_went_missing_are_told_and_refused(tmp_path: Path) -> None:
    """Half of the prices are empty."""
    lines = rows(np.random.default_rng(8), 300)
    holed = "".join(line if number % 2 else f"{line.rpartition(',')[0]},\n" for number, line in enumerate(lines.splitlines(keepends=True)))

    assert ("warning", "missing_more", "price") in codes(appended(tmp_path, holed))
    assert ("error", "missing_above_limit", "price") in codes(appended(tmp_path, holed, GrowthLimits(missing=0.4)))


def test_few_rows_are_not_judged(tmp_path: Path) -> None:
    """99 rows that are all clicks are taken under any limits; the figures are there."""
    report = appended(tmp_path, "1,z,0.5\n" * 99, GrowthLimits(drift=0.01, new_values=0.0, click_rate=0.01))

    assert codes(report) == set()
    assert report.changes is not None
    assert report.changes.click_rate is not None
    assert report.changes.click_rate.appended == 1.0


def test_a_text_among_numbers_is_an_error_and_not_a_category(tmp_path: Path) -> None:
    """Its row counts in the whole table, and the message says which row of the append it is."""
    found = appended(tmp_path, "0,a,0.5\n1,b,cheap\n").errors

    assert [(one.code, one.row, one.column) for one in found] == [("not_a_number", 3_002, "price")]
    assert found[0].message.startswith("Row 2 of what was appended: ")


def test_a_broken_label_is_an_error_with_its_row(tmp_path: Path) -> None:
    """And nothing is compared."""
    report = appended(tmp_path, "0,a,0.5\n2,b,0.5\n")

    assert [(one.code, one.row) for one in report.errors] == [("label_not_binary", 3_002)]
    assert report.changes is None


def test_a_report_without_an_append_says_nothing_of_changes(tmp_path: Path) -> None:
    """So that reports of older releases, and of first versions, are as they were."""
    report = inspect(DataConfig(path=written(tmp_path / "a.csv", "click,item\n0,a\n1,b\n"), columns=SchemaConfig(label="click")))

    assert "changes" not in report.model_dump()


def interactions(*pairs: str) -> str:
    """A table of users and items, a letter each."""
    return "user,item,time\n" + "".join(f"{user},{item},{time}\n" for time, (user, item) in enumerate(pairs))


def test_interactions_say_which_users_and_items_are_new(tmp_path: Path) -> None:
    """Four interactions after six: of one new user of three, and one new item of three."""
    first = written(tmp_path / "a.csv", interactions("ax", "ay", "bx", "by", "ax", "bx"))
    more = written(tmp_path / "b.csv", interactions("cx", "cz", "ax", "bz"))
    data = DataConfig(path=first, interactions=InteractionColumns())
    before = Before(columns=inspect_sequences(data).columns)
    found = inspect_sequences(data.model_copy(update={"appended": (more,)}), before).changes

    assert isinstance(found, Changes)
    assert (found.rows_before, found.rows_appended, found.click_rate) == (6, 4, None)
    assert [(one.column, one.new_values, one.new_share) for one in found.fields] == [("user", 1, 0.5), ("item", 1, 0.5)]
