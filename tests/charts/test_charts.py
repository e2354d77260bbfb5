# SPDX-License-Identifier: Apache-2.0
"""charts/, without a cluster: every combination that the documentation has, held against
Kubernetes' schemas and the operator's types, and against what the program itself says. UPDATE=1 in
the environment writes the snapshots.
"""

import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import site
import subprocess
import tempfile

import pytest
import rendering
import yaml
from checks import equal
from rendering import (
    CHART,
    EXAMPLES,
    NEW,
    OLD,
    container,
    helm,
    load,
    objects,
    of_kind,
    operator_says,
    pods,
    rendered,
)


@pytest.fixture(scope="module", autouse=True)
def tools():
    """helm, the operator's types and Kubernetes' schemas, in build/chart-tools."""
    done = subprocess.run(
        [ROOT / "mk" / "chart-tools"], capture_output=True, text=True, check=False
    )
    if done.returncode == 2:
        pytest.skip((done.stderr.strip().splitlines() or ["no chart tools"])[-1])
    equal(done.returncode, 0, done.stderr)
    site.addsitedir(next(rendering.TOOLS.glob("python/lib/python3*/site-packages")))


ROOT = rendering.ROOT
SNAPSHOTS = ROOT / "tests" / "charts" / "snapshots"
MONITORING = ROOT / "monitoring"
README = (CHART / "README.md").read_text(encoding="utf-8")
OPERATORS = "monitoring.coreos.com/v1"

# Setting → error message of helm, to the end of the line.
BAD = {
    "mode=both": "at '/mode': value must be one of 'node', 'sidecar'",
    "mode={node,sidecar}": "at '/mode': value must be one of 'node', 'sidecar'",
    "proxiesMax=5": "at '': additional properties 'proxiesMax' not allowed",
    "exporter.proxyMax=5": "at '/exporter': additional properties 'proxyMax' not allowed",
    "exporter.proxiesMax=many": "at '/exporter/proxiesMax': got string, want integer",
    "exporter.proxiesMax=0": "at '/exporter/proxiesMax': minimum: got 0, want 1",
    "exporter.metricsPort=65536": "at '/exporter/metricsPort': maximum: got 65,536, want 65,535",
    "exporter.collectors.dnss=false": "at '/exporter/collectors': additional properties 'dnss' not "
    "allowed",
    "exporter.log.level=loud": "at '/exporter/log/level': value must be one of 'debug', 'info', "
    "'warn', 'error'",
    "bpf.pin=maybe": "at '/bpf/pin': got string, want boolean",
    "resources.limits.memory=lots": "at '/resources/limits/memory': 'lots' does not match pattern",
    "updateStrategy.rollingUpdate.maxSurge=1": "at '/updateStrategy/rollingUpdate': additional "
    "properties 'maxSurge' not allowed",
    "sidecar.readiness=vpn": "at '/sidecar/readiness': value must be one of 'livez', 'readyz', "
    "'none'",
    "image.pullPolicy=Sometimes": "at '/image/pullPolicy': value must be one of 'Always', "
    "'IfNotPresent', 'Never'",
    "serviceMonitor.interval=15": "at '/serviceMonitor/interval': got number, want string",
    "exporter.healthPort=9090": "exporter.metricsPort and exporter.healthPort: one port cannot be "
    "both",
    "web.tls=true": "web.tls: TLS is asked for by a file; set web.configSecret",
    "serviceMonitor.enabled=true,podMonitor.enabled=true": "serviceMonitor.enabled and "
    "podMonitor.enabled: every agent would "
    "be scraped twice; set one",
    "serviceMonitor.enabled=true,service.enabled=false": "serviceMonitor.enabled: it needs "
    "service.enabled; without a Service set "
    "podMonitor.enabled",
    "mode=sidecar,serviceMonitor.enabled=true": "serviceMonitor.enabled: with mode=sidecar this "
    "chart has no Service; set podMonitor.enabled",
    "mode=sidecar,networkPolicy.enabled=true": "networkPolicy.enabled: with mode=sidecar the pods "
    "are another chart's, and so are their policies",
}


def refused(chart, values, line):
    try:
        helm("template", "wgsocks", chart, "--set", values)
    except RuntimeError as error:
        said = [each for each in str(error).splitlines() if "Use --debug" not in each and each]
        # The schema's errors have two lines of introduction, which name the chart.
        equal(len(said), 3 if "schema" in said[0] else 1, f"lines of {said}")
        assert line in said[-1], said
        return
    raise AssertionError(f"{values} is rendered")


@pytest.mark.parametrize(("values", "line"), BAD.items(), ids=BAD)
def test_bad_value(values, line):
    refused(CHART, values, line)


def keys(values, path=""):
    for key, value in values.items():
        yield f"{path}{key}"
        if isinstance(value, dict):
            yield from keys(value, f"{path}{key}.")


def without(key):
    """None, or what is wrong when the key's default is taken away."""
    try:
        load(
            helm(
                "template",
                "wgsocks",
                CHART,
                "--set",
                f"mode={'sidecar' if key.startswith('sidecar') else 'node'},{key}=null",
            )
        )
    except RuntimeError as error:
        name = key.rpartition(".")[2]
        return (
            None
            if re.search(
                rf"- at '.*': (missing property '{name}'|minProperties: got 0, want 1)$", str(error)
            )
            else f"{key}: {error}"
        )
    return None


def test_a_value_that_is_null_is_left_out_or_refused():
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        equal([why for why in pool.map(without, keys(values)) if why], [])


@pytest.mark.parametrize("name", rendering.NAMES)
def test_schemas_accept(name):
    import kubernetes_validate

    for version in rendering.versions(name):
        for document in objects(name, version):
            if document["apiVersion"] != OPERATORS:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except (
                    kubernetes_validate.ValidationError,
                    kubernetes_validate.utils.SchemaNotFoundError,
                ) as error:
                    raise AssertionError(
                        f"{name}, {version}, {document['kind']}: {error}"
                    ) from None
        equal(
            operator_says(
                found for found in objects(name, version) if found["apiVersion"] == OPERATORS
            ),
            [],
            name,
        )


@pytest.mark.parametrize("name", rendering.NAMES)
def test_snapshot(name):
    path = SNAPSHOTS / f"{name}.yaml"
    text = rendering.snapshot(name)
    if os.environ.get("UPDATE") == "1":
        path.write_text(text, encoding="utf-8")
    equal(
        text.splitlines(),
        path.read_text(encoding="utf-8").splitlines(),
        f"{name} (UPDATE=1 writes it)",
    )


def test_the_snapshots_are_those_of_the_combinations():
    equal(sorted(rendering.NAMES), sorted(rendering.combinations()), "names")
    equal(
        sorted(path.stem for path in SNAPSHOTS.glob("*")),
        sorted(rendering.combinations()),
        "snapshots",
    )


def test_lint_strict():
    for _release, chart, arguments in rendering.combinations().values():
        assert "1 chart(s) linted, 0 chart(s) failed" in helm("lint", "--strict", chart, *arguments)


def test_schemas_and_types_see_a_fault():
    import kubernetes_validate

    daemonset = load(rendered("defaults").replace("hostPID: true", "hostPid: true"))
    try:
        kubernetes_validate.validate(
            next(each for each in daemonset if each["kind"] == "DaemonSet"), NEW, strict=True
        )
        raise AssertionError("hostPid passes")
    except kubernetes_validate.ValidationError:
        pass
    monitor = {"apiVersion": OPERATORS, "kind": "ServiceMonitor", "metadata": {"name": "a"}}
    equal(
        operator_says([monitor | {"spec": {"endpoints": [{"prot": "metrics"}], "selector": {}}}]),
        ['ServiceMonitor: json: unknown field "prot"'],
    )
    assert "cannot unmarshal" in operator_says([monitor | {"spec": {"endpoints": {}}}])[0]


def test_sidecar_of_a_chart_in_node_mode_is_refused():
    refused(
        rendering.mullvad(),
        "wgsocks-exporter.mode=node",
        "wgsocks-exporter.sidecar.container: mode is node",
    )


def test_renders_in_two_seconds():
    """Of CPU: how long that takes is the machine's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    helm("template", "wgsocks", CHART, *rendering.combinations()["kube-prometheus-stack"][2])
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert took < 2, f"{took:.2f} s"


def groups_of_monitoring(prefix):
    for path in sorted((MONITORING / "prometheus" / "rules").glob("*.yml")):
        for group in load(path.read_text(encoding="utf-8"))[0]["groups"]:
            for rule in group["rules"]:
                if "runbook_url" in rule.get("annotations", {}):
                    rule["annotations"]["runbook_url"] = prefix + rule["annotations"]["runbook_url"]
            yield group


def test_rules_are_those_of_monitoring():
    equal(
        of_kind("flux", "PrometheusRule")[0]["spec"]["groups"],
        list(groups_of_monitoring("")),
        "groups",
    )
    spec = of_kind("kube-prometheus-stack", "PrometheusRule")[0]["spec"]
    equal(
        spec["groups"][:-1],
        list(groups_of_monitoring("https://git.example/wgsocks_exporter/src/")),
        "groups",
    )
    equal(spec["groups"][-1]["rules"][0]["labels"], {"proxy_name": "golden-crab"})
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump(spec, file)
        file.flush()
        subprocess.run(["promtool", "check", "rules", file.name], check=True, capture_output=True)


def test_dashboards_are_those_of_monitoring():
    wanted = {
        path.name: path.read_text(encoding="utf-8").strip()
        for path in (MONITORING / "grafana" / "dashboards").glob("*.json")
    }
    maps = of_kind("kube-prometheus-stack", "ConfigMap")
    equal(
        {key.removeprefix("wgsocks-"): text for each in maps for key, text in each["data"].items()},
        wanted,
        "dashboards",
    )
    for each in maps:
        equal(each["metadata"]["labels"]["grafana_dashboard"], "1")


def test_there_is_one_version():
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    for found in of_kind("defaults", "DaemonSet"):
        equal(found["metadata"]["labels"]["app.kubernetes.io/version"], version)
    assert container("mullvad-proxy")["image"].endswith(f":{version}"), container("mullvad-proxy")[
        "image"
    ]


def test_what_is_made_is_current():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("charts", "monitoring"):
            shutil.copytree(ROOT / name, f"{folder}/{name}")
        shutil.copy(ROOT / "VERSION", folder)
        subprocess.run([ROOT / "mk" / "charts", folder], check=True, capture_output=True)
        differing = subprocess.run(
            ["diff", "-rq", ROOT / "charts", f"{folder}/charts"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    equal(differing, "", "mk/charts was not run")


def test_the_release_fits_into_its_secret():
    with tempfile.TemporaryDirectory() as folder:
        helm("package", CHART, "--destination", folder)
        size = sum(path.stat().st_size for path in pathlib.Path(folder).glob("*.tgz"))
    # Chart and rendered objects, compressed, then base64 twice, in 1 MiB.
    assert size < 250_000, f"{size} bytes"


def test_monitors_give_the_labels_of_the_scrape_configuration():
    text = (MONITORING / "prometheus" / "prometheus-kubernetes.yml").read_text(encoding="utf-8")
    job = load(text)[0]["scrape_configs"][0]
    wanted = {"job"} | {
        row["target_label"] for row in job["relabel_configs"] if "target_label" in row
    }
    kept = next(row["regex"] for row in job["relabel_configs"] if row.get("action") == "keep")
    for name, kind, key in (
        ("kube-prometheus-stack", "ServiceMonitor", "endpoints"),
        ("pod-monitor", "PodMonitor", "podMetricsEndpoints"),
        ("sidecar-monitoring", "PodMonitor", "podMetricsEndpoints"),
    ):
        endpoint = of_kind(name, kind)[0]["spec"][key][0]
        rows = endpoint["relabelings"]
        # Namespace and pod are the operator's own.
        equal({row["targetLabel"] for row in rows} | {"namespace", "pod"}, wanted, name)
        equal(
            next(row["replacement"] for row in rows if row["targetLabel"] == "job"), job["job_name"]
        )
        equal(f"wgsocks-exporter;{endpoint['port']}", kept)
    for name in rendering.combinations():
        if name != "sidecar-monitoring":
            assert {"name": "metrics", "containerPort": 9090} in container(name)["ports"], name


def test_monitors_select_what_is_there():
    for name, kind in (("kube-prometheus-stack", "Service"), ("pod-monitor", "DaemonSet")):
        monitor = of_kind(name, "ServiceMonitor" if kind == "Service" else "PodMonitor")[0]
        for found in of_kind(name, kind)[:1]:
            labels = (
                found["metadata"]["labels"]
                if kind == "Service"
                else found["spec"]["template"]["metadata"]["labels"]
            )
            assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items(), (
                name,
                labels,
            )
    pod = of_kind("mullvad-proxy", "Deployment")[0]["spec"]["template"]["metadata"]["labels"]
    assert (
        of_kind("sidecar-monitoring", "PodMonitor")[0]["spec"]["selector"]["matchLabels"].items()
        <= pod.items()
    ), pod


def rights_of_the_program():
    """What the collector keeps, by the condition that its table has: always, of a node's agent, to
    discover, before 5.11.
    """
    text = (ROOT / "userspace" / "collector" / "collector.c").read_text(encoding="utf-8")
    body = re.search(r"static int keep_rights\(.*?\n}\n", text, re.DOTALL)[0]
    rows = re.findall(r"\{ CAP_(\w+), (\w+)", body)
    return [
        {name for name, when in rows if when == condition}
        for condition in ("true", "node", "discovers", "locked")
    ]


def test_capabilities_are_what_the_program_keeps():
    always, node, discover, old = rights_of_the_program()
    for name, wanted in (
        ("defaults", always | node | discover),
        ("old-kernel", always | node | discover | old),
        ("mullvad-proxy", always),
        ("mullvad-proxy-readyz-discover", always | discover),
    ):
        context = container(name)["securityContext"]
        equal(context["privileged"], False, name)
        equal(set(context["capabilities"]["add"]), wanted, name)
        equal(context["capabilities"]["drop"], ["ALL"])
    context = container("privileged")["securityContext"]
    equal((context["privileged"], context.get("capabilities")), (True, None))


def test_the_program_takes_the_flags():
    program = ROOT / "build" / "wgsocks_exporter"
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    containers = [
        each
        for name in rendering.combinations()
        for pod in pods(objects(name))
        for each in pod["containers"] + pod.get("initContainers", [])
        if "wgsocks_exporter" in each["image"]
    ]
    assert len(containers) > 20
    for each in containers:
        # The start reads this file, and it does not exist here.
        flags = [flag for flag in each["args"] if not flag.startswith("--web.config.file=")]
        done = subprocess.run(
            [program, *flags, "--version"], capture_output=True, text=True, check=False
        )
        equal((done.returncode, done.stderr), (0, ""), f"{flags}")
    collectors = set(re.findall(r"collector\.(\w+)", known)) - {"destinations"}
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    equal(
        set(schema["properties"]["exporter"]["properties"]["collectors"]["properties"]),
        collectors,
        "collectors",
    )


def test_nothing_asks_for_more_than_it_needs():
    for name in rendering.combinations():
        for pod in pods(objects(name)):
            equal(pod.get("hostNetwork", False), False, name)
            equal(pod["enableServiceLinks"], False, name)
            token = pod["automountServiceAccountToken"]
            equal(
                token, [each["name"] for each in pod["containers"]] == ["wait"], f"{name}: a token"
            )
            for each in pod["containers"] + pod.get("initContainers", []):
                assert "preStop" not in str(each.get("lifecycle")), name
                if each["name"] != "proxy":
                    assert each["securityContext"]["readOnlyRootFilesystem"], (name, each["name"])
    for name in rendering.combinations():
        for daemonset in of_kind(name, "DaemonSet"):
            assert "readyz" not in str(daemonset), name
    probes = {
        key: probe["httpGet"]["path"]
        for key, probe in container("mullvad-proxy-readyz-discover").items()
        if key.endswith("Probe")
    }
    equal(
        probes,
        {"livenessProbe": "/livez", "startupProbe": "/startupz", "readinessProbe": "/readyz"},
    )
    assert "readinessProbe" not in container("mullvad-proxy-bare")
    native = of_kind("mullvad-proxy-native", "Deployment")[0]["spec"]["template"]["spec"]
    equal(
        [(each["name"], each["restartPolicy"]) for each in native["initContainers"]],
        [("wgsocks-exporter", "Always")],
    )
    equal([each["name"] for each in native["containers"]], ["proxy"])


def test_apparmor_before_and_since_1_30():
    key = "container.apparmor.security.beta.kubernetes.io/"
    for name, which in (("defaults", "wgsocks-exporter"), ("mullvad-proxy", "wgsocks-exporter")):
        assert f"{key}{which}: unconfined" in rendered(
            name, OLD
        ) and "appArmorProfile" not in rendered(name, OLD), name
        assert key not in rendered(name) and "appArmorProfile" in rendered(name), name
    assert f"{key}detach: unconfined" in rendered("defaults", OLD)


def test_uninstall_cleans_every_node():
    hooks = [
        each
        for each in objects("some-nodes")
        if "post-delete" in each["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    ]
    weight = {
        each["kind"]: int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in hooks
    }
    equal(set(weight), {"DaemonSet", "Job", "Role", "RoleBinding", "ServiceAccount"})
    assert max(weight.values()) == weight["Job"] > weight["RoleBinding"] > weight["Role"], weight
    for each in hooks:
        equal(
            each["metadata"]["annotations"]["helm.sh/hook-delete-policy"],
            "before-hook-creation,hook-succeeded,hook-failed",
        )
    by_kind = {each["kind"]: each for each in hooks}
    name = by_kind["DaemonSet"]["metadata"]["name"]
    assert (
        f"daemonset/{name}"
        in by_kind["Job"]["spec"]["template"]["spec"]["containers"][0]["command"]
    )
    equal(by_kind["Role"]["rules"][0]["resourceNames"], [name])
    agent = next(
        each for each in of_kind("some-nodes", "DaemonSet") if each is not by_kind["DaemonSet"]
    )["spec"]["template"]["spec"]
    cleaner = by_kind["DaemonSet"]["spec"]["template"]["spec"]
    for key in ("nodeSelector", "affinity", "tolerations", "imagePullSecrets", "hostPID"):
        equal(cleaner[key], agent[key], key)
    equal(
        cleaner["initContainers"][0]["securityContext"], agent["containers"][0]["securityContext"]
    )
    assert {"--mode=node", "--detach", "--proxies.max=20"} <= set(
        cleaner["initContainers"][0]["args"]
    )
    assert "post-delete" not in rendered("no-pins") and "post-delete" not in rendered(
        "mullvad-proxy"
    )


def memory(name):
    found = container(name)["resources"]
    return found["requests"]["memory"], found["limits"]["memory"]


def test_memory_counts_the_maps():
    # 20 proxies × 1,000 destinations × 1.28 KiB are 25 MiB, names 3, the database 16; of it twice.
    plain = load(
        helm(
            "template",
            "a",
            CHART,
            "--set",
            "exporter.proxiesMax=20,memory.cpus=16",
            "--show-only",
            "templates/daemonset.yaml",
        )
    )[0]
    plain = plain["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    more = int(memory("destinations")[1][:-2]) - int(plain[:-2])
    assert 2 * 44 - 16 <= more <= 2 * 44 + 16, more
    equal(container("some-nodes")["resources"]["limits"]["cpu"], "1")
    assert "memory" in container("some-nodes")["resources"]["limits"]


def test_the_readmes_command_renders_what_cleans_up():
    by_hand = re.search(r"(?m)^helm (template .*) >cleanup.yaml", README)[1].split()
    kinds = [
        each["kind"]
        for each in load(
            helm(*[str(ROOT / word) if word.startswith("charts/") else word for word in by_hand])
        )
    ]
    equal(sorted(kinds), ["DaemonSet", "Job", "Role", "RoleBinding", "ServiceAccount"])


def test_notes_tell_the_first_metric():
    for values, words in (
        ("mode=node", "daemonset/wgsocks-wgsocks-exporter 9090"),
        ("mode=sidecar", "sidecar.container"),
        ("web.configSecret=a,web.tls=true", "curl -k https"),
    ):
        notes = rendering.notes(values)
        assert (
            words in notes
            and "pod-security.kubernetes.io/enforce=privileged" in notes
            and "/metrics" in notes
        ), notes


def test_flux_release():
    release = rendering.flux()
    kustomization = load((EXAMPLES / "flux" / "kustomization.yaml").read_text(encoding="utf-8"))[0]
    equal(
        sorted(kustomization["resources"]),
        sorted(
            path.name for path in (EXAMPLES / "flux").glob("*") if path.name != "kustomization.yaml"
        ),
    )
    source = load((EXAMPLES / "flux" / "source.yaml").read_text(encoding="utf-8"))[0]
    equal(release["spec"]["chartRef"], {"kind": source["kind"], "name": source["metadata"]["name"]})
    # The hook has to be over before Flux gives up.
    deadline = of_kind("flux", "Job")[0]["spec"]["activeDeadlineSeconds"]
    assert deadline < int(release["spec"]["timeout"].removesuffix("m")) * 60, deadline
