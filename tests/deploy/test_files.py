"""
What is deployed is checked by the programs that will read it, and names only what exists.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from calligram import telemetry
from calligram.settings import Settings, variable

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
FOLDERS = sorted(path for path in DEPLOY.iterdir() if path.is_dir())
POD_LABELS = {"app.kubernetes.io/name": "calligram"}
# The Prometheus operator's, of which Kubernetes itself has no schema.
FOREIGN_KINDS = {"ServiceMonitor", "PrometheusRule"}
SERIES = ("_bucket", "_count", "_sum")
METRIC = re.compile(r"\b(?:calligram|http_server)_[a-z_]+\b")


def done(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_says_what_it_is_in_a_few_lines(folder):
    lines = (folder / "README.md").read_text().splitlines()

    assert lines[0].startswith("# ")
    assert 5 <= len(lines) <= 10


# --- HAProxy, Varnish ---


@pytest.mark.server("haproxy")
def test_haproxy_takes_its_files(tmp_path):
    files = (DEPLOY / "haproxy").glob("*.cfg")
    flags = [word for file in sorted(files) for word in ("-f", file)]

    checked = done(
        *("haproxy", "-c", *flags),
        CALLIGRAM_BALANCER_BIND="127.0.0.1:8081",
        CALLIGRAM_BALANCER_SOCKET=str(tmp_path / "socket"),
    )

    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stdout + checked.stderr


@pytest.mark.server("varnishd")
def test_varnish_takes_its_rules(tmp_path):
    varnish = DEPLOY / "varnish"

    checked = done(
        *("varnishd", "-C", "-j", "none", "-n", tmp_path, "-p", f"vcl_path={varnish}"),
        *("-f", varnish / "calligram.vcl"),
    )

    assert checked.returncode == 0, checked.stderr


def test_idle_connections_are_let_go_by_the_balancer_before_the_server_closes_them():
    told = (DEPLOY / "haproxy/haproxy.cfg").read_text()
    client = int(re.search(r"timeout http-keep-alive (\d+)s", told)[1])

    assert client < Settings().keep_alive_seconds
    assert "pool-purge-delay" not in told  # its default is 5 s


def test_the_balancer_waits_for_the_longest_answer():
    told = (DEPLOY / "haproxy/haproxy.cfg").read_text()
    server = int(re.search(r"timeout server (\d+)s", told)[1])
    settings = Settings()

    # A place in the queue (10 s), the render, and the store.
    assert server > 10 + settings.render_seconds_max + settings.acknowledge_seconds_max


# --- Kubernetes, containers ---


@pytest.fixture(scope="module")
def manifests():
    built = done("kubectl", "kustomize", DEPLOY / "kubernetes")
    assert built.returncode == 0, built.stderr
    return [one for one in yaml.safe_load_all(built.stdout) if one]


def of_kind(manifests, kind):
    return [one for one in manifests if one["kind"] == kind]


@pytest.mark.server("kubectl")
def test_the_manifests_keep_to_kubernetes_own_schemas(manifests, tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text(
        yaml.safe_dump_all(one for one in manifests if one["kind"] not in FOREIGN_KINDS)
    )

    checked = done(BIN / "kubernetes-validate", "--strict", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stderr.count(" passed ") + checked.stdout.count(" passed ") == 7


@pytest.mark.server("kubectl")
def test_every_selector_finds_the_servers(manifests):
    servers = of_kind(manifests, "StatefulSet")[0]["spec"]
    found = [
        servers["selector"]["matchLabels"],
        *(one["labelSelector"]["matchLabels"] for one in spread_of(servers)),
        *(one["spec"]["selector"] for one in of_kind(manifests, "Service")),
        *(
            one["spec"]["selector"]["matchLabels"]
            for one in of_kind(manifests, "PodDisruptionBudget")
        ),
    ]

    assert servers["template"]["metadata"]["labels"] == POD_LABELS
    assert found == [POD_LABELS] * 6


def spread_of(servers):
    return servers["template"]["spec"]["topologySpreadConstraints"]


@pytest.mark.server("kubectl")
def test_the_manifests_and_compose_set_only_settings_that_exist(manifests):
    known = {variable(name) for name in Settings.__slots__}
    container = of_kind(manifests, "StatefulSet")[0]["spec"]["template"]["spec"]["containers"][0]
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    told = {one["name"] for one in container["env"]}
    told |= set(of_kind(manifests, "ConfigMap")[0]["data"])
    for name in ("server-a", "server-b"):
        told |= set(compose["services"][name]["environment"])

    assert told - known == set()
    assert "CALLIGRAM_PEERS" in told


@pytest.mark.server("kubectl")
def test_a_pod_that_stops_is_given_the_time_that_it_takes(manifests):
    spec = of_kind(manifests, "StatefulSet")[0]["spec"]["template"]["spec"]
    told = {one["name"]: one["value"] for one in spec["containers"][0]["env"]}
    probe = spec["containers"][0]["readinessProbe"]
    notice = float(told["CALLIGRAM_DRAIN_NOTICE_SECONDS"])

    assert notice > probe["periodSeconds"] * probe["failureThreshold"]
    assert spec["terminationGracePeriodSeconds"] > notice + Settings().drain_seconds_max


@pytest.mark.server("kubectl")
def test_the_operators_rules_are_the_plain_ones(manifests):
    assert of_kind(manifests, "PrometheusRule")[0]["spec"] == yaml.safe_load(
        (DEPLOY / "prometheus/alerts.yaml").read_text()
    )


def test_the_container_file_has_no_known_fault():
    checked = done(BIN / "hadolint", DEPLOY / "container/Containerfile")

    assert (checked.returncode, checked.stdout) == (0, "")


def test_compose_takes_its_file():
    checked = done(
        BIN / "docker-compose", "-f", DEPLOY / "compose/compose.yaml", "config", "--quiet"
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_compose_mounts_only_files_that_exist():
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]

    assert len(mounted) == 2
    assert [path for path in mounted if not (DEPLOY / "compose" / path).is_file()] == []


# --- Metrics ---


TABLES = {
    "calligram_spool": (telemetry.SPOOL_GAUGES, telemetry.SPOOL_COUNTERS),
    "calligram_vault": (telemetry.VAULT_GAUGES, telemetry.VAULT_COUNTERS),
}


@pytest.fixture(scope="module")
def plain():
    """Every name under which the service tells a number; a histogram by its plain name."""
    text = telemetry.Telemetry(version="1").metrics().decode()
    told = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    for prefix, (gauges, counters) in TABLES.items():
        told |= {f"{prefix}_{name}" for name in gauges}
        told |= {f"{prefix}_{name}_total" for name in counters}
    return {name for name in told if not name.endswith("_created")} | {"calligram_store_away"}


@pytest.fixture(scope="module")
def metrics(plain):
    """The same, and the series that a histogram has."""
    return plain | {f"{name}{end}" for name in plain for end in SERIES}


def rules():
    return yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"][0]["rules"]


def panels():
    return json.loads((DEPLOY / "grafana/calligram.json").read_text())["panels"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_only_metrics_that_exist(rule, metrics):
    assert set(METRIC.findall(rule["expr"])) - metrics == set()


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_names_only_metrics_that_exist(panel, metrics):
    named = {name for target in panel["targets"] for name in METRIC.findall(target["expr"])}

    assert named
    assert named - metrics == set()


def test_every_metric_of_the_service_is_on_the_dashboard(plain):
    shown = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in METRIC.findall(target["expr"])
    }

    assert {name for name in plain if not {name, f"{name}_count"} & shown} == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_what_to_do_about_an_alert_is_written_down(rule):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ `?(\w+)`?$", (ROOT / page).read_text(), re.MULTILINE)

    assert anchor in [heading.lower() for heading in headings]
    assert anchor == rule["alert"].lower()
