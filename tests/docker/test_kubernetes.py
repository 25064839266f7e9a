"""Manifests for Kubernetes: fit its published schemas, each other, and the service."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from layoutserve.service.settings import PREFIX, Settings
from layoutserve.service.telemetry import Telemetry

KUBERNETES = Path(__file__).parents[2] / "docker" / "kubernetes"
VERSION = "1.32"
# Of an operator, not of Kubernetes.
OWN_SCHEMA = {"ServiceMonitor"}


def manifests(folder):
    """What is applied: as kubectl puts it together where it is there, else the files as they stand."""
    if shutil.which("kubectl"):
        made = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True)
        return list(yaml.safe_load_all(made.stdout))
    return [
        yaml.safe_load((folder / name).read_text())
        for name in kustomization(folder)["resources"]
        if name.endswith("yaml")
    ]


def kustomization(folder):
    return yaml.safe_load((folder / "kustomization.yaml").read_text())


@pytest.mark.parametrize("name", ["base", "single"])
def test_manifests_fit_the_schemas_of_kubernetes(name):
    found = manifests(KUBERNETES / name)
    assert found
    for manifest in found:
        if manifest["kind"] not in OWN_SCHEMA:
            kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_every_file_is_a_resource():
    for folder in ("base", "single"):
        known = kustomization(KUBERNETES / folder)
        named = {*known["resources"], *(patch["path"] for patch in known.get("patches", ()) if "path" in patch)}
        assert {path.name for path in (KUBERNETES / folder).iterdir()} - {"kustomization.yaml"} == named - {"../base"}


def by_kind(name):
    return {manifest["kind"]: manifest for manifest in manifests(KUBERNETES / name)}


def test_selectors_and_ports_find_the_instances():
    base = by_kind("base")
    pod = base["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for kind, selector in {
        "Deployment": base["Deployment"]["spec"]["selector"]["matchLabels"],
        "Service": base["Service"]["spec"]["selector"],
        "PodDisruptionBudget": base["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": base["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        "ServiceMonitor": base["ServiceMonitor"]["spec"]["selector"]["matchLabels"],
    }.items():
        assert selector.items() <= labels.items(), kind
    assert base["Service"]["spec"]["ports"][0]["targetPort"] == pod["spec"]["containers"][0]["ports"][0]["name"]
    assert base["ServiceMonitor"]["spec"]["endpoints"][0]["port"] == base["Service"]["spec"]["ports"][0]["name"]
    assert base["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == base["Deployment"]["metadata"]["name"]


def test_probes_settings_and_metrics_are_those_of_the_service():
    base = by_kind("base")
    container = base["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    paths = set(yaml.safe_load((KUBERNETES.parents[1] / "openapi.yaml").read_text())["paths"])
    assert {container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")} <= paths
    assert base["ServiceMonitor"]["spec"]["endpoints"][0]["path"] in paths
    text = "".join(path.read_text() for path in KUBERNETES.rglob("*.yaml"))
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", text))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    metric = base["HorizontalPodAutoscaler"]["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert metric in {family.name for family in Telemetry().registry.collect()}


def test_an_instance_is_killed_later_than_the_service_gives_up():
    for name in ("base", "single"):
        pod = by_kind(name)["Deployment"]["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] > Settings().drain_timeout_s


def test_one_instance_needs_no_database():
    if not shutil.which("kubectl"):
        pytest.skip("needs kubectl to put patches together")
    single = by_kind("single")
    pod = single["Deployment"]["spec"]["template"]["spec"]
    assert "HorizontalPodAutoscaler" not in single
    assert "jobs-url" not in str(pod)
    claims = [
        volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    ]
    assert claims == [single["PersistentVolumeClaim"]["metadata"]["name"]]
    assert single["Deployment"]["spec"]["replicas"] == 1
