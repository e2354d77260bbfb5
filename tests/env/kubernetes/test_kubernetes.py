# SPDX-License-Identifier: Apache-2.0
"""The chart on a real Kubernetes, from helm install to helm uninstall, with pods of real dante and
wireguard-go under traffic.

`run` says what it needs.
"""

import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest
import yaml
from busy import Busy, rises
from checks import equal
from cluster import BIN, RUN, Cluster
from kpod import NAMESPACE, KPod, simple
from leftovers import attached
from logfmt import records
from node import Node, check_views, mount_bpffs
from refused import refused
from sidecar import Metrics, Sidecar, fetch, join_underlay
from sockslab import Lab, wait_until
from truth import Before, check_all, settle

ROOT = pathlib.Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.in_order,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(refused()), reason=f"this machine refuses BPF ({refused()})"),
]
# a folder of Debian with dante, wireguard-go, and wget for helm test
PROXY = os.environ.get("IMAGE_PROXY")


@pytest.fixture(scope="module")
def world():
    RUN.mkdir()
    mount_bpffs()
    cluster = Cluster()
    images(cluster)
    for name in (NAMESPACE, MONITORING):
        cluster.kubectl("create", "namespace", name)
    with Lab(proxies=PROXIES, connect_timeout=4, namespace=pods(cluster)) as lab:
        join_underlay()
        wait_until(lambda: _ready(cluster), 60, "the sidecar's container")
        yield World(cluster, lab)


MONITORING, RELEASE = "monitoring", "wgsocks"
CONTAINER = "wgsocks-exporter"
NAME = f"{RELEASE}-wgsocks-exporter"
PROXIES = 3  # the last has a sidecar as well
VALUES = {
    "image": {"repository": "localhost/wgsocks_exporter", "tag": "1", "pullPolicy": "Never"},
    "exporter": {"proxiesMax": 16},
    "memory": {"cpus": os.cpu_count()},
    "probes": {"periodSeconds": 1},
    "cleanup": {"waiter": {"image": "localhost/kubectl:1"}},
    "test": {"image": "localhost/proxy:1"},
}
NODE = {
    "net_admin",
    "net_broadcast",
    "sys_ptrace",
    "sys_admin",
    "dac_read_search",
    "perfmon",
    "bpf",
}
BESIDE = {"net_admin", "perfmon", "bpf"}


def rights(pid):
    """{process name: names of its effective capabilities} of a container's first process and its
    children.
    """
    header = pathlib.Path("/usr/include/linux/capability.h").read_text()
    names = {
        int(line.split()[2]): line.split()[1].removeprefix("CAP_").lower()
        for line in header.splitlines()
        if line.startswith("#define CAP_") and line.split()[2].isdigit()
    }
    found = {}
    for each in (str(pid), *pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        status = dict(
            line.split(":\t", 1)
            for line in pathlib.Path(f"/proc/{each}/status").read_text().splitlines()
            if ":\t" in line
        )
        found[status["Name"]] = {
            name for bit, name in names.items() if int(status["CapEff"], 16) >> bit & 1
        }
    return found


class Agent(Node):
    """The DaemonSet's pod."""

    def __init__(self, cluster):
        self.cluster = cluster

    def pod(self):
        return self.cluster.pod(
            MONITORING,
            "-l",
            f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component!=test",
        )

    def scrape(self, path="/metrics", port=9090):
        pod = self.pod()
        assert pod and pod["status"].get("podIP"), "no pod of the agent"
        status, body = fetch(pod["status"]["podIP"], port, path)
        equal(status, 200, path)
        return Metrics(body)

    def pid(self):
        pod = self.pod()
        return pod and self.cluster.container_pid(MONITORING, pod["metadata"]["name"], CONTAINER)


class Beside(Sidecar):
    """The sidecar in the last proxy's pod."""

    def __init__(self, cluster, proxy, name):
        self.cluster, self.proxy, self.name = cluster, proxy, name


class World:
    def __init__(self, cluster, lab):
        self.cluster, self.lab = cluster, lab
        self.agent = Agent(cluster)
        self.views = [self.agent.view(proxy, f"crab-{proxy.index}") for proxy in lab.proxies]
        self.beside = Beside(cluster, lab.proxies[-1], f"crab-{PROXIES - 1}")

    def helm(self, command, **values):
        file = RUN / "values.yaml"
        file.write_text(yaml.safe_dump(VALUES | values))
        return self.cluster.helm(
            command,
            RELEASE,
            ROOT / "charts/wgsocks-exporter",
            "-n",
            MONITORING,
            "-f",
            file,
            "--wait",
            "--timeout",
            "120s",
        )

    def count(self, change):
        """Traffic while it happens: every count, the sidecar's too, equals the clients' and the
        kernel's own; no probe fails.
        """
        views = [*self.views, self.beside]
        befores = [Before(view) for view in views]
        busy = Busy(self.lab)
        try:
            before = self.agent.scrape().sum("proxy_requests_total")
            rises(self.agent, before + 100)
            change()
            rises(self.agent, before + 400)
        finally:
            tally = busy.finish()
        check_views(views, befores, tally)
        equal(
            [*self.cluster.unhealthy(MONITORING), *self.cluster.unhealthy(NAMESPACE)],
            [],
            "probes that failed",
        )
        equal(self.cluster.restarts(self.agent.pod()), {CONTAINER: 0}, "restarts of the agent")
        return f"{tally['requests_total']} requests"


def test_helm_install_finds_the_pods(world):
    notes = world.helm("install")
    equal("port-forward" in notes, True, notes)
    equal(
        world.agent.wait_watched(PROXIES, 40),
        [f"crab-{index}" for index in range(PROXIES)],
        "names",
    )
    metrics = world.agent.scrape()
    for view in world.views:
        info = metrics.find("proxy_kubernetes_info", proxy_name=view.name)
        equal(len(info), 1, view.name)
        labels = info[0][1]
        equal(
            (
                labels["proxy_namespace"],
                labels["proxy_pod"],
                labels["proxy_pod_uid"],
                labels["proxy_node"],
            ),
            (NAMESPACE, view.proxy.ns.pod, view.proxy.ns.uid(), "lab"),
            view.name,
        )
        equal(
            metrics.find("vpn_tunnel_state", proxy_name=view.name, state="up")[0][2],
            1,
            "the tunnel, asked of wireguard-go in its pod",
        )


def test_every_count_is_the_clients(world, record_property):
    views = [*world.views, world.beside]
    befores = [Before(view) for view in views]
    tally = world.lab.traffic(
        "300 connect", "40 refused", "30 transfer", "20 connect socks=4", "20 abort", seed=5
    ).finish()
    for view in views:
        settle(view)
    check_all(befores, tally)
    record_property("note", f"{tally['requests_total']} requests")


def test_rights_are_those_of_the_documents(world):
    equal(
        rights(world.agent.pid()),
        {
            "wgsocks_exporte": NODE,
            "wgsocks-collect": NODE,
            "wgsocks-health": set(),
            "wgsocks-web": set(),
        },
    )
    pid = world.cluster.container_pid(NAMESPACE, world.beside.proxy.ns.pod, CONTAINER)
    equal(
        rights(pid),
        {
            "wgsocks_exporte": BESIDE,
            "wgsocks-collect": BESIDE,
            "wgsocks-health": set(),
            "wgsocks-web": set(),
        },
    )


def test_helm_test(world):
    """Pods ask the bridge's address for names; who answers knows this one."""
    address = world.agent.pod()["status"]["podIP"]
    names = subprocess.Popen(
        [
            "dnsmasq",
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--listen-address=10.88.0.1",
            "--bind-interfaces",
            f"--address=/{NAME}.{MONITORING}.svc/{address}",
            f"--address=/{NAME}.{MONITORING}.svc.cluster.local/{address}",
        ]
    )
    try:
        said = world.cluster.helm(
            "test", RELEASE, "-n", MONITORING, "--timeout", "60s", check=False
        )
        equal("Phase:          Succeeded" in said, True, said)
    finally:
        names.kill()
        names.wait()


def test_rollout_restart_loses_nothing(world, record_property):
    def restart():
        first = world.agent.pod()["metadata"]["uid"]
        world.cluster.kubectl("rollout", "restart", f"daemonset/{NAME}", "-n", MONITORING)
        world.cluster.kubectl(
            "rollout", "status", f"daemonset/{NAME}", "-n", MONITORING, "--timeout=120s"
        )
        wait_until(
            lambda: (world.agent.pod() or {"metadata": {"uid": first}})["metadata"]["uid"] != first,
            60,
            "another pod",
        )
        world.agent.wait_watched(PROXIES)

    record_property("note", world.count(restart))


def test_helm_upgrade_to_a_changed_binary_loses_nothing(world, record_property):
    def upgrade():
        world.helm("upgrade", image=VALUES["image"] | {"tag": "other"})
        wait_until(
            lambda: (
                world.agent.pod()
                and world.agent.pod()["spec"]["containers"][0]["image"].endswith(":other")
            ),
            60,
            "the other image",
        )
        world.agent.wait_watched(PROXIES)

    record_property("note", world.count(upgrade))


def test_a_pod_deleted_and_recreated(world):
    """The same name with another uid: its series restart at 0, and there are never two."""

    def info():
        metrics = world.agent.try_scrape()
        return (
            [
                sample[1]["proxy_pod_uid"]
                for sample in metrics.find("proxy_kubernetes_info", proxy_pod="crab-again")
            ]
            if metrics
            else []
        )

    for _ in range(2):
        uid = simple(world.cluster, "crab-again", {})
        wait_until(lambda uid=uid: info() == [uid], 20, "it to be found")
        equal(world.agent.scrape().value("proxy_listener_up", proxy_name="crab-again"), 1)
        world.cluster.kubectl("delete", "pod", "crab-again", "-n", NAMESPACE)
        wait_until(
            lambda: info() == [] and "crab-again" not in world.agent.names(),
            20,
            "its series to end",
        )


def test_kubelets_probes_fail_when_they_should(world):
    """A stopped container is restarted, and the counts stay."""
    befores = [Before(view) for view in world.views]
    pid = world.agent.pid()
    for each in (
        pid,
        *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()),
    ):
        os.kill(each, signal.SIGSTOP)
    tally = world.lab.traffic("100 connect", "10 refused", seed=6).finish()
    wait_until(lambda: world.agent.pid() not in (None, pid), 60, "another container")
    equal(world.cluster.unhealthy(MONITORING) != [], True, "events")
    world.agent.wait_watched(PROXIES)
    check_views(world.views, befores, tally)
    equal(world.cluster.restarts(world.agent.pod()), {CONTAINER: 1}, "restarts")


def test_a_missing_secret(world):
    """The pod runs and reports the wait; once the Secret exists, its settings are active."""
    world.helm("upgrade", web={"configSecret": "later", "configKey": "web.yml"})
    metrics = wait_until(lambda: world.agent.try_scrape(), 30, "an answer")
    equal(
        (
            metrics.value("wgsocks_exporter_web_config_last_reload_successful"),
            metrics.find("proxy_info"),
        ),
        (0, []),
    )
    log = world.cluster.kubectl("logs", "-n", MONITORING, world.agent.pod()["metadata"]["name"])
    equal(len(records(log, path=re.compile("web.yml$"), error="No such file or directory")), 1, log)
    world.cluster.kubectl(
        "create",
        "secret",
        "generic",
        "later",
        "-n",
        MONITORING,
        "--from-literal=web.yml=http_server_config: {headers: {X-Frame-Options: deny}}\n",
    )
    # kubelet looks once a minute
    wait_until(lambda: world.agent.watched(), 150, "the Secret to be in force")
    equal(world.cluster.restarts(world.agent.pod()), {CONTAINER: 0}, "restarts")


def test_helm_uninstall_leaves_nothing(world):
    world.cluster.helm("uninstall", RELEASE, "-n", MONITORING, "--wait", "--timeout", "180s")
    ours = pathlib.Path("/sys/fs/bpf/wgsocks/node")
    equal(ours.exists() and [str(path) for path in ours.rglob("*")], False, "pins of the agent")
    # The sidecar keeps its own.
    for proxy in world.lab.proxies[:-1]:
        equal(attached(proxy), [], f"programs in {proxy.ns.name}")
    wait_until(
        lambda: world.cluster.get("all", "-n", MONITORING)["items"] == [],
        30,
        "its objects to be gone",
    )
    world.cluster.kubectl("delete", "pod", world.beside.proxy.ns.pod, "-n", NAMESPACE)
    wait_until(
        lambda: not [path for path in pathlib.Path("/sys/fs/bpf/wgsocks").glob("*/*")],
        20,
        "the sidecar's pins, too",
    )


def images(cluster):
    folder = RUN / "images"
    for tag, program in (("1", "build/wgsocks_exporter"), ("other", "build/slow/wgsocks_exporter")):
        subprocess.run(
            [sys.executable, ROOT / "packaging/image/rootfs", ROOT / program, folder / tag],
            check=True,
        )
        cluster.image(
            folder / tag, f"localhost/wgsocks_exporter:{tag}", ["/usr/sbin/wgsocks_exporter"]
        )
    for name, program in (("pause", BIN / "pause"), ("kubectl", BIN / "kubectl")):
        place = folder / name / "usr/bin" / name
        place.parent.mkdir(parents=True)
        (folder / name / "tmp").mkdir(mode=0o777)
        shutil.copy(program, place)
        cluster.image(
            folder / name, f"localhost/{name}:1", [f"/usr/bin/{name}"] if name == "pause" else []
        )
    cluster.image(PROXY, "localhost/proxy:1")


def sidecar_of_the_example(cluster):
    """The sidecar of charts/examples/mullvad-proxy: its container, its volumes, and the values of
    this test.
    """
    chart = RUN / "mullvad-proxy"
    shutil.copytree(ROOT / "charts/examples/mullvad-proxy", chart)
    (chart / "charts").mkdir(exist_ok=True)
    shutil.copytree(ROOT / "charts/wgsocks-exporter", chart / "charts/wgsocks-exporter")
    values = {
        "proxyName": f"crab-{PROXIES - 1}",
        "wgsocks-exporter": {"image": VALUES["image"], "memory": VALUES["memory"]},
    }
    (RUN / "example.yaml").write_text(yaml.safe_dump(values))
    text = cluster.helm("template", "golden-crab", chart, "-f", RUN / "example.yaml")
    pod = next(
        thing for thing in yaml.safe_load_all(text) if thing and thing["kind"] == "Deployment"
    )["spec"]["template"]["spec"]
    container = next(each for each in pod["containers"] if each["name"] != "proxy")
    mounts = {mount["name"] for mount in container["volumeMounts"]} - {"wireguard"}
    return container, [volume for volume in pod["volumes"] if volume["name"] in mounts]


def pods(cluster):
    """For each proxy of the lab, what makes its namespace. One has its name from PROXY_NAME, one
    from its pod, one has a sidecar.
    """
    container, volumes = sidecar_of_the_example(cluster)

    def maker(index):
        name = f"crab-{index}" if index else "mullvad-0"
        env = {"PROXY_NAME": "crab-0"} if index == 0 else {}
        beside = index == PROXIES - 1
        return functools.partial(
            KPod, cluster, name, env, [container] if beside else [], volumes if beside else []
        )

    return maker


def _ready(cluster):
    return cluster.container_pid(NAMESPACE, f"crab-{PROXIES - 1}", CONTAINER)
