"""The page on Python does what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.paths import COUPON, ROOT

BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_code_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Executed in order, in a folder with the coupon data, they print recommendations, reasons, points, and the error at the end."""
    shutil.copytree(COUPON, tmp_path / "data" / "coupon")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert names["probabilities"].shape == (678, 2)
    assert [line.split()[0] for line in printed[:3]] == ["1", "2", "3"]
    assert "['5']" in printed
    assert printed[-1].startswith("`label` must name columns of the table, but got 'clicked'")
    assert {"report.html", "shop"} <= {path.name for path in tmp_path.iterdir()}
