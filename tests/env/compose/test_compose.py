# SPDX-License-Identifier: Apache-2.0
"""Runs packaging/compose except Grafana, whose image needs a registry; checks the mounts of
Grafana.

See `run` for its requirements.
"""

import json
import os
import pathlib
import subprocess

import pytest
import yaml
from checks import equal
from engine import Engine
from node import mount_bpffs
from refused import refused
from sidecar import Metrics, fetch
from sockslab import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.in_order,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(refused()), reason=f"this machine refuses BPF ({refused()})"),
]
# folders of Debian
BASE, PROMETHEUS = (os.environ.get(name) for name in ("IMAGE_BASE", "IMAGE_PROMETHEUS"))


@pytest.fixture(scope="module")
def world():
    mount_bpffs()
    with Engine() as engine:
        yield World(engine)


FOLDER = ROOT / "packaging" / "compose"
PROXIES = {"golden-crab": 1080, "free-salmon": 1081}
REQUESTS, REFUSED = 40, 7
VARIABLES = {
    "BASE": "wgsocks-base",
    "BUILD_NETWORK": "host",
    "PROXY_IMAGE": "wgsocks-compose-proxy",
    "EXPORTER_IMAGE": "wgsocks-compose-exporter",
    "PROMETHEUS_IMAGE": "wgsocks-compose-prometheus",
    "BPF": "SYS_ADMIN",
    "PERFMON": "SYS_PTRACE",
    "COMPOSE_PROJECT_NAME": "wgsocks",
}


class World:
    def __init__(self, engine):
        self.engine = engine

    def compose(self, *arguments, timeout=120):
        done = subprocess.run(
            ["docker-compose", *arguments],
            cwd=FOLDER,
            env={**self.engine.environment, **VARIABLES},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, (
            f"docker-compose {arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout

    def address(self, service):
        networks = self.engine.inspect(f"wgsocks_{service}_1")["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]

    def scrape(self, name):
        status, body = fetch(self.address(name), 9090)
        equal(status, 200, name)
        return Metrics(body)

    def ready(self, name):
        try:
            metrics = self.scrape(name)
        except (OSError, AssertionError):
            return None
        up = metrics.by("wgsocks_exporter_program_up", "program")
        return metrics if up and all(up.values()) else None

    def query(self, path):
        try:
            status, body = fetch("127.0.0.1", 9091, path)
        except OSError:
            return None
        return json.loads(body)["data"] if status == 200 else None


def ask(port, target, count):
    """The output of curl for each."""
    done = [
        subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{size_download}",
                "--max-time",
                "10",
                "--socks5",
                f"127.0.0.1:{port}",
                target,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(count)
    ]
    return [(each.returncode, int(each.stdout or 0)) for each in done]


def test_the_file_is_understood(world):
    services = yaml.safe_load(world.compose("config"))["services"]
    equal(
        {
            "grafana",
            "prometheus",
            "client",
            "far-end",
            "keys",
            *PROXIES,
            *(f"{name}-metrics" for name in PROXIES),
        },
        set(services),
        "services",
    )
    for volume in services["grafana"]["volumes"]:
        source = volume.split(":")[0]
        assert "/" not in source or list(pathlib.Path(source).iterdir()), f"{source} is empty"
    source = yaml.safe_load(
        (ROOT / "monitoring/grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"][0]["url"]
    equal(source, "http://prometheus:9090", "Grafana's source is the service")


def test_all_of_it_is_up(world):
    world.compose(
        "up",
        "-d",
        "--no-build",
        *PROXIES,
        *(f"{name}-metrics" for name in PROXIES),
        "client",
        "prometheus",
    )
    for name in PROXIES:
        wait_until(lambda name=name: world.ready(name), 60, f"the exporter of {name}")
        wait_until(
            lambda name=name: world.scrape(name).sum("proxy_requests_total") > 3,
            60,
            f"traffic through {name}",
        )
        metrics = world.scrape(name)
        equal(metrics.find("vpn_tunnel_state", state="up")[0][2], 1, f"the tunnel of {name}")
        equal(metrics.value("proxy_info"), 1)
        equal(metrics.find("proxy_info")[0][1]["proxy_name"], name)


def test_counts_are_the_clients(world):
    world.compose("stop", "client")
    for name, port in PROXIES.items():
        wait_until(
            lambda name=name: world.scrape(name).value("proxy_active_connections") == 0,
            20,
            "no connection",
        )
        before = world.scrape(name)
        equal(ask(port, "http://10.66.0.1/file", REQUESTS), [(0, 100000)] * REQUESTS, "downloads")
        ask(port, "http://10.66.0.1:81/", REFUSED)
        wait_until(
            lambda name=name: world.scrape(name).value("proxy_active_connections") == 0,
            20,
            "no connection",
        )
        after = world.scrape(name)
        for family, count in (
            ("proxy_requests_total", REQUESTS + REFUSED),
            ("proxy_requests_successful_total", REQUESTS),
            ("proxy_requests_failed_total", REFUSED),
        ):
            equal(after.sum(family) - before.sum(family), count, f"{family} of {name}")
        equal(after.sum("proxy_leaked_connections_total"), 0, "leaks")


def test_prometheus_has_both_and_the_rules(world, record_property):
    up = wait_until(
        lambda: (
            [
                sample
                for sample in (world.query("/api/v1/query?query=up") or {"result": []})["result"]
                if sample["value"][1] == "1"
            ][1:]
            and True
        ),
        60,
        "both targets",
    )
    equal(up, True)
    groups = world.query("/api/v1/rules")["groups"]
    wait_until(
        lambda: all(
            group["lastEvaluation"][:4] != "0001"
            for group in world.query("/api/v1/rules")["groups"]
            if group["interval"] <= 60
        ),
        90,
        "rules to be evaluated",
    )
    equal(
        [
            rule["name"]
            for group in world.query("/api/v1/rules")["groups"]
            for rule in group["rules"]
            if rule["health"] == "err"
        ],
        [],
        "rules that do not work",
    )
    found = world.query("/api/v1/query?query=proxy_info")["result"]
    equal({sample["metric"]["proxy_name"] for sample in found}, set(PROXIES), "proxies")
    record_property("note", f"{sum(len(group['rules']) for group in groups)} rules")


def test_down_leaves_nothing(world):
    world.compose("down", "-v")
    equal(world.engine.run("ps", "-aq").stdout.split(), [], "containers")
    left = [
        name
        for _, _, names in os.walk("/sys/fs/bpf")
        for name in names
        if not name.endswith(".debug")
    ]
    equal(left, [], "pins")


def outside():
    """The images: with the network of the machine."""
    with Engine() as engine:
        engine.import_folder(BASE, "wgsocks-base")
        engine.import_folder(
            PROMETHEUS,
            VARIABLES["PROMETHEUS_IMAGE"],
            "--change",
            'ENTRYPOINT ["/usr/bin/prometheus"]',
            "--change",
            "USER root",
        )
        World(engine).compose("build", "golden-crab", "golden-crab-metrics", timeout=900)
