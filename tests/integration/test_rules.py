# SPDX-License-Identifier: Apache-2.0
"""monitoring/prometheus without a Prometheus: promtool accepts it, each alert is complete, and all
metrics in queries exist.
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

from checks import equal
from scaled_rules import main as scale

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool (Debian's package prometheus)"
)

FOLDER = ROOT / "monitoring" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
TESTS = [
    path
    for path in sorted((FOLDER / "tests").glob("*.yml"))
    if not path.name.endswith("_rules.yml")
]


def promtool(*arguments):
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise AssertionError(f"promtool {arguments[0]} {arguments[1]}: {done.stdout}{done.stderr}")
    return done.stdout


def alerts():
    """Name → text of the rule."""
    text = (FOLDER / "rules" / "alerts.yml").read_text(encoding="utf-8")
    rules = re.split(r"(?m)^      - (?=alert: |record: )|^  - name: ", text)
    return {
        re.match(r"alert: (\w+)", rule)[1]: rule for rule in rules if rule.startswith("alert: ")
    }


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_test_rules(path):
    promtool("test", "rules", path)


def test_promtool_accepts_rules_and_configuration():
    found = promtool("check", "rules", *RULES)
    assert int(re.search(r"alerts\.yml\n.*?(\d+) rules", found)[1]) > len(alerts()) >= 17, found
    promtool("check", "config", FOLDER / "prometheus.yml")


def test_page_and_alert_judge_failing_requests_alike():
    words = (ROOT / "userspace" / "web" / "page" / "words.h").read_text(encoding="utf-8")
    page = {
        name: float(value)
        for name, value in re.findall(r"#define (PAGE_FAILED_\w+) ([\d.]+)", words)
    }
    expression = re.search(
        r"\(increase\(proxy_requests_failed_total\[5m\]\) >= (\S+)\)\s+/ .*? > (\S+)",
        alerts()["ProxyRequestsFailing"],
        re.DOTALL,
    )
    equal(
        {"PAGE_FAILED_MIN": float(expression[1]), "PAGE_FAILED_SHARE": float(expression[2])},
        page,
        "what the page says",
    )


def test_promtool_accepts_the_scaled_rules():
    with tempfile.TemporaryDirectory() as folder:
        scale(FOLDER / "rules", folder, 30)
        promtool("check", "rules", *sorted(pathlib.Path(folder).glob("*.yml")))
        text = (pathlib.Path(folder) / "alerts.yml").read_text(encoding="utf-8")
    for part in (
        "for: 2000ms",
        "[10000ms]",
        "[2880000ms] offset 30000ms)",
        "offset 20000ms",
        ">= 20)",
        "> 0.3",
    ):
        assert part in text, f"no {part}"
    equal(re.findall(r"for: \d+[mhd]\b|\[\d+[smhd]\]", text), [], "times that stayed")


def test_examples_in_comments_are_good():
    for name in ("rules/removed.yml", "targets/example.yml"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        head, _, example = text.partition("[]\n")
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(head + "\n" + re.sub(r"(?m)^( *)#", r"\1", example))
            file.flush()
            if "rules" in name:
                assert "1 rules found" in promtool("check", "rules", file.name)
            else:
                equal(
                    [
                        target["discoveredLabels"]["__address__"]
                        for target in discovered([file.name])
                    ],
                    ["10.77.1.1:9090", "10.77.1.2:9090"],
                    name,
                )


def discovered(files, configuration=None):
    """The targets that promtool finds in target files, relabelled by a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        text = (
            f"scrape_configs:\n  - job_name: wgsocks\n    file_sd_configs:\n      - files: "
            f"{json.dumps(files)}\n"
        )
        path = pathlib.Path(folder) / "prometheus.yml"
        path.write_text(configuration or text, encoding="utf-8")
        return json.loads(promtool("check", "service-discovery", "--timeout=2s", path, "wgsocks"))


PODS = {  # container, name of the port, phase → kept
    "crab": ("wgsocks-exporter", "metrics", "Running", True),
    "crab-health": ("wgsocks-exporter", "health", "Running", False),
    "dante": ("dante", "metrics", "Running", False),
    "done": ("wgsocks-exporter", "metrics", "Succeeded", False),
    "evicted": ("wgsocks-exporter", "metrics", "Failed", False),
    "starting": ("wgsocks-exporter", "metrics", "Pending", True),
}


def test_which_pods_are_scraped():
    """Debian's promtool lacks Kubernetes discovery: the labels come from a file, with the
    relabelling unchanged.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as targets:
        json.dump(
            [
                {
                    "targets": [f"10.0.0.{i}:9090"],
                    "labels": {
                        "__meta_kubernetes_pod_name": pod,
                        "__meta_kubernetes_namespace": "vpn",
                        "__meta_kubernetes_pod_node_name": "n1",
                        "__meta_kubernetes_pod_container_name": container,
                        "__meta_kubernetes_pod_container_port_name": port,
                        "__meta_kubernetes_pod_phase": phase,
                    },
                }
                for i, (pod, (container, port, phase, _kept)) in enumerate(PODS.items())
            ],
            targets,
        )
        targets.flush()
        text = (FOLDER / "prometheus-kubernetes.yml").read_text(encoding="utf-8")
        text, count = re.subn(
            r"kubernetes_sd_configs:\n +- role: pod\n",
            f"file_sd_configs:\n      - files: [{targets.name}]\n",
            text,
        )
        equal(count, 1, "kubernetes_sd_configs")
        found = discovered(None, text.replace("rules/*.yml", str(FOLDER / "rules" / "*.yml")))
    kept = {target["labels"]["pod"]: target["labels"] for target in found if target.get("labels")}
    equal(
        sorted(kept),
        sorted(pod for pod, (*_, kept) in PODS.items() if kept),
        "pods that are scraped",
    )
    equal(
        {key: kept["crab"][key] for key in ("namespace", "node", "job")},
        {"namespace": "vpn", "node": "n1", "job": "wgsocks"},
        "labels",
    )


def test_each_alert_has_all_that_it_should():
    for name, rule in alerts().items():
        severity = re.search(r'labels: \{severity: "?([^"}]+)', rule)[1]
        assert severity in ("critical", "warning") or severity.startswith("{{ if"), (
            f"{name}: {severity}"
        )
        summary = re.search(r"summary: (.*?)\n {10}description: ", rule, re.DOTALL)[1]
        assert (
            re.search(r"\$labels\.(proxy_name|instance)", summary) or name == "WgsocksNoTargets"
        ), f"{name}'s summary names nobody"
        assert re.search(r"\$value|\.Value|value \}\}|\b0\b", summary), (
            f"{name}'s summary has no number"
        )
        equal(
            re.search(r"runbook_url: (\S+)", rule)[1],
            f"docs/runbooks/{name}.md",
            f"{name}'s runbook",
        )
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    equal(sorted(pages), sorted(alerts()), "runbooks")


def test_each_alert_is_tested_firing_and_not():
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS)
    fires = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", text))
    silent = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", text))
    equal(
        (sorted(set(alerts()) - fires), sorted(set(alerts()) - silent)),
        ([], []),
        "without a test of firing, of not firing",
    )


def test_families_and_records_exist():
    families = set(
        re.findall(
            r"^\| `(\w+)` \|",
            (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    text = "\n".join(
        re.sub(r"(?m)#.*$|^ +(description|runbook_url): .*$", "", path.read_text(encoding="utf-8"))
        for path in RULES
    )
    used = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in re.findall(
            r"(?<![\w:])((?:proxy|vpn|wgsocks_exporter)_\w+)\s*(?=[{\[ ]|$|\))", text, re.MULTILINE
        )
    }
    used -= {"proxy_name"}
    assert len(used) > 20, used
    equal(sorted(used - families), [], "families that do not exist")
    records = set(re.findall(r"record: (\S+)", text)) | {"wgsocks:proxy_removed"}
    named = set(
        re.findall(r"(?<![\w:])(?:proxy|fleet|wgsocks):[\w:]+", re.sub(r"record: \S+", "", text))
    )
    equal(sorted(named - records), [], "records that do not exist")
