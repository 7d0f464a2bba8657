"""The chart of deploy/, as Helm renders it: Helm itself, which the package `helm-python-sdk` carries as a library.

It weighs 245 MB and is young, and so no dependency of development: `make chart-test` installs it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.paths import ROOT

CHART = ROOT / "deploy" / "chart"
OWN_KINDS = ("monitoring.coreos.com/v1", "keda.sh/v1alpha1")
"""Kinds of operators, whose schemas Kubernetes does not have."""
STATED: Mapping[str, Any] = {"secret": {"name": "ihas"}}
EVERYTHING: Mapping[str, Any] = {
    **STATED,
    "artefactsUrl": "s3://bucket/ihas",
    "variables": {"AWS_ENDPOINT_URL": "http://store:9000"},
    "settings": {"IHAS_ACCESS": "keys", "IHAS_MAX_REQUESTS_PER_MINUTE": 6000, "IHAS_LEASE_S": 60.5},
    "image": {"pullSecrets": [{"name": "pull"}]},
    "folder": {"shared": False, "storageClassName": "nfs"},
    "api": {"autoscaling": {"enabled": True}, "nodeSelector": {"zone": "a"}, "tolerations": [{"key": "x", "operator": "Exists"}]},
    "worker": {"autoscaling": {"kind": "keda", "prometheusAddress": "http://prometheus:9090"}},
    "ray": {"enabled": True},
    "ingress": {"enabled": True, "className": "nginx", "annotations": {"a": "b"}},
    "networkPolicy": {"limitEgress": True, "from": [{"namespaceSelector": {}}], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    "monitoring": {"serviceMonitor": True, "rules": True, "dashboard": True},
}
WITH_SECRET: Mapping[str, Any] = {
    "secret": {"values": {"database-url": "postgresql+psycopg://ihas@db/ihas"}},
    "worker": {"autoscaling": {"kind": "hpa"}},
    "networkPolicy": {"enabled": False},
    "folder": {"existingClaim": "runs"},
}
VALUES = {"stated": STATED, "everything": EVERYTHING, "with secret": WITH_SECRET}


def helm() -> Any:
    """Helm; a test is left out where the package is not installed."""
    if importlib.util.find_spec("helm_python") is None:
        pytest.skip("Helm is not installed here: `make chart-test` brings it (helm-python-sdk), on Linux")
    return importlib.import_module("helm_python")


def rendered(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every manifest of the chart under these values."""
    with helm().Chart.load(str(CHART)) as chart:
        files = chart.render(dict(values), name="shop", namespace="default")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pods of every deployment."""
    return [document["spec"]["template"]["spec"] for document in documents if document["kind"] == "Deployment"]


def variables(pod: Mapping[str, Any]) -> dict[str, str | None]:
    """Variables of a pod's container; None where a secret has the value."""
    return {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
