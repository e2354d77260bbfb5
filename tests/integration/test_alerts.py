# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus over a lab with many faults at once, one for each proxy: the right alert fires,
and no other.

The rules are those of monitoring/prometheus, 30 times as fast (scaled_rules.py). promtool tests
their real times (test_rules.py).
"""

import functools
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest
from checks import equal
from lab_prometheus import Prometheus
from sidecar import Sidecar
from sockslab import LabError, addresses, wait_until

pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.alone("a minute of the rules is two seconds here"),
    pytest.mark.in_order,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="no prometheus (Debian's package prometheus)"
    ),
]


@pytest.fixture(scope="module")
def lab_options():
    return {"proxies": len(PROXIES)}


@pytest.fixture(scope="module")
def world(lab):
    made = World(lab)
    yield made
    for clients in filter(None, made.clients.values()):
        clients.kill()
    made.prometheus.stop()


STEADY = str(pathlib.Path(__file__).resolve().parent / "steady_clients.py")
TARGET, NAME = (
    f"{addresses.TARGET4},{addresses.TARGET_PORT}",
    f"n%d.steady.lab,{addresses.TARGET_PORT}",
)

# The clients of each healthy proxy (requests a second, target), and the alerts that its fault may
# cause, in order; no others may fire.
# A proxy with fewer than 20 requests in the window of ten seconds has no ratio. Faults that need
# WireGuard's timers have such a proxy: the timers are not scaled, so the ratio would fire first.
PROXIES = {
    "healthy": (8, NAME, ()),
    "peer-killed": (1, TARGET, ("VpnTunnelStale",)),
    "unanswered": (1, TARGET, ("VpnHandshakeRetries", "VpnTunnelStale")),
    "tunnel-deleted": (1, TARGET, ("VpnTunnelDown",)),
    "dante-killed": (8, TARGET, ("ProxyDanteGone",)),
    "swallowed": (2, TARGET, ("ProxyUpstreamTimeouts",)),
    "refused": (2, TARGET, ("ProxyUpstreamRefused",)),
    "blocked": (2, TARGET, ("ProxyRequestsFailing",)),
    "resolver-dead": (8, NAME, ("ProxyResolverFailing",)),
    "around": (1, TARGET, ("ProxyLeak",)),
    "dns-around": (1, NAME, ("ProxyDnsLeak",)),
    "leaked-before": (1, TARGET, ("ProxyLeak",)),
    "held": (0, TARGET, ("ProxyTransferLow",)),
    "exporter-killed": (8, TARGET, ("WgsocksExporterDown",)),
    "removed": (2, TARGET, ()),
}
BEFORE = {"leaked-before": {"ProxyLeak"}}  # its counter is above 0 at the first scrape
ENDS_BY_ITSELF = ("ProxyLeak", "ProxyDnsLeak")  # after 15 minutes, which cannot be scaled


def route_around(proxy, what, address):
    proxy.ip(f"route {what} {address}/32 via {addresses.INET_UNDERLAY4} dev eth0")


class World:
    def __init__(self, lab):
        self.lab = lab
        self.proxies = dict(zip(PROXIES, lab.proxies, strict=True))
        lab.inet.stop_dns()
        lab.inet.start_dns(f"--address=/steady.lab/{addresses.TARGET4}")
        self.exporters = {name: self.exporter(name, wait=False) for name in PROXIES}
        for sidecar in self.exporters.values():
            sidecar.wait_ready(40)
        self.leak_before()
        self.names = {f"{proxy.addr4}:9090": name for name, proxy in self.proxies.items()}
        self.prometheus = Prometheus("/run/lab/prometheus", list(self.names))
        self.clients = {}
        for name, (rate, target, _alerts) in PROXIES.items():
            self.ask(name, rate, target)

    def leak_before(self):
        (name,) = BEFORE
        route_around(self.proxies[name], "add", addresses.TARGET4)
        self.lab.traffic("3 connect expect=any", proxies=[self.proxies[name]]).finish()
        wait_until(
            lambda: self.exporters[name].scrape().value("proxy_leaked_connections_total") == 3,
            5,
            "three leaks",
        )
        route_around(self.proxies[name], "del", addresses.TARGET4)

    def exporter(self, name, **how):
        return Sidecar(
            self.proxies[name], name, "--proxy.port=1080", stderr=subprocess.DEVNULL, **how
        )

    def ask(self, name, rate, target):
        """Replace the clients of this proxy."""
        if self.clients.get(name):
            self.clients[name].kill()
            self.clients[name].wait()
        self.clients[name] = rate and self.lab.clients.popen(
            [sys.executable, STEADY, f"{self.proxies[name].addr4},{rate},{target}"]
        )

    def fired(self, expression):
        """{proxy: {alert: value}}; the key None has alerts without a proxy."""
        found = {}
        for labels, value in self.prometheus.query(expression):
            found.setdefault(self.names.get(labels.get("instance")), {})[labels["alertname"]] = (
                value
            )
        return found

    def firing(self):
        return self.fired('ALERTS{alertstate="firing"}')

    def ever_fired(self):
        alerts = self.fired(
            'count by (alertname, instance) (count_over_time(ALERTS{alertstate="firing"}[10m]))'
        )
        return {name: set(found) for name, found in alerts.items()}


@functools.cache
def peer_arguments(public_key):
    endpoint = f"{addresses.INET_UNDERLAY4}:{addresses.WIREGUARD_PORT}"
    words = f"allowed-ips 0.0.0.0/0,::/0 endpoint {endpoint} persistent-keepalive 25"
    return ["peer", public_key, *words.split()]


class Troubles:
    """Each causes a fault; the same key in ENDS ends it."""

    def __init__(self, world):
        self.world, self.inet = world, world.lab.inet

    def begin(self):
        w, p = self.world, self.world.proxies
        self.inet.run(["wg", "set", "wg0", "peer", p["peer-killed"].public_key, "remove"])
        # Drop outgoing initiations: length of the UDP header and of the message.
        self.inet.run(
            ["nft", "-f", "-"],
            input=f"table ip unanswered "
            f"{{ chain c {{ type filter hook input priority 0; "
            f"ip saddr {p['unanswered'].addr4} udp length 156 drop; }}; }}\n",
        )
        for change in (
            ["peer", self.inet.public_key, "remove"],
            peer_arguments(self.inet.public_key),
        ):
            p["unanswered"].run(["wg", "set", "wg0", *change])
        p["tunnel-deleted"].delete_tunnel()
        p["dante-killed"].dante.kill()
        w.ask("swallowed", 8, f"{addresses.SWALLOW4},7")
        w.ask("refused", 8, f"{addresses.TARGET4},{addresses.CLOSED_PORT}")
        w.ask("blocked", 8, f"{addresses.BLOCKED4},7")
        self.inet.run(
            ["nft", "-f", "-"],
            input=f"table ip resolver "
            f"{{ chain c {{ type filter hook input priority 0; "
            f"ip saddr {p['resolver-dead'].inner4} udp dport 53 drop; }}; }}\n",
        )
        for name, to in (("around", addresses.TARGET4), ("dns-around", addresses.DNS4)):
            route_around(p[name], "add", to)
        w.held = w.lab.traffic("8 hold", proxies=[p["held"]])
        w.exporters["exporter-killed"].stop(9)
        w.prometheus.list(
            [target for target, name in w.names.items() if name not in ("healthy", "removed")]
        )
        wait_until(lambda: self.targets() == len(PROXIES) - 1, 10, "one target less")
        w.exporters["removed"].stop(9)

    def targets(self):
        return len(self.world.prometheus.query('up{job="wgsocks"}'))

    def end(self):
        w, p = self.world, self.world.proxies
        self.inet.run(
            [
                "wg",
                "set",
                "wg0",
                "peer",
                p["peer-killed"].public_key,
                "allowed-ips",
                f"{p['peer-killed'].inner4}/32,{p['peer-killed'].inner6}/128",
            ]
        )
        for table in ("unanswered", "resolver"):
            self.inet.run(["nft", "delete", "table", "ip", table])
        p["tunnel-deleted"].create_tunnel()
        p["dante-killed"].start_dante()
        for name in ("swallowed", "refused", "blocked"):
            w.ask(name, *PROXIES[name][:2])
        for name, to in (("around", addresses.TARGET4), ("dns-around", addresses.DNS4)):
            route_around(p[name], "del", to)
        w.held.release()
        w.exporter("exporter-killed")


def test_no_alert_fires_without_a_fault(world):
    """Ten scaled minutes, and 20 s for the rule that is scaled less. Except for a leak before the
    first scrape.
    """
    wait_until(
        lambda: world.prometheus.query(
            "count_over_time(vpn_handshake_initiations_total[1m]) >= 44"
        ),
        60,
        "22 s of samples",
    )
    equal(world.ever_fired(), BEFORE, "alerts")
    for name, (rate, _target, _alerts) in PROXIES.items():
        served = world.prometheus.query(
            f'increase(proxy_requests_successful_total{{proxy_name="{name}"}}[10s])'
        )
        assert served and served[0][1] >= 10 * rate * 0.7, (
            f"{name} served {served} requests in 10 s"
        )


def test_each_fault_fires_its_alert(world, record_property):
    world.troubles = Troubles(world)
    begun = time.monotonic()
    world.troubles.begin()
    missing = {
        (name, alert)
        for name, (_rate, _target, alerts) in PROXIES.items()
        for alert in set(alerts) - set(BEFORE.get(name, ()))
    }
    took = {}

    def look():
        # An alert that fired and ended between two polls has fired too.
        for name, alerts in world.ever_fired().items():
            for alert in alerts:
                took.setdefault((name, alert), time.monotonic() - begun)
        return missing <= set(took)

    try:
        wait_until(look, 45, "all alerts", every=0.25)
    except LabError as error:
        raise AssertionError(f"no {sorted(missing - set(took))}; {world.ever_fired()}") from error
    record_property(
        "note",
        ", ".join(
            f"{alert} {seconds:.0f} s"
            for (_name, alert), seconds in sorted(took.items(), key=lambda one: one[1])
        ),
    )


def test_a_cause_inhibits_its_symptoms(world):
    """The alert on retries is inhibited while the tunnel is stale."""
    wait_until(
        lambda: set(world.firing().get("unanswered", ())) == {"VpnTunnelStale"},
        15,
        "VpnTunnelStale alone",
    )


def test_summaries_name_the_proxy_and_a_number(world):
    shown = [alert for alert in world.prometheus.alerts() if alert["state"] == "firing"]
    assert len(shown) >= 10, shown
    for alert in shown:
        name, summary = world.names[alert["labels"]["instance"]], alert["annotations"]["summary"]
        assert (
            name in summary and re.search(r"\d", summary.replace(name, "")) and "<" not in summary
        ), summary
        print("   ", summary)


def test_alerts_end_with_their_faults(world):
    world.troubles.end()
    wait_until(
        lambda: (
            not {alert for alerts in world.firing().values() for alert in alerts}
            - set(ENDS_BY_ITSELF)
        ),
        45,
        "no alert",
        every=0.25,
    )


def test_nothing_else_fired(world):
    """No other alert: not during a fault, not after it, and not for the proxy whose target was
    removed from the list.
    """
    expected = {name: set(alerts) for name, (_rate, _target, alerts) in PROXIES.items() if alerts}
    # On a busy machine the kernel may hide ends of connections from every program
    # (docs/design/losses.md). Then this alert is right.
    hidden = world.prometheus.query(
        'max_over_time(wgsocks_exporter_events_lost_total{cause="recursion"}[15m]) > 0'
    )
    for name in (world.names[labels["instance"]] for labels, _ in hidden):
        expected[name] = expected.get(name, set()) | {"WgsocksCountsLost"}
    equal(world.ever_fired(), expected, "alerts of all the time")
    names = ("recording.yml", "alerts.yml")
    equal(
        world.prometheus.query(
            "sum by (rule_group) (prometheus_rule_evaluation_failures_total) > 0"
        ),
        [],
        f"failures in {names}",
    )
