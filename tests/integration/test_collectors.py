# SPDX-License-Identifier: Apache-2.0
"""A disabled collector has no program, no code in other programs and no sample; enabled again, it
continues.
"""

import json
import os
import pathlib
import re
import socket
import subprocess

import pytest
from checks import equal
from dns_server import question
from sidecar import BINARY, Sidecar
from sockslab import PATIENCE, addresses
from truth import settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def world(lab):
    return World(lab)


# Collector: its programs, its families, the entry programs that are shorter without it.
ALONE = {
    "handshakes": (
        {"handshake"},
        {"vpn_handshake_initiations_total", "vpn_handshake_responses_total"},
        {"underlay_ingress", "underlay_egress"},
    ),
    "leaks": (
        set(),
        {"proxy_leaked_connections_total", "proxy_leaked_dns_queries_total"},
        {"underlay_egress", "tunnel_transmit"},
    ),
    "dns": (
        set(),
        {"proxy_dns_queries_total", "proxy_dns_responses_total", "proxy_dns_unanswered_total"},
        {"tunnel_receive", "tunnel_transmit"},
    ),
    "compat": (set(), {"proxy_success_rate_percent", "proxy_download_speed_mbps"}, set()),
}
OPTIONAL = {
    "destinations": (
        {"proxy_destination_receive_bytes_total", "proxy_destination_transmit_bytes_total"},
        {"tunnel_receive", "tunnel_transmit"},
    ),
    "clients": ({"proxy_requests_by_client_total"}, {"dialogue_ingress"}),
}


def loaded(sidecar):
    """Program name → size of its code, of the programs that the collector has open."""
    pid, ids = sidecar.children()["wgsocks-collect"], set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            found = re.search(
                r"^prog_id:\s*(\d+)",
                pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text(),
                re.MULTILINE,
            )
        except FileNotFoundError:
            continue
        if found:
            ids.add(found[1])
    sizes = {}
    for number in ids:
        shown = json.loads(
            sidecar.proxy.run(["bpftool", "--json", "prog", "show", "id", number]).stdout
        )
        sizes[shown.get("name", "")] = shown["bytes_xlated"]
    return sizes


def ask(proxy, count):
    """Send this many queries through the tunnel; each is answered."""
    with proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5 * PATIENCE)
        for number in range(count):
            client.sendto(question("target.lab", 1, number), (addresses.DNS4, 53))
            client.recv(2000)


class World:
    def __init__(self, lab):
        self.lab, self.proxy = lab, lab.proxies[0]
        with_all = self.start()
        self.programs, self.names = loaded(with_all), with_all.scrape().names()
        with_all.stop()

    def start(self, *arguments):
        return Sidecar(self.proxy, "crab", "--proxy.port=1080", *arguments)


@pytest.mark.parametrize("collector", ALONE)
def test_off(world, collector):
    programs, families, shorter = ALONE[collector]
    missing = families - world.names
    equal(missing, set(), "families while it is on")
    sidecar = world.start(f"--no-collector.{collector}")
    left, names = loaded(sidecar), sidecar.scrape().names()
    equal(set(world.programs) - set(left), programs, "programs that are not loaded")
    for name in shorter:
        assert left[name] < world.programs[name], f"{name} is as long as before: {left[name]}"
    equal(families & names, set(), "families")
    success = sidecar.scrape().by("wgsocks_exporter_collector_success", "collector")
    equal(collector in success, False, "collector_success")
    sidecar.stop()


@pytest.mark.parametrize("collector", OPTIONAL)
def test_on(world, collector):
    families, longer = OPTIONAL[collector]
    equal(families & world.names, set(), "families while it is off")
    sidecar = world.start(f"--collector.{collector}")
    more = loaded(sidecar)
    world.lab.traffic("3 connect", seed=90).finish()
    settle(sidecar)
    equal(families - sidecar.scrape().names(), set(), "families")
    for name in longer:
        assert more[name] > world.programs[name], f"{name} is as long as without: {more[name]}"
    sidecar.stop()


def test_dns_and_leaks_off(world):
    sidecar = world.start("--no-collector.dns", "--no-collector.leaks")
    equal(
        set(world.programs) - set(loaded(sidecar)),
        {"dns_udp", "dns_tcp"},
        "programs that are not loaded",
    )
    sidecar.stop()


def test_everything_off(world):
    listed = subprocess.run([BINARY, "--help"], check=True, capture_output=True, text=True).stdout
    every = re.findall(r"--collector\.(\w+)", listed)
    assert len(every) >= 12, every
    sidecar = world.start(*(f"--no-collector.{name}" for name in every))
    metrics = sidecar.scrape()
    mine = {name for name in metrics.names() if name.startswith(("proxy_", "vpn_"))}
    equal(
        mine,
        {"proxy_info", "proxy_listener_up", "vpn_interface_up", "vpn_connection_status"},
        "what is known without any",
    )
    equal(metrics.find("wgsocks_exporter_collector_success"), [], "collector_success")
    sidecar.stop()


def test_off_and_on_again_over_the_same_pins(world):
    sidecar = world.start()
    ask(world.proxy, 5)
    before = settle(sidecar).sum("proxy_dns_queries_total")
    assert before >= 5, before
    for arguments, grows in ((["--no-collector.dns", "--no-collector.leaks"], False), ([], True)):
        sidecar.process.kill()
        sidecar.process.wait()
        sidecar = world.start(*arguments)
        ask(world.proxy, 5)
        after = settle(sidecar).sum("proxy_dns_queries_total")
        if grows:
            assert after >= before + 5, (before, after)
        else:
            equal(after, 0, "no sample")
    sidecar.stop()
