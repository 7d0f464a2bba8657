"""The page of five minutes does what it says, in Python and over HTTP."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.paths import COUPON, ROOT
from tests.service.session_page import Step, session

pytestmark = pytest.mark.full

PAGE = (ROOT / "docs" / "start" / "five-minutes.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"\*\*Python\*\*\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HTTP = re.findall(r"^```sh\n(.*?)^```", PAGE.partition("**HTTP**")[2], re.MULTILINE | re.DOTALL)


def test_each_step_is_there_in_both() -> None:
    """Train, read, ask and keep in Python; the same over HTTP, where keeping is done by the service."""
    assert len(re.findall(r"^```python\n", PAGE, re.MULTILINE)) == len(PYTHON) == 4
    assert len(HTTP) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a verdict, three items by rank, a reason and a probability, and writes report and bundle."""
    shutil.copytree(COUPON, tmp_path / "data" / "coupon")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in PYTHON:
        exec(compile(block, "docs/start/five-minutes.md", "exec"), names)
    printed = capsys.readouterr().out
    assert str(names["model"].result.verdict) in printed
    assert re.findall(r"^(\d) .* \d\.\d+$", printed, re.MULTILINE) == ["1", "2", "3"]
    assert {"report.html", "coupon"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_requests_of_the_page_are_answered(tmp_path: Path) -> None:
    """From an upload to recommendations by a real service: events, a result, a report, three items, a score."""
    shutil.copytree(COUPON, tmp_path / "data" / "coupon")
    with session(tmp_path) as own:
        for command in HTTP[0].splitlines():
            own.run(Step(command, ""))
        printed = own.run(Step("set -e\n" + "".join(HTTP[1:]), "")).output
    assert "event: " in printed or "data: " in printed
    answers = [json.loads(line) for line in re.findall(r'\{"recommendation_id".*?\}(?=\{|\n|$)', printed)]
    assert [item["rank"] for item in answers[0]["items"]] == [1, 2, 3]
    assert (tmp_path / "report-http.html").read_text(encoding="utf-8").startswith("<!")
