"""Alerts and the dashboard ask for what `/metrics` shows, and every alert says what to do."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.chart import CHART
from tests.paths import ROOT
from tests.service.conftest import Publish, eventually
from tests.service.http.routes.test_events import MODEL, event, recommended, referred
from tests.service.live import LiveServer

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
RUNBOOK = ROOT / "docs" / "service" / "runbook.md"
OF_PROMETHEUS = {"instance", "le"}
"""Labels that Prometheus gives."""


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """Every expression, by the alert or panel that has it."""
    found = {rule["alert"]: str(rule["expr"]) for rule in alerts()}
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        found |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    return found | {f"${one['name']}": one["definition"] for one in board["templating"]["list"] if one["type"] == "query"}


@pytest.mark.full
def test_every_metric_that_is_asked_for_is_shown(live: LiveServer, publish: Publish) -> None:
    """By the name, with the labels, that `/metrics` of a service that has answered gives it."""
    publish(spoil=referred)
    live.json("POST", f"{MODEL}/score", json={"rows": [{"user": "ada", "movie": "m1"}]})
    answer = recommended(live)
    live.json("POST", "/v1/events", json={"events": [event(answer, answer["items"][0]["id"], "click")]})
    eventually(lambda: "ihas_group_drift{" in live.http.get("/metrics").text or None)
    families = list(text_string_to_metric_families(live.http.get("/metrics").text))
    labels: dict[str, set[str]] = {}
    for family in families:
        labels |= {family.name: set(), f"{family.name}_total": set()} if family.type == "counter" else {family.name: set()}
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)

    asked = {name: found for name, one in expressions().items() if (found := re.findall(r"\b(ihas_\w+)(?:\{([^}]*)\})?", one))}
    assert set(asked) == set(expressions()), "every expression asks for something"
    wrong = [f"{where}: {metric}" for where, found in asked.items() for metric, _ in found if metric not in labels]
    for where, found in asked.items():
        for metric, matchers in found:
            named = set(re.findall(r"(\w+)\s*[=!]~?", matchers))
            wrong += [f"{where}: {metric}{{{label}}}" for label in named if labels.get(metric) and label not in labels[metric]]
    parts = [part for one in expressions().values() for part in re.findall(r"\bby \(([^)]*)\)", one)]
    grouped = {label for part in parts for label in re.split(r",\s*", part)}
    assert (wrong, grouped - set().union(*labels.values()) - OF_PROMETHEUS) == ([], set())


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    """And every entry its alert; each wakes somebody or waits until the morning."""
    titles = re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == [rule["alert"] for rule in alerts()]
    for rule in alerts():
        assert rule["annotations"]["runbook"] == f"docs/service/runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_expression_is_one_that_prometheus_reads() -> None:
    """By the grammar of PromQL."""
    if importlib.util.find_spec("promql_parser") is None:
        pytest.skip("The grammar of PromQL is not installed here: `make setup` brings it (promql-parser)")
    parser = importlib.import_module("promql_parser")
    for where, one in expressions().items():
        if not where.startswith("$"):
            parser.parse(one)


def test_panels_lie_side_by_side() -> None:
    """Each has a number and a place of its own, and asks the source that a person chooses."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len({(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${source}"}
