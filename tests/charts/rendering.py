# SPDX-License-Identifier: Apache-2.0
"""Charts as helm renders them: the combinations that the documentation has, for several versions of
Kubernetes. Needs build/chart-tools/python.
"""

import functools
import json
import pathlib
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "chart-tools"
CHARTS = ROOT / "charts"
CHART = CHARTS / "wgsocks-exporter"
EXAMPLES = CHARTS / "examples"
OLD, NEW = "1.25.0", "1.34.0"  # AppArmor by annotation, and by field
NAMES = (
    "defaults",
    "flux",
    *(path.stem for path in sorted((EXAMPLES / "values").glob("*.yaml"))),
    # of combinations()
    "mullvad-proxy",
    "mullvad-proxy-readyz-discover",
    "mullvad-proxy-bare",
    "mullvad-proxy-native",
)
VERSIONS = (OLD, "1.29.0", "1.30.0", NEW, "1.37.0")
RULES, DASHBOARD = "PrometheusRule", "ConfigMap"

_folder = tempfile.TemporaryDirectory(prefix="wgsocks-charts-")


def helm(*arguments, stdin=None):
    """Returns the standard output of helm. Raises RuntimeError with its error message."""
    home = {
        name: _folder.name
        for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME")
    }
    done = subprocess.run(
        [TOOLS / "helm", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        input=stdin,
        env=home,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


@functools.cache
def mullvad():
    """The example with its dependency, in a copy: the tree holds no archive of itself."""
    folder = pathlib.Path(_folder.name) / "charts"
    shutil.copytree(CHARTS, folder)
    helm("dependency", "build", folder / "examples" / "mullvad-proxy")
    return folder / "examples" / "mullvad-proxy"


def flux():
    return next(
        document
        for document in load((EXAMPLES / "flux" / "HelmRelease.yaml").read_text(encoding="utf-8"))
    )


@functools.cache
def combinations():
    """name → (release, chart, arguments of helm)."""
    values = pathlib.Path(_folder.name) / "flux.yaml"
    values.write_text(yaml.safe_dump(flux()["spec"]["values"]), encoding="utf-8")
    all_of_them = {
        "defaults": ("wgsocks", CHART, ()),
        "flux": ("wgsocks-exporter", CHART, ("--values", values)),
    }
    for path in sorted((EXAMPLES / "values").glob("*.yaml")):
        all_of_them[path.stem] = ("wgsocks", CHART, ("--values", path))
    sidecar = "wgsocks-exporter.sidecar"
    all_of_them["mullvad-proxy"] = ("golden-crab", mullvad(), ())
    all_of_them["mullvad-proxy-readyz-discover"] = (
        "free-salmon",
        mullvad(),
        (
            "--set",
            (
                f"proxyName=free-salmon,"
                f"{sidecar}.readiness=readyz,{sidecar}.discover=true,{sidecar}.proxyPorts=null"
            ),
        ),
    )
    all_of_them["mullvad-proxy-bare"] = (
        "golden-crab",
        mullvad(),
        (
            "--set",
            f"{sidecar}.readiness=none,{sidecar}.wireguardVolume=,wgsocks-exporter.bpf.pin=false",
        ),
    )
    all_of_them["mullvad-proxy-native"] = (
        "golden-crab",
        mullvad(),
        ("--set", f"{sidecar}.native=true"),
    )
    return all_of_them


def versions(name):
    """The versions to test. Init containers that keep running (sidecars) came with 1.29."""
    return [version for version in VERSIONS if version != OLD or not name.endswith("-native")]


@functools.cache
def notes(values):
    """What helm install prints: without a cluster by way of a ConfigMap."""
    chart = pathlib.Path(_folder.name) / "notes"
    if not chart.exists():
        shutil.copytree(CHART, chart)
        (chart / "templates" / "NOTES.txt").rename(chart / "files" / "notes.txt")
        (chart / "templates" / "notes.yaml").write_text(
            'kind: ConfigMap\nnotes: {{ tpl (.Files.Get "files/notes.txt") . | quote }}\n',
            encoding="utf-8",
        )
    return load(
        helm("template", "wgsocks", chart, "--set", values, "--show-only", "templates/notes.yaml")
    )[0]["notes"]


@functools.cache
def rendered(name, version=NEW):
    release, chart, arguments = combinations()[name]
    return helm(
        "template", release, chart, "--namespace", "vpn", "--kube-version", version, *arguments
    )


def load(text):
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


@functools.cache
def objects(name, version=NEW):
    return load(rendered(name, version))


def of_kind(name, kind):
    return [found for found in objects(name) if found["kind"] == kind]


def pods(documents):
    """The pod specs of all workloads."""
    return [
        document["spec"] if document["kind"] == "Pod" else document["spec"]["template"]["spec"]
        for document in documents
        if document["kind"] in ("DaemonSet", "Deployment", "Job", "Pod")
    ]


def container(name, which="wgsocks-exporter"):
    found = [
        each
        for pod in pods(objects(name))
        for each in pod["containers"] + pod.get("initContainers", [])
        if each["name"] == which
    ]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} containers {which} in {name}")
    return found[0]


def snapshot(name):
    """The rendered documents, without copies of monitoring/ and without the version.

    The copies have their own test.
    """
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    parts = []
    for part in rendered(name).removeprefix("---\n").split("\n---\n"):
        if f"\nkind: {DASHBOARD}\n" in part:
            continue
        if f"\nkind: {RULES}\n" in part:
            part = part.split("\n  groups:\n")[0] + "\n  groups: # monitoring/prometheus/rules"
        parts.append(part.rstrip("\n"))
    return (
        "# SPDX-License-Identifier: Apache-2.0\n---\n"
        + "\n---\n".join(parts).replace(version, "VERSION")
        + "\n"
    )


def operator_says(documents):
    """The errors that the operator's types report for these documents, one line each."""
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    return subprocess.run(
        [TOOLS / "operator"], input=lines, capture_output=True, text=True, check=True
    ).stdout.splitlines()
