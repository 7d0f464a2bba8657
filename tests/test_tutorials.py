"""The notebooks do what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.notebook import printed, stored
from tests.paths import ROOT
from tests.service.session_page import plain

pytestmark = pytest.mark.full

OWN_TABLE: dict[str, Any] = json.loads((ROOT / "docs" / "tutorials" / "own-table.ipynb").read_text(encoding="utf-8"))


def test_a_notebook_is_stored_with_what_it_prints() -> None:
    """The cells that print have an output, and none was stored with an error."""
    texts = stored(OWN_TABLE)
    sources = ["".join(cell["source"]) for cell in OWN_TABLE["cells"] if cell["cell_type"] == "code"]
    assert [bool(text) for text in texts] == ["print(" in source for source in sources]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_on_an_own_table_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that tells the click makes the first model too good; without it the second finds town and genre, for unknown users too."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    texts = printed(OWN_TABLE, names)
    assert [plain(texts[number]) for number in (1, 6, 7)] == [plain(stored(OWN_TABLE)[number]) for number in (1, 6, 7)]
    assert "raised most by paid" in texts[2]
    assert names["first"].result.variants[0].test.auc > 0.99
    assert 0.65 < names["model"].result.variants[0].test.auc < 0.85
    assert [item.fields["genre"] for item in names["new"].items] == ["book"] * 3
    assert {"report.html", "shop"} <= {path.name for path in tmp_path.iterdir()}
