"""What a request costs is told apart from what its surroundings cost."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks import http
from ihas_pipelines.benchmarks.bundles import random_bundle
from ihas_pipelines.benchmarks.http import FLOOR, OURS, WORKLOADS, HttpMeasurement, bodies_of, http_table
from ihas_pipelines.benchmarks.load import Load
from tests.pipelines.benchmarks.test_bundles import SHAPES


def _measure(cpu: float, requests: int = 100) -> HttpMeasurement:
    return HttpMeasurement(cpu, Load(requests, 0, 2.0, 1.0, 3.0))


def test_a_table_holds_medians_and_ratios_of_the_same_repetition() -> None:
    """By hand: 200 µs against 100, in a repetition that is ten times slower too, is 2; 100 requests in 2 s are 50 a second."""
    measurements = {
        FLOOR: [_measure(1e-4), _measure(1e-3), _measure(1e-4)],
        f"{OURS}, empty route": [_measure(1.6e-4), _measure(1.6e-3), _measure(1.6e-4)],
        OURS: [_measure(2e-4), _measure(2e-3), _measure(2e-4)],
    }
    table = http_table("One row", measurements)

    assert [row[0] for row in table.rows] == list(measurements)
    assert table.rows[2][1:] == pytest.approx((200.0, 2.0, 1.25, 1.0, 3.0, 50.0))


def test_requests_differ_and_are_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many bodies for each workload, the same every time."""
    monkeypatch.setattr(http, "CANDIDATES", (5, 10))
    bodies = bodies_of(random_bundle(SHAPES["plain"]))

    assert list(bodies) == ["one row", "5 candidates", "10 candidates"]
    assert all(len(set(made)) > http.NUM_BODIES // 2 for made in bodies.values())
    assert bodies == bodies_of(random_bundle(SHAPES["plain"]))


@pytest.mark.slow
def test_servers_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service, alone and as two processes, the floor and ONNX Runtime answer; a score costs more than nothing."""
    for name, value in {"PEERS": ("onnxruntime",), "MEASUREMENT_S": 1.0, "CANDIDATES": (5, 10)}.items():
        monkeypatch.setattr(http, name, value)
    monkeypatch.setattr(http, "CONNECTIONS", dict.fromkeys(WORKLOADS, (2,)) | {"5 candidates": (2,), "10 candidates": (2,)})
    monkeypatch.setattr(http, "WORKLOADS", ("one row", "5 candidates", "10 candidates"))
    *loads, standing = http._shape_tables("small", SHAPES["grouped"], 1)

    for table in loads:
        cpu = {row[0]: row[1] for row in table.rows}
        assert set(cpu) == {FLOOR, f"{OURS}, empty route", OURS, f"{OURS}, 2 processes", "onnxruntime"}
        assert cpu[OURS] > cpu[FLOOR]  # type: ignore[operator]  # numbers behind the names
    assert all(row[1] > 20.0 for row in standing.rows)  # type: ignore[operator]
