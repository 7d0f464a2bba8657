"""The page on Python and the first page do what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.paths import COUPON, ROOT


def _blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_code_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Executed in order, in a folder with the coupon data, they print recommendations, reasons, points, and the error at the end."""
    shutil.copytree(COUPON, tmp_path / "data" / "coupon")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in _blocks(ROOT / "docs" / "python.md"):
        exec(compile(block, "docs/python.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert names["probabilities"].shape == (678, 2)
    assert [line.split()[0] for line in printed[:3]] == ["1", "2", "3"]
    assert "['5']" in printed
    assert printed[-1].startswith("`label` must name columns of the table, but got 'clicked'")
    assert {"report.html", "shop"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_ten_lines_of_the_first_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """They print three items with falling scores, two probabilities that add up to one, the verdict, and the points of the frontier."""
    shutil.copytree(COUPON, tmp_path / "data" / "coupon")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    (block,) = _blocks(ROOT / "README.md")
    exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    scores = [item.score for item in names["best"].items]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert names["model"].predict_proba([{"Coupon": "Bar"}]).sum() == pytest.approx(1.0)
    assert names["model"].result.verdict in printed
    assert (tmp_path / "shop").is_dir()
