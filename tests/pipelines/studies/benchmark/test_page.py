"""The page of a benchmark needs nothing else, links to the runs' reports alone, and tells how far it is."""

from __future__ import annotations

import json
import re

import pytest

from ihas_pipelines.studies.benchmark.page import gains_caption, headline, pareto_caption, render_benchmark
from ihas_pipelines.studies.benchmark.table import tabulate
from tests.pipelines.studies.benchmark.outcomes import CELLS, OUTCOMES, PLAN

pytestmark = pytest.mark.tf

FULL = tabulate(PLAN, len(CELLS), OUTCOMES, {})
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the made-up benchmark."""
    return render_benchmark(FULL)


def test_loads_nothing_from_elsewhere(page: str) -> None:
    """No address and no source; the only links are to the reports of the runs below its folder."""
    own = re.sub(r"<script>/\*\*\n\* plotly\.js.*?</script>", "", page, flags=re.DOTALL)
    links = re.findall(r'href="([^"]*)"', own)

    assert re.findall(r"src\s*=|@import|url\(|https?://", own) == []
    assert links == [
        f"{data}/small/seed-{seed}/{variant}/report.html"
        for data in ("apps", "films")
        for seed in (0, 1)
        for variant in ("default", "figure-1")
    ]
    assert "default-src 'none'" in own


def test_every_place_for_a_figure_has_its_figure(page: str) -> None:
    """Two plots for each of the two tables."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)

    assert found is not None
    assert set(re.findall(r'data-figure="([^"]+)"', page)) == set(json.loads(found.group(1))) == {
        "pareto-0", "gains-0", "pareto-1", "gains-1",
    }  # fmt: skip


def test_the_table_shows_figures_intervals_and_settings(page: str) -> None:
    """The row of grouped, the interval of pep, and what was tuned."""
    assert "0.80500 ± 0.02121" in page
    assert "-0.0900 [-0.2171, +0.0371]" in page
    assert "per = row" in page


def test_a_benchmark_that_has_just_begun_says_so() -> None:
    """With one cell done the page stands, with the one table that has rows; nothing is claimed of the other."""
    begun = tabulate(PLAN, len(CELLS), {CELLS[0]: OUTCOMES[CELLS[0]]}, {})
    page = render_benchmark(begun)

    assert headline(begun) == "1 of 12 cells finished."
    assert re.findall(r'data-figure="([^"]+)"', page) == ["pareto-0"]
    assert "Nothing is finished yet." in page


def test_a_failure_is_shown_and_its_text_is_harmless() -> None:
    """A message with markup stays text, and the headline counts it."""
    failed = tabulate(PLAN, len(CELLS), {cell: value for cell, value in OUTCOMES.items() if cell != CELLS[1]}, {CELLS[1]: HOSTILE})
    page = render_benchmark(failed)

    assert HOSTILE not in page
    assert '<span class="pill worse">failed</span> &lt;script&gt;' in page
    assert headline(failed).endswith("1 cell failed.")


def test_words_follow_the_figures() -> None:
    """The choice's interval holds zero on both tables; the front is named with costs; nothing is told apart."""
    assert headline(FULL) == "What validation chose is not told apart from the base on apps (small) and films (small)."
    assert pareto_caption(FULL.sections[0]).here == (
        "On the line: pep (300 parameters, AUC 0.70000) and grouped (600 parameters, AUC 0.80500)."
    )  # fmt: skip
    assert gains_caption(FULL.sections[0]).here.startswith("Better than the base: none; worse: none; not told apart: random groups")
