# SPDX-License-Identifier: Apache-2.0
"""Connections that leave outside the tunnel, each compared with a capture of its interface."""

import contextlib
import socket

import pytest
from capture import captured, connects, is_connect
from checks import equal
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab, addresses, wait_until
from truth import settle

pytestmark = pytest.mark.in_lab

LEAKED = "proxy_leaked_connections_total"
AROUND = f"{addresses.TARGET4}/32 via {addresses.INET_UNDERLAY4} dev eth0"
AROUND6 = f"{addresses.TARGET6}/128 via {addresses.INET_UNDERLAY6} dev eth0"


class World:
    def __init__(self, lab, *arguments):
        self.lab, self.proxy = lab, lab.proxies[0]
        self.sidecar = Sidecar(self.proxy, "crab", "--proxy.port=1080", *arguments)
        self.before = self.sidecar.scrape()

    def leaked(self):
        return self.sidecar.scrape().value(LEAKED) - self.before.value(LEAKED)

    @contextlib.contextmanager
    def compared(self, least=1):
        """Compare the SYNs on eth0 with the count over the block; at least this many."""
        former = self.leaked()
        with captured(self.proxy.ns, "eth0", is_connect) as packets:
            yield
            settle(self.sidecar)
        truth = connects(packets)
        equal(self.leaked() - former, truth, "leaked, against the capture of eth0")
        assert truth >= least, f"only {truth} left by eth0: the case shows nothing"

    @contextlib.contextmanager
    def route(self, *routes):
        self.proxy.ip(*(f"route add {route}" for route in routes))
        try:
            yield
        finally:
            for route in routes:
                self.proxy.run(
                    ["ip", *(["-6"] if "::" in route else []), "route", "del", *route.split()],
                    check=False,
                )


@contextlib.contextmanager
def world(*arguments, **options):
    with Lab(proxies=1, **options) as lab:
        join_underlay()
        try:
            yield World(lab, *arguments)
        finally:
            kill_all()


def test_ten_thousand_requests_in_good_health(record_property):
    with world() as w:
        with w.compared(least=0):
            tally = w.lab.traffic(
                "8600 connect",
                "400 connect addr=ipv6",
                "500 connect addr=name",
                "200 refused",
                "100 transfer",
                "100 bind",
                "100 unresolved",
                "100 abort",
                "20 udp",
                seed=71,
                concurrency=64,
            ).finish()
        equal(tally["unexpected_total"], 0, f"unexpected {tally.get('unexpected')}")
        assert tally["requests_total"] >= 10000, tally["requests_total"]
        equal(w.leaked(), 0, "leaked")
        record_property("note", f"{tally['requests_total']} requests")


@pytest.mark.parametrize("attach", ["tcx", "clsact"])
def test_a_more_specific_route_around_the_tunnel(attach):
    with world(f"--bpf.attach={attach}") as w:
        with w.route(AROUND), w.compared(50):
            w.lab.traffic("50 connect expect=any", "5 refused expect=any", seed=72).finish()
        with w.compared(least=0):
            w.lab.traffic("50 connect", seed=73).finish()


def test_the_tunnels_route_goes_in_mid_traffic():
    with world() as w, w.route(f"default via {addresses.INET_UNDERLAY4} dev eth0 metric 4000"):
        with w.compared(50):
            running = w.lab.traffic("1500 connect expect=any", seed=74, concurrency=16)
            w.proxy.ip("route del default dev wg0")
            running.finish()
            w.proxy.ip("route add default dev wg0")
        with w.compared(least=0):
            w.lab.traffic("50 connect", seed=75).finish()


def test_ipv6_beside_a_tunnel_of_ipv4():
    with world() as w, w.route(AROUND6), w.compared(20):
        w.lab.traffic("20 connect addr=ipv6 expect=any", "20 connect", seed=76).finish()


def test_tunnel_down():
    with world() as w, w.route(f"default via {addresses.INET_UNDERLAY4} dev eth0 metric 4000"):
        with w.compared(20):
            w.proxy.ip("link set wg0 down")
            w.lab.traffic("20 connect expect=any", seed=77).finish()
            w.proxy.ip("link set wg0 up", "route add default dev wg0")
        with w.compared(least=0):
            w.lab.traffic("20 connect", seed=78).finish()


def test_another_interface_is_dantes_external():
    with world() as w:
        w.proxy.stop_dante()
        w.proxy.dante.text = w.proxy.dante.text.replace("external: wg0", "external: eth0")
        w.proxy.start_dante()
        # the source address of eth0 by the route of wg0: it is in the tunnel
        with w.compared(least=0):
            w.lab.traffic("10 connect expect=any", seed=79).finish()
        with w.route(AROUND), w.compared(20):
            w.lab.traffic("20 connect", seed=80).finish()


def test_masquerade():
    with world() as w:
        w.proxy.run(
            ["nft", "-f", "-"],
            input="table ip m { chain c { type nat hook postrouting priority 100; masquerade; }; "
            "}\n",
        )
        with w.compared(least=0):
            w.lab.traffic("20 connect", seed=81).finish()
        with w.route(AROUND), w.compared(20):
            w.lab.traffic("20 connect", seed=82).finish()


@pytest.mark.parametrize(
    ("networks", "leaks"),
    [
        pytest.param("10.99.0.0/24", (6,), id="IPv4"),
        pytest.param("192.0.2.0/24,fd99::/64,::/0", (4,), id="IPv6"),
        pytest.param("10.99.0.1,fd99::1", (), id="both"),
    ],
)
def test_networks_that_are_allowed(networks, leaks):
    with world(f"--leak.allow={networks}") as w, w.route(AROUND, AROUND6):
        with captured(w.proxy.ns, "eth0", is_connect) as packets:
            w.lab.traffic(
                "20 connect expect=any", "10 connect addr=ipv6 expect=any", seed=83
            ).finish()
            settle(w.sidecar)
        seen = {
            6: connects(p for p in packets if ":" in p.destination),
            4: connects(p for p in packets if ":" not in p.destination),
        }
        assert min(seen.values()) >= 10, seen
        equal(
            w.leaked(),
            sum(seen[version] for version in leaks),
            f"leaked, {networks} allowed, of {seen}",
        )


def test_connections_of_others_are_no_leak():
    """Connections of other processes in the namespace, to clients, and over lo do not count."""
    with world() as w, w.route(AROUND):
        with captured(w.proxy.ns, "eth0", is_connect) as packets:
            for _ in range(20):
                with contextlib.closing(
                    w.proxy.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
                ) as other:
                    other.settimeout(5 * PATIENCE)
                    other.connect((addresses.TARGET4, addresses.TARGET_PORT))
        equal(connects(packets), 20, "the capture")
        equal(w.leaked(), 0, "leaked")


def test_first_syn_in_the_tunnel_and_second_outside():
    """By contract, the first SYN decides."""
    with world(connect_timeout=5) as w:
        w.lab.inet.run(
            ["nft", "-f", "-"],
            input="table ip m { chain c { type filter hook input priority 0; iifname wg0 tcp flags "
            "& (syn|ack) == syn drop; }; }\n",
        )
        with captured(w.proxy.ns, "eth0", is_connect) as packets:
            running = w.lab.traffic("3 connect expect=any", seed=84)
            wait_until(lambda: w.proxy.ss().upstream_connecting == 3, 5, "three connects under way")
            with w.route(AROUND):
                running.finish()
                settle(w.sidecar)
        assert packets, "no SYN left by eth0"
        equal(w.leaked(), 0, "leaked")
