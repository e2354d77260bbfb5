# SPDX-License-Identifier: Apache-2.0
"""What witnesses outside the exporter say, beside what it says."""

import time

from sockslab import wait_until, wireguard

RECENT = 180  # seconds: WireGuard gives a session up when it is older


class Before:
    """What everyone had counted before the traffic."""

    def __init__(self, sidecar):
        self.sidecar = sidecar
        self.metrics = sidecar.scrape()
        self.link = sidecar.proxy.inner_stats()
        self.network = sidecar.proxy.tcp_counters()


class After:
    """Metrics and witnesses of one moment in which nothing moved."""

    def __init__(self, sidecar):
        self.metrics = self.sockets = self.link = self.network = None
        wait_until(lambda: self._look(sidecar), 30, f"{sidecar.name} at rest")
        self.handshake = time.time() - sidecar.proxy.wg_show()["handshake"] < RECENT

    def _look(self, sidecar):
        proxy = sidecar.proxy
        sockets, self.link = proxy.ss(), proxy.inner_stats()
        self.metrics = sidecar.scrape()
        self.network, self.sockets = proxy.tcp_counters(), proxy.ss()
        return self.sockets == sockets and self.link == proxy.inner_stats()


def settle(sidecar, held):
    """Wait until only the held connections are left (danted tries for two seconds what its client gave up at once)."""
    def settled():
        sockets = sidecar.proxy.ss()
        return (sockets.clients, sockets.upstream, sockets.upstream_connecting) == (held, held, 0)

    wait_until(settled, 30, f"{sidecar.name}: all but {held} connections closed")


def rows(before, after, tally):
    """(metric, witness, truth, value) for each line of the table."""
    saw = "what the clients saw"

    def change(name, **labels):
        return after.metrics.sum(name, **labels) - before.metrics.sum(name, **labels)

    def family(name, label, truth):
        """A line for each value that occurred, one for all that did not."""
        pairs = {key: (truth.get(key, 0), change(name, **{label: key})) for key in after.metrics.by(name, label)}
        shown = {key: pair for key, pair in pairs.items() if pair != (0, 0)}
        yield name, None, 0, 0
        for key, (expected, value) in shown.items():
            yield f'  {label}="{key}"', saw, expected, value
        if len(shown) < len(pairs):
            yield f"  the {len(pairs) - len(shown)} others", saw, 0, 0

    yield "proxy_client_connections_total", saw, tally["client_connections"], change("proxy_client_connections_total")
    yield from family("proxy_requests_total", "command", tally["requests"])
    yield "proxy_requests_successful_total", saw, tally["successful"], change("proxy_requests_successful_total")
    yield "proxy_requests_failed_total", saw, tally["failed"], change("proxy_requests_failed_total")
    yield from family("proxy_request_failures_total", "reason", tally["failures"])
    yield ("proxy_active_connections", "ss: open, to port 1080", after.sockets.clients,
           after.metrics.value("proxy_active_connections"))
    yield ("proxy_upstream_active_connections", "ss: open, to targets", after.sockets.upstream,
           after.metrics.value("proxy_upstream_active_connections"))
    yield ("proxy_upstream_connects_total", "kernel: TcpActiveOpens",
           after.network["ActiveOpens"] - before.network["ActiveOpens"], change("proxy_upstream_connects_total"))
    # The kernel's own device counts the outer bytes on its link.
    inside = "link wg0" if wireguard.implementation() == "go" else "packets on wg0"
    received, sent = (after.link[key] - before.link[key] for key in ("rx_bytes", "tx_bytes"))
    yield "vpn_interface_receive_bytes_total", f"{inside}: received", received, change("vpn_interface_receive_bytes_total")
    yield "vpn_interface_transmit_bytes_total", f"{inside}: sent", sent, change("vpn_interface_transmit_bytes_total")
    yield "proxy_bytes_transferred_total", f"{inside}: both", received + sent, change("proxy_bytes_transferred_total")
    yield ("vpn_connection_status", "wg show: handshake < 3 min", int(after.handshake),
           after.metrics.value("vpn_connection_status"))
    yield ("wgsocks_exporter_events_lost_total", "none may be lost", 0,
           change("wgsocks_exporter_events_lost_total"))


def differing(table):
    return [row for row in table if row[2] != row[3]]
