"""What deploys the service is well-formed, and says what the settings say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import ValidationError

from ihas_service.settings import Settings
from tests.chart import CHART, EVERYTHING, OWN_KINDS, STATED, VALUES, helm, pods, rendered, variables
from tests.paths import ROOT

COMPOSE = ROOT / "deploy" / "compose.yaml"
VARIABLES = {f"IHAS_{name.upper()}" for name in Settings.model_fields}
TEXTS = [*sorted(CHART.rglob("*.yaml")), *sorted(CHART.rglob("*.tpl")), COMPOSE, ROOT / "Dockerfile"]
EACH = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)


def check_settings(found: dict[str, Any]) -> None:
    """Refuse variables that the service would not start with."""
    Settings(**{name.removeprefix("IHAS_").lower(): value for name, value in found.items() if name.startswith("IHAS_")})


@EACH
def test_every_manifest_is_one_that_kubernetes_takes(values: dict[str, Any]) -> None:
    """Field by field, unknown ones refused, by the schemas of Kubernetes; those of operators have none here."""
    documents = rendered(values)
    assert {document["kind"] for document in documents} >= {"Deployment", "Service", "PodDisruptionBudget"}
    for document in documents:
        if document["apiVersion"] not in OWN_KINDS:
            kubernetes_validate.validate(document, "1.30", strict=True)


@EACH
def test_helm_finds_nothing_to_say(values: dict[str, Any]) -> None:
    """Warnings are errors; a chart without a picture is one all the same."""
    report = helm().lint(str(CHART), dict(values), strict=True)
    assert (report["errors"], [one["error"] for one in report["messages"]]) == ([], ["icon is recommended"])


@pytest.mark.parametrize(
    "values",
    [{}, {**STATED, "apis": 1}, {**STATED, "folder": {"shared": False}}, {**STATED, "settings": {"ACCESS": "keys"}},
     {**STATED, "variables": {"IHAS_PORT": "1"}}, {**STATED, "worker": {"autoscaling": {"kind": "keda"}}}],
    ids=["no secret", "unknown", "no store", "no setting", "a setting", "no address"],
)  # fmt: skip
def test_values_that_would_deploy_nonsense_are_refused(values: dict[str, Any]) -> None:
    """By the schema of the values, or by a template that says what to state."""
    with pytest.raises(helm().HelmError):
        rendered(values)


@EACH
def test_variables_of_the_chart_are_settings_that_the_service_takes(values: dict[str, Any]) -> None:
    """Names and values; the database's URL is a secret's."""
    for pod in pods(rendered(values)):
        found = variables(pod)
        assert {name for name in found if name.startswith("IHAS_")} <= VARIABLES
        check_settings({name: value for name, value in found.items() if value is not None})


def test_a_setting_that_the_service_refuses_is_found() -> None:
    """What the test before would say of a wrong value."""
    found = variables(pods(rendered({**STATED, "settings": {"IHAS_LEASE_S": "soon"}}))[0])
    with pytest.raises(ValidationError):
        check_settings({name: value for name, value in found.items() if value is not None})


def test_the_compose_file_is_one_that_compose_takes() -> None:
    """By the schema of the Compose specification."""
    checker = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(checker, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_names_settings_and_files_that_there_are() -> None:
    """Settings are those of the service, with values that it takes; what is mounted from here lies here, and every volume is declared."""
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    for service in compose["services"].values():
        check_settings(service.get("environment", {}))
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (COMPOSE.parent / source).is_file() if source.startswith(".") else source in compose["volumes"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    """A name that the service would not read would be silently nothing."""
    assert set(re.findall(r"IHAS_[A-Z0-9]+(?:_[A-Z0-9]+)*(?![A-Z0-9_*])", path.read_text(encoding="utf-8"))) <= VARIABLES


@EACH
def test_nothing_runs_as_root_or_writes_its_image(values: dict[str, Any]) -> None:
    """No root, no privileges, a read-only file system, no token of the cluster, a limit on memory."""
    for pod in pods(rendered(values)):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert container["resources"]["limits"]["memory"]


@EACH
def test_a_pod_is_given_more_time_than_it_takes_to_drain(values: dict[str, Any]) -> None:
    """The API waits in `preStop`, answers for `IHAS_DRAIN_S` while it is not ready, and ends what runs for as long again; it is killed
    later than that, and so is a worker, which only ends what runs."""
    for pod in pods(rendered(values)):
        container = pod["containers"][0]
        drain = float(variables(pod).get("IHAS_DRAIN_S") or Settings.model_fields["drain_s"].default)
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        serves = "serve" in container["args"]
        assert (waits > 0) == serves
        assert pod["terminationGracePeriodSeconds"] > waits + drain * (2 if serves else 1)


def test_an_api_with_a_store_shares_no_volume() -> None:
    """Where the folder is not shared, each of its pods has an empty one of its own; workers keep the claim."""
    found = {pod["containers"][0]["args"][-1]: pod["volumes"] for pod in pods(rendered(EVERYTHING))}
    volumes = {name: [next(iter(volume.keys() - {"name"})) for volume in found[name]] for name in ("serve", "worker")}
    assert volumes == {"serve": ["emptyDir"], "worker": ["persistentVolumeClaim", "emptyDir"]}


def test_a_replica_is_replaced_only_when_the_new_one_is_ready() -> None:
    """A rolling update takes none away before."""
    api = next(one for one in rendered(STATED) if one["kind"] == "Deployment" and one["metadata"]["name"] == "shop-api")
    assert api["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_images_say_what_they_are() -> None:
    """By the labels of the OCI; version and chart are those of the package."""
    dockerfile, version = (ROOT / "Dockerfile").read_text(), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", dockerfile))
    assert labels == {"title", "description", "licenses", "vendor", "version", "revision", "created"}
    assert re.findall(r"^ARG VERSION=(.*)$", dockerfile, re.MULTILINE) == [version]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version


def test_every_image_of_others_is_named_by_its_version() -> None:
    """None is `latest`, and none is without a tag."""
    images = [one["image"] for one in yaml.safe_load(COMPOSE.read_text())["services"].values()]
    images += re.findall(r"^ARG PYTHON_IMAGE=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in images if not re.search(r":(?!latest)[\w.-]*\w+$", image)] == []
