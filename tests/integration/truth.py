# SPDX-License-Identifier: Apache-2.0
"""Compares the counts of the exporter over a time with the clients, ss, the kernel and the link."""

import os

from checks import equal, same
from sockslab import LabError, wait_until

# Share of the mixed traffic to generate, at least one of each kind: an emulated machine is slow.
SHARE = float(os.environ.get("LAB_SHARE", "1"))


def shared(*kinds):
    counted_kinds = (kind.split(" ", 1) for kind in kinds)
    return tuple(f"{max(1, round(int(count) * SHARE))} {kind}" for count, kind in counted_kinds)


# Every kind of traffic, in one run in random order.
MIXED = shared(
    "300 connect",
    "60 connect socks=4",
    "60 connect socks=4a addr=name",
    "60 connect addr=name",
    "40 connect shape=bytes",
    "40 connect shape=onewrite",
    "30 connect socks=4a addr=name shape=bytes",
    "40 transfer",
    "10 transfer up=300000 down=3000000",
    "10 transfer down=100000 half",
    "15 connect closing",
    "10 bind",
    "10 udp",
    "40 refused",
    "30 blocked",
    "20 unresolved",
    "10 hostunreach",
    "10 netunreach",
    "4 timeout",
    "20 nomethod",
    "10 badcommand",
    "10 badaddress",
    "20 abort",
    "20 abort rst",
    "20 unread",
    "20 unread rst",
    "10 leaveconnect",
    "10 leaveconnect rst",
    "10 leavegreeting",
    "10 leavegreeting rst",
    "10 leavemethod",
    "20 silent",
    "10 http",
    "10 tls",
    "10 zeros",
)
AUTH = ("20 badauth", "10 emptyauth")


class Before:
    """The counts of the exporter and of the independent sources before the traffic."""

    def __init__(self, sidecar):
        self.sidecar = sidecar
        self.link = sidecar.proxy.inner_stats()
        self.network = sidecar.proxy.tcp_counters()
        self.metrics = sidecar.scrape()


def change(before, after, name, **labels):
    return after.sum(name, **labels) - before.metrics.sum(name, **labels)


def counted(before, after):
    """The change since then, with the keys of the tally."""
    return {
        "client_connections": change(before, after, "proxy_client_connections_total"),
        "requests": {
            command: value - before.metrics.value("proxy_requests_total", command=command)
            for command, value in after.by("proxy_requests_total", "command").items()
        },
        "successful": change(before, after, "proxy_requests_successful_total"),
        "failed": change(before, after, "proxy_requests_failed_total"),
        "failures": {
            reason: value - before.metrics.value("proxy_request_failures_total", reason=reason)
            for reason, value in after.by("proxy_request_failures_total", "reason").items()
        },
    }


def settle(sidecar):
    """The metrics after all connections have closed on both sides."""
    wait_until(lambda: not any(vars(sidecar.proxy.ss()).values()), 30, "the sockets to be gone")
    gauges = ("proxy_active_connections", "proxy_upstream_active_connections")

    def at_rest():
        metrics = sidecar.scrape()
        # The maps of an agent have the entries of all its proxies.
        entries = (
            0
            if hasattr(sidecar, "node")
            else sum(
                metrics.sum("wgsocks_exporter_map_entries", map=name)
                for name in ("sessions", "upstreams")
            )
        )
        return not any(map(metrics.value, gauges)) and not entries and metrics

    # A socket leaves the tables that ss reads a little before its last transition. The kernel hides
    # some ends (docs/design/losses.md); the second walk after such an end finds it.
    try:
        return wait_until(at_rest, 20, "the gauges to be 0")
    except LabError as error:
        maps = " ".join(
            f"bpftool map dump pinned /sys/fs/bpf/wgsocks/v*/*/{name};"
            for name in ("sessions", "upstreams")
        )
        raise AssertionError(
            f"{sidecar.name}: {error}: "
            f"{sidecar.proxy.run(['sh', '-c', maps], check=False).stdout[:2000]}"
        ) from error


def check_upstream(before, after):
    network = before.sidecar.proxy.tcp_counters()
    equal(
        change(before, after, "proxy_upstream_connects_total"),
        network["ActiveOpens"] - before.network["ActiveOpens"],
        "upstream connects, against TcpActiveOpens",
    )


def check_bytes(before, after):
    link = before.sidecar.proxy.inner_stats()
    moved = {key: link[key] - before.link[key] for key in link}
    equal(
        change(before, after, "proxy_bytes_transferred_total"),
        moved["rx_bytes"] + moved["tx_bytes"],
        "bytes",
    )
    for way, short in (("receive", "rx"), ("transmit", "tx")):
        for unit in ("bytes", "packets"):
            equal(
                change(before, after, f"vpn_interface_{way}_{unit}_total"),
                moved[f"{short}_{unit}"],
                f"{short} {unit}",
            )


def check_rest(before, after, lost=0):
    """Check that nothing is open and that the counts since then are consistent."""

    def more(name):
        return change(before, after, name)

    equal(after.value("proxy_active_connections"), 0, "active at rest")
    equal(after.value("proxy_upstream_active_connections"), 0, "upstream active at rest")
    equal(after.sum("wgsocks_exporter_map_entries", map="sessions"), 0, "sessions at rest")
    equal(after.sum("wgsocks_exporter_map_entries", map="upstreams"), 0, "upstreams at rest")
    equal(
        more("wgsocks_exporter_events_lost_total"),
        lost,
        f"losses {after.by('wgsocks_exporter_events_lost_total', 'cause')}",
    )
    requests = more("proxy_requests_total")
    equal(
        more("proxy_requests_successful_total") + more("proxy_requests_failed_total"),
        requests,
        "successful + failed",
    )
    equal(more("proxy_request_duration_seconds_count"), requests, "durations")
    if after.find("proxy_requests_by_client_total"):
        equal(more("proxy_requests_by_client_total"), requests, "requests by client")
    equal(
        more("proxy_request_failures_total"),
        more("proxy_requests_failed_total"),
        "failures by reason",
    )
    equal(
        more("proxy_connection_duration_seconds_count"),
        more("proxy_client_connections_total"),
        "connection durations",
    )
    equal(
        more("proxy_upstream_connect_duration_seconds_count")
        + more("proxy_upstream_connect_failures_total"),
        more("proxy_upstream_connects_total"),
        "upstream outcomes",
    )


def check_all(befores, tally, lost=0):
    """The clients' tally is the reference, even if a busy machine changed planned outcomes."""
    for before, truth in zip(befores, tally["by_proxy"]):
        after = settle(before.sidecar)
        mine = counted(before, after)
        same(mine, {key: truth[key] for key in mine}, before.sidecar.name)
        check_upstream(before, after)
        check_bytes(before, after)
        check_rest(before, after, lost)
