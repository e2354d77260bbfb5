# SPDX-License-Identifier: Apache-2.0
"""Six proxies for the dashboards, with a history of two months, many kinds of clients and faults.

Sidecars and an agent run in parallel. Prometheus has the rules of monitoring/prometheus, evaluated
more often than usual, over windows of their real length.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]

import made_history
import mmdb
from node import Node, mount_bpffs
from pod_cgroup import Cgroup
from sidecar import ROOT, Sidecar, join_underlay, kill_all
from sockslab import Lab, addresses, wait_until

HERE = pathlib.Path(__file__).resolve().parent
RULES = ROOT / "monitoring" / "prometheus" / "rules"
NAMES = ("golden-crab", "free-salmon", "mighty-bird", "calm-otter", "quick-heron", "sleepy-seal")
PORT = 7008
POD_UID = "7c1e6a52-3b0d-4f8e-9d34-00a1b2c3d4e5"
IN_DEPTH = "quick-heron"  # its clients do everything
# Targets of the clients: networks for documentation, which the test database maps to countries.
PLACES = {
    "files.example": ("198.51.100.10", "US"),
    "video.example": ("203.0.113.10", "NL"),
    "news.example": ("192.0.2.10", "DE"),
    "shop.example": ("198.51.100.140", "FR"),
    "mail.example": ("192.0.2.140", "SE"),
    "maps.example": ("203.0.113.140", "JP"),
    "music.example": ("198.51.100.200", "BR"),
    "code.example": ("203.0.113.200", "SG"),
    "lab.example": ("10.99.7.1", None),
}  # and all names below it
COUNTRIES = {
    "198.51.100.0/25": "US",
    "198.51.100.128/26": "FR",
    "198.51.100.192/26": "BR",
    "192.0.2.0/25": "DE",
    "192.0.2.128/25": "SE",
    "203.0.113.0/25": "NL",
    "203.0.113.128/26": "JP",
    "203.0.113.192/26": "SG",
}
# requests a second; bytes, source and duration in seconds of each
CLIENTS = {
    "golden-crab": (
        "4,files.example,{port},60000,0.5",
        "2,video.example,{port},250000,2",
        "3,news.example,{port},8000,0.1",
        "1,a%d.lab.example,{port},1000,0.1",
        "0.3,nowhere%d.example,80,0,0",
        "0.2,10.99.0.1,9,0,0",
    ),
    "free-salmon": (
        "3,video.example,{port},120000,1",
        "2,music.example,{port},40000,0.2",
        "2,mail.example,{port},3000,0.1",
        "0.2,10.99.0.3,80,0,0",
        "1,b%d.lab.example,{port},1000,0.1",
    ),
    "mighty-bird": ("1,maps.example,{port},20000,0.2", "0.5,c%d.lab.example,{port},5000,0.1"),
    "calm-otter": (
        "2,shop.example,{port},15000,0.2",
        "1,code.example,{port},30000,0.3",
        "2,d%d.lab.example,{port},500,0.1",
    ),
    "quick-heron": (
        "3,news.example,{port},5000,0.1",
        "1,maps.example,{port},9000,0.1",
        "2,video.example,{port},40000,0.5",
        "1,e%d.lab.example,{port},500,0.1",
        "0.2,10.99.0.3,80,0,0",
    ),
    "sleepy-seal": ("0.5,mail.example,{port},2000,0.1",),
}
ARGUMENTS = (
    "--collector.clients",
    "--collector.destinations",
    "--destinations.label=name",
    "--destinations.max=9",
    "--cost.per-gigabyte=0.05EUR",
)

# The alerts that trouble() causes, with their proxies.
EXPECTED = {
    ("VpnTunnelStale", "mighty-bird"),
    ("ProxyLeak", "calm-otter"),
    ("ProxyDnsLeak", "calm-otter"),
    ("ProxyUpstreamRefused", "quick-heron"),
    ("WgsocksExporterDown", None),
}


def often(text):
    """The rules, evaluated every 2 s (long ones every 10 s), alerts after 5 s; windows are
    unchanged.
    """
    text = re.sub(r"\bfor: \w+", "for: 5s", text)
    return re.sub(
        r"interval: (\w+)", lambda match: f"interval: {'2s' if match[1] == '1m' else '10s'}", text
    )


def configuration(folder, targets):
    for path in RULES.glob("*.yml"):
        (folder / path.name).write_text(often(path.read_text(encoding="utf-8")), encoding="utf-8")
    listed = "".join(
        f"      - {{targets: [{json.dumps(address)}], labels: {json.dumps(labels)}}}\n"
        for address, labels in targets
    )
    return (
        f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: "
        f"[{', '.join(str(folder / path.name) for path in RULES.glob('*.yml'))}]\n"
        f"scrape_configs:\n  - job_name: wgsocks\n    static_configs:\n{listed}"
    )


class DashboardWorld:
    def __init__(self):
        self.started = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.stack = stack
            self.lab = stack.enter_context(
                Lab(
                    proxies=len(NAMES),
                    connect_timeout=6,
                    keepalive=5,
                    dante_env=lambda index: {"PROXY_NAME": NAMES[index]},
                )
            )
            self.proxies = dict(zip(NAMES, self.lab.proxies, strict=True))
            join_underlay()
            mount_bpffs()
            stack.callback(self._unmount)
            stack.callback(kill_all)
            stack.callback(self._end)
            self._pod(stack)
            self._internet()
            self._history()
            self._exporters()
            self.database.start(configuration(self.folder, [*self.targets.items()]))
            self.stack = stack.pop_all()
        self.begun = time.time()
        for name in NAMES:
            self.ask(name)
        wait_until(
            lambda: self.database.value("count(count_over_time(up[1m]) >= 4)") == len(self.targets),
            20,
            "four scrapes of everything",
        )
        return self

    def __exit__(self, *what):
        return self.stack.__exit__(*what)

    def _end(self):
        for process in self.started:
            process.kill()
            process.wait()
        if hasattr(self, "database"):
            self.database.stop()

    def _unmount(self):
        """Wait until the killed exporters have released it."""
        wait_until(
            lambda: (
                subprocess.run(
                    ["umount", "/sys/fs/bpf"], capture_output=True, check=False
                ).returncode
                == 0
            ),
            5,
            "umount /sys/fs/bpf",
        )

    def _pod(self, stack):
        """Move the dante of one proxy into a pod, as the agent sees it."""
        subprocess.run(["mount", "-t", "tmpfs", "logs", "/var/log"], check=True)
        stack.callback(subprocess.run, ["umount", "/var/log"], check=False)
        cgroup, dante = Cgroup(POD_UID), self.proxies[IN_DEPTH].dante
        stack.callback(lambda: cgroup.leave(dante.processes()))
        cgroup.take(dante.processes())
        pathlib.Path("/var/log/pods", f"vpn_{IN_DEPTH}-0_{POD_UID}").mkdir(parents=True)

    def _internet(self):
        inet = self.lab.inet
        inet.stop_dns()
        inet.start_dns(
            *[f"--address=/{name}/{address}" for name, (address, _country) in PLACES.items()]
        )
        inet.ip(*[f"address add {address}/32 dev wg0" for address, _country in PLACES.values()])
        self.started.append(
            inet.popen([sys.executable, str(HERE / "transfers.py"), "serve", str(PORT)])
        )

    def _history(self):
        self.folder = pathlib.Path("/run/lab/prometheus")
        self.database = made_history.Database(self.folder)
        self.targets = {
            f"{proxy.addr4}:9090": {"namespace": "vpn", "pod": f"{name}-0", "node": "worker-1"}
            for name, proxy in self.proxies.items()
        }
        self.targets["10.77.254.1:9090"] = {
            "namespace": "monitoring",
            "pod": "wgsocks-agent-x7k2p",
            "node": "worker-1",
        }
        labels = {
            name: {"job": "wgsocks", "instance": address, **more, "proxy_name": name}
            for name, (address, more) in zip(NAMES, self.targets.items(), strict=False)
        }
        made_history.write(
            self.database,
            [
                made_history.Past(labels["golden-crab"], 9000),
                made_history.Past(labels["free-salmon"], 6500, failing=0.03, down=((500, 497),)),
                made_history.Past(
                    labels["mighty-bird"], 4000, days=40, down=((190, 183), (30, 28))
                ),
                made_history.Past(labels["calm-otter"], 2500, size=80_000, leaks=((310, 307),)),
                made_history.Past(labels["quick-heron"], 3000, failing=0.12, days=20),
                made_history.Past(labels["sleepy-seal"], 300),
            ],
        )

    def _exporters(self):
        # Not in /run, which is private to each proxy.
        geo = (
            pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "countries.mmdb"
        )
        geo.write_bytes(mmdb.make(COUNTRIES))
        arguments = (*ARGUMENTS, f"--geoip.database={geo}")
        self.sidecars = {
            name: Sidecar(
                proxy, name, "--proxy.port=1080", *arguments, wait=False, stderr=subprocess.DEVNULL
            )
            for name, proxy in self.proxies.items()
        }
        for sidecar in self.sidecars.values():
            sidecar.wait_ready(40)
        self.node = Node(
            *arguments,
            env={"NODE_NAME": "worker-1"},
            wait_for=len(NAMES),
            stderr=subprocess.DEVNULL,
        )

    def ask(self, name):
        """Start the clients of this proxy."""
        specs = [f"{self.proxies[name].addr4},{spec.format(port=PORT)}" for spec in CLIENTS[name]]
        self._clients("transfers.py", "ask", *specs)

    def _clients(self, script, *arguments):
        self.started.append(
            self.lab.clients.popen([sys.executable, str(HERE / script), *arguments])
        )

    def trouble(self):
        """Cause faults.

        A peer forgets its tunnel; a route leads around a tunnel; targets refuse connections; a
        sidecar stops while the agent runs.
        """
        inet, proxies = self.lab.inet, self.proxies
        self.lab.traffic(
            "6 bind",
            "6 udp",
            "6 abort",
            "10 connect socks=4",
            "4 timeout",
            "6 blocked",
            "10 connect addr=ipv6",
            proxies=[proxies[IN_DEPTH]],
        )
        self._new_handshake(proxies[IN_DEPTH])
        inet.run(["wg", "set", "wg0", "peer", proxies["mighty-bird"].public_key, "remove"])
        for address in (PLACES["shop.example"][0], addresses.DNS4):
            proxies["calm-otter"].ip(
                f"route add {address}/32 via {addresses.INET_UNDERLAY4} dev eth0"
            )
        self._clients(
            "steady_clients.py",
            f"{proxies['quick-heron'].addr4},6,{addresses.TARGET4},{addresses.CLOSED_PORT}",
        )
        self.sidecars["sleepy-seal"].stop(9)

    def _new_handshake(self, proxy):
        """Remove and restore the peer; without this, the next handshake comes after two minutes."""
        peer = ["peer", self.lab.inet.public_key]
        proxy.run(["wg", "set", "wg0", *peer, "remove"])
        proxy.run(
            [
                "wg",
                "set",
                "wg0",
                *peer,
                "allowed-ips",
                "0.0.0.0/0,::/0",
                "endpoint",
                f"{addresses.INET_UNDERLAY4}:{addresses.WIREGUARD_PORT}",
                "persistent-keepalive",
                "5",
            ]
        )

    def firing(self):
        return {
            (one["metric"]["alertname"], one["metric"].get("proxy_name"))
            for one in self.database.ask("query", query='ALERTS{alertstate="firing"}')["result"]
        }

    def wait_trouble(self, timeout=120):
        """Wait until the alert of each fault fires and the rules over weeks have been evaluated."""
        wait_until(
            lambda: self.firing() >= EXPECTED, timeout, f"{sorted(map(str, EXPECTED))} to fire"
        )
        for record in ("proxy:tunnel_usable:ratio30d", "proxy:active_connections:usual_high"):
            wait_until(lambda record=record: self.database.value(f"count({record})"), 40, record)
        # The history dashboard queries whole minutes.
        wait_until(
            lambda: self.database.value('count_over_time(ALERTS{alertstate="firing"}[5m:1m])'),
            70,
            "an alert at a whole minute",
        )
