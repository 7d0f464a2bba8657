"""The notebooks do what they say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.notebook import printed, stored
from tests.paths import ROOT
from tests.service.session_page import plain

pytestmark = pytest.mark.full

TUTORIALS = ROOT / "docs" / "tutorials"
NOTEBOOKS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(TUTORIALS.glob("*.ipynb"))
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, with the `ihas` of this Python on the path of programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_with_what_it_prints(name: str) -> None:
    """The cells that print have an output, and none was stored with an error."""
    sources = ["".join(cell["source"]) for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]
    assert [bool(text) for text in stored(NOTEBOOKS[name])] == ["print(" in source for source in sources]


def test_every_notebook_is_a_page() -> None:
    """A page of the same name shows each."""
    assert {path.stem for path in TUTORIALS.glob("*.md")} - {"index"} == set(NOTEBOOKS)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_on_an_own_table_runs(tmp_path: Path) -> None:
    """A column that tells the click makes the first model too good; without it the second finds town and genre, for unknown users too."""
    notebook, names = NOTEBOOKS["own-table"], dict[str, Any]()
    texts = printed(notebook, names)
    assert [plain(texts[number]) for number in (1, 6, 7)] == [plain(stored(notebook)[number]) for number in (1, 6, 7)]
    assert "raised most by paid" in texts[2]
    assert names["first"].result.variants[0].test.auc > 0.99
    assert 0.65 < names["model"].result.variants[0].test.auc < 0.85
    assert [item.fields["genre"] for item in names["new"].items] == ["book"] * 3
    assert {"report.html", "shop"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_on_next_items_runs(tmp_path: Path) -> None:
    """Votes and a trained network both go on with the series, and the bundle that was kept answers as the model does."""
    notebook, names = NOTEBOOKS["next-item"], dict[str, Any]()
    texts = printed(notebook, names)
    assert [plain(text) for text in texts] == [plain(text) for text in stored(notebook)]
    assert names["best"].items[0].id == "series3-5"
    assert "'series3-5'" in texts[4]
    assert texts[-1] == "series0-8\n"
    assert (tmp_path / "votes").is_dir()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_tutorial_to_production_runs() -> None:
    """The service's model is the notebook's; a town that it does not know is learnt from what was shown; the version passes its gates."""
    notebook, names = NOTEBOOKS["to-production"], dict[str, Any]()
    try:
        texts = printed(notebook, names)
    finally:
        if "service" in names:
            names["service"].terminate()
            names["service"].wait()
    assert texts == stored(notebook)
    assert names["gates"]["champion"] == 1
    assert names["best"]["version"] == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_on_reports_runs() -> None:
    """It prints what is stored but for figures of the machine; no model is clearly better than the best that there can be."""
    notebook, names = NOTEBOOKS["reading-a-report"], dict[str, Any]()
    texts = printed(notebook, names)
    assert texts[3] == stored(notebook)[3] == "best possible AUC 0.7400\n"
    assert [line.split()[0] for line in texts[2].splitlines()] == [line.split()[0] for line in stored(notebook)[2].splitlines()]
    variants = {variant.name: variant for variant in names["result"].variants}
    assert 0.65 < variants["base"].test.auc < 0.79
    assert names["other"].predict_proba([{"town": "Bonn", "item": "i0", "genre": "film", "price": "low"}]).shape == (1, 2)
