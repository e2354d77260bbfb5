# SPDX-License-Identifier: Apache-2.0
"""docs/bpftool.md: each command prints the page's output, and the counts match the clients."""

import contextlib
import json
import pathlib
import re
import socket
import subprocess

import pytest
from checks import equal, same
from dns_server import question
from pages import check_output, commands
from sidecar import ROOT, Sidecar
from sockslab import addresses, wait_until

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"tunnel": False}


@pytest.fixture(scope="module")
def world(lab):
    return World(lab)


PAGE = (ROOT / "docs" / "bpftool.md").read_text(encoding="utf-8")
BLOCKS = [(block.text, block.shown or "") for block in commands(ROOT / "docs" / "bpftool.md")]
OPTIONS = (
    "--proxy.port=1080",
    "--collector.clients",
    "--collector.destinations",
    "--destinations.label=name",
)
# The traffic behind the outputs on the page: first the traffic of a destination, then the rest.
FIRST = ("20 connect addr=name4",)
KINDS = (
    "100 connect",
    "5 connect addr=name",
    "5 transfer up=100000 down=1000000",
    "5 bind",
    "3 udp",
    "10 refused",
    "3 blocked",
    "5 abort",
    "2 nomethod",
    "4 hold",
)
# Each group of named counters: its path in a dump, the family, its label, and constant labels.
GROUPS = (
    ("requests", "proxy_requests_total", "command", {}),
    ("failures", "proxy_request_failures_total", "reason", {}),
    ("upstream_failures", "proxy_upstream_connect_failures_total", "reason", {}),
    ("retransmits", "proxy_tcp_retransmits_total", "side", {}),
    ("losses", "wgsocks_exporter_events_lost_total", "cause", {}),
    ("dns.tunnel.queries", "proxy_dns_queries_total", "type", {"path": "tunnel"}),
    ("dns.tunnel.responses", "proxy_dns_responses_total", "rcode", {"path": "tunnel"}),
    ("dns.underlay.queries", "proxy_dns_queries_total", "type", {"path": "underlay"}),
    ("dns.underlay.responses", "proxy_dns_responses_total", "rcode", {"path": "underlay"}),
    (
        "handshakes.0.initiations",
        "vpn_handshake_initiations_total",
        "direction",
        {"interface": "wg0"},
    ),
    ("handshakes.0.responses", "vpn_handshake_responses_total", "direction", {"interface": "wg0"}),
)


def added(tally, other):
    """The sum of two tallies, nested numbers included."""
    return {
        key: added(value, other.get(key, {}))
        if isinstance(value, dict)
        else value + other.get(key, 0)
        if isinstance(value, int | float)
        else value
        for key, value in tally.items()
    }


class World:
    """A sidecar whose proxy has everything that the page shows: held connections, DNS over TCP, a
    query without an answer.
    """

    def __init__(self, lab):
        self.lab, self.proxy = lab, lab.proxies[0]
        self.sidecar = Sidecar(self.proxy, "golden-crab", *OPTIONS, wait=False)
        wait_until(self.watched, 20, "eth0 to be watched")  # so that the first handshake is counted
        self.proxy.create_tunnel()
        self.proxy.start_dante()
        self.sidecar.wait_ready()
        first = lab.traffic(*FIRST, seed=1).finish()
        wait_until(
            lambda: any(
                entry["value"]["label"] == "target4.lab"
                for entry in self.formatted("destination_entries")
            ),
            10,
            "the target to be a destination",
        )
        self.generator = lab.traffic(*KINDS, concurrency=32, seed=1)
        self.tally = added(self.generator.wait_quiet(), first)
        equal(self.tally["unexpected"], {}, "what the clients did not expect")
        wait_until(
            lambda: self.sidecar.scrape().value("proxy_active_connections") == self.tally["held"],
            10,
            "the rest to be closed",
        )
        self.query = self.proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stream = self.proxy.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.stream.connect((addresses.DNS4, 53))  # then the lab's dnsmasq answers no other client

    def watched(self):
        with contextlib.suppress(OSError):
            return self.sidecar.scrape().value("wgsocks_exporter_program_up", program="underlay")

    @property
    def pins(self):
        root = f"/proc/{self.sidecar.process.pid}/root"
        return "/" + str(
            next(pathlib.Path(f"{root}/sys/fs/bpf/wgsocks").glob("v*/*")).relative_to(root)
        )

    def shell(self, commands):
        """Run a command of the page with the right cookie, in the folder of its reader."""
        commands = re.sub(r"/sys/fs/bpf/wgsocks/v\d+/[0-9a-f]{16}", self.pins, commands)
        if " dns_pending" in commands:  # they end soon
            self.query.sendto(question("nobody.lab", 1, 4711), (addresses.SWALLOW4, 53))
        return self.proxy.run(
            ["bash", "-e", "-o", "pipefail", "-c", f"cd {self.pins}\n{commands}"]
        ).stdout

    def formatted(self, name):
        return [
            entry["formatted"]
            for entry in json.loads(self.shell(f"bpftool -j map dump pinned {name}"))
        ]

    def counters(self):
        return self.formatted("counters")[0]["value"]


def at(value, path):
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else value[step]
    return value


def test_every_pin_has_its_place_on_the_page(world):
    names = {re.sub(r"\d+", "N", name) for name in world.shell("ls").split()}
    rows = {
        re.sub(r"\bN\b", "N", name)
        for cell in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    equal(sorted(rows), sorted(names), "rows of the tables")


@pytest.mark.parametrize(
    ("text", "shown"), BLOCKS, ids=[text.splitlines()[0] for text, _ in BLOCKS]
)
def test_the_page(world, text, shown):
    check_output(shown, world.shell(text))


def test_the_proxy_is_named(world):
    value = world.formatted("proxies")[0]["value"]
    same(value, {"name": "golden-crab", "generation": 1})
    equal(value["ports"], [1080] + [0] * 7)
    equal(value["tunnels"][0]["name"], "wg0")


def test_counts_are_what_the_clients_saw(world):
    counters, tally = world.counters(), world.tally
    equal(counters["client_connections"], tally["client_connections"], "connections")
    equal(counters["client_active"], tally["held"], "active")
    equal(counters["requests"], tally["requests"], "requests")
    equal(counters["successes"], tally["successful"], "successes")
    equal(counters["failures"], tally["failures"], "failures")
    equal(counters["upstream_failures"]["refused"], tally["asked"]["closed"], "refused upstreams")
    equal(sum(counters["losses"].values()), 0, "losses")


def test_counts_on_the_page_are_real(world):
    shown = next(text for _commands, text in BLOCKS if '"requests": {' in text)
    exact = shown[: shown.index('"upstream_connects"')]
    assert exact in world.shell("bpftool map lookup pinned counters key 0 0 0 0"), (
        f"not what the same traffic makes: {exact}"
    )


def test_from_another_mount_namespace(world):
    """As the page describes for containers; this process has no pins."""
    folder = f"/proc/{world.sidecar.process.pid}/root{world.pins}"
    shown = subprocess.run(
        ["bpftool", "map", "dump", "pinned", f"{folder}/proxies"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    equal(shown, world.shell("bpftool map dump pinned proxies"))


def test_sessions_are_the_connections_that_are_held(world):
    sessions = world.formatted("sessions")
    equal(len(sessions), world.tally["held"], "sessions")
    sockets = set(
        re.findall(
            r"(\d+\.\d+\.\d+\.\d+):(\d+)\s*$",
            world.proxy.run(["ss", "-Htn", "state", "established", "sport = :1080"]).stdout,
            re.MULTILINE,
        )
    )
    equal(
        {
            (".".join(map(str, s["key"]["client"][12:])), str(s["key"]["client_port"]))
            for s in sessions
        },
        sockets,
        "peers, against ss",
    )
    for session in sessions:
        equal(session["value"]["closer"], "SESSION_OPEN")
        equal(session["value"]["dialogue"]["command"], "ABI_COMMAND_CONNECT")
    ways = [upstream["value"]["way"] for upstream in world.formatted("upstreams")]
    equal(ways, ["UPSTREAM_WAY_TUNNEL"] * world.tally["held"], "upstreams")


def test_clients_in_the_map_are_the_clients_of_the_lab(world):
    table = world.formatted("clients")[0]["value"]
    used = table["clients"][: table["used"]]
    equal(
        {tuple(client["address"][12:]): client["requests"] for client in used},
        {tuple(map(int, addresses.CLIENTS4[0].split("."))): world.tally["requests_total"]},
    )


def test_bytes_are_those_of_the_link(world):
    link = wait_until(
        lambda: (s := world.proxy.inner_stats()) == world.proxy.inner_stats() and s,
        10,
        "the tunnel to be quiet",
    )
    for direction, key in (("receive", "rx"), ("transmit", "tx")):
        counted = [
            traffic
            for cpu in world.formatted("tunnels")[0]["values"]
            for protocols in cpu["value"]["traffic"][direction].values()
            for traffic in protocols.values()
        ]
        equal(sum(t["packets"] for t in counted), link[f"{key}_packets"], f"{direction}: packets")
        equal(sum(t["bytes"] for t in counted), link[f"{key}_bytes"], f"{direction}: bytes")


def test_programs_are_attached_where_the_page_says(world):
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", PAGE, re.MULTILINE)
    for entry in world.formatted("packet_programs"):
        program = json.loads(world.shell(f"bpftool -j prog show id {entry['value']}"))
        equal(program["name"], dict(rows)[str(entry["key"])], f"packet_programs, {entry['key']}")
    equal(len(rows), len(world.formatted("packet_programs")), "rows")


def test_a_name_in_a_dump_is_that_of_the_metric(world):
    """Set each counter of a proxy to a distinct number: the same name has it in a dump and in a
    scrape.
    """
    size = json.loads(world.shell("bpftool -j map show pinned counters"))["bytes_value"]
    content = b"".join((1000 + i).to_bytes(8, "little") for i in range(size // 8))
    world.shell(
        f"bpftool map update pinned counters key 0 0 0 0 value {' '.join(map(str, content))}"
    )
    counters, metrics = world.counters(), world.sidecar.scrape()
    for path, family, label, of_all in GROUPS:
        equal(at(counters, path), metrics.by(family, label, **of_all), path)
    for path in ("success", "failure"):
        histogram = counters["request_duration"][path]
        equal(
            sum(histogram["buckets"]),
            metrics.value("proxy_request_duration_seconds_count", outcome=path),
            path,
        )
    for path in ("tunnel", "underlay"):
        equal(
            counters["dns"][path]["unanswered"],
            metrics.value("proxy_dns_unanswered_total", path=path),
            path,
        )
