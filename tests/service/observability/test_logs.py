"""Log lines are JSON where nobody watches, whoever wrote them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import structlog

from tests.service.conftest import eventually
from tests.service.live import LiveServer

LINES = """
import logging, structlog
from ihas_service.observability.logs import configure_logs
configure_logs()
structlog.contextvars.bind_contextvars(request_id="r1")
structlog.get_logger("ours").info("request", status=200)
logging.getLogger("theirs").warning("hello %s", "world")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("ours").exception("broken")
"""


def test_our_lines_and_the_libraries_lines_have_one_form() -> None:
    """Each is one JSON object on standard error with time, level and the request's id; a traceback is inside."""
    answer = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in answer.stderr.splitlines()]

    assert [(line["event"], line["level"], line["request_id"]) for line in lines] == [
        ("request", "info", "r1"),
        ("hello world", "warning", "r1"),
        ("broken", "error", "r1"),
    ]
    assert "ZeroDivisionError" in lines[2]["exception"]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_a_callers_trace_is_in_every_line(live: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    """`traceparent` (W3C Trace Context) names trace and parent; one that is malformed names nothing."""
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()])
    for header in (f"00-{trace}-{parent}-01", f"00-{'0' * 32}-{parent}-01", "nonsense"):
        live.http.get("/livez", headers={"traceparent": header})
    said = list[str]()  # a line is told after its answer was sent

    def told() -> bool:
        said.extend(line for line in capsys.readouterr().out.splitlines() if "/livez" in line)
        return len(said) == 3

    eventually(told)
    lines = list(map(json.loads, said))
    structlog.configure(**before)

    assert [(line.get("trace_id"), line.get("parent_id")) for line in lines] == [(trace, parent), (None, None), (None, None)]
