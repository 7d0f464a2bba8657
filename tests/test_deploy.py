"""What deploys the service is well-formed, and says what the settings say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ihas_service.settings import Settings

ROOT = Path(__file__).parent.parent
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
COMPOSE = ROOT / "deploy" / "compose.yaml"
VARIABLES = {f"IHAS_{name.upper()}" for name in Settings.model_fields}


def documents() -> list[dict[str, Any]]:
    """Every manifest."""
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def pods() -> list[dict[str, Any]]:
    """Pods of every deployment."""
    return [document["spec"]["template"]["spec"] for document in documents() if document["kind"] == "Deployment"]


def test_every_manifest_is_one_that_kubernetes_takes() -> None:
    """Field by field, unknown ones refused, by the schemas of Kubernetes."""
    assert {document["kind"] for document in documents()} >= {"Deployment", "Service", "PersistentVolumeClaim", "NetworkPolicy"}
    for document in documents():
        kubernetes_validate.validate(document, "1.30", strict=True)


def test_the_compose_file_is_one_that_compose_takes() -> None:
    """By the schema of the Compose specification."""
    checker = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(checker, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*MANIFESTS, COMPOSE, ROOT / "Dockerfile"], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    """A name that the service would not read would be silently nothing."""
    assert set(re.findall(r"IHAS_[A-Z0-9_]+", path.read_text(encoding="utf-8"))) <= VARIABLES


def test_nothing_runs_as_root_or_writes_its_image() -> None:
    """No root, no privileges, a read-only file system, no token of the cluster, a limit on memory."""
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert container["resources"]["limits"]["memory"]


def test_a_pod_is_given_more_time_than_it_takes_to_drain() -> None:
    """The API waits in `preStop`, answers for `IHAS_DRAIN_S` while it is not ready, and ends what runs for as long again; it is killed
    later than that, and so is a worker, which only ends what runs."""
    for pod in pods():
        container = pod["containers"][0]
        found = {variable["name"]: variable.get("value") for variable in container["env"]}
        drain = float(found.get("IHAS_DRAIN_S") or Settings.model_fields["drain_s"].default)
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        serves = "serve" in container["args"]
        assert (waits > 0) == serves
        assert pod["terminationGracePeriodSeconds"] > waits + drain * (2 if serves else 1)
