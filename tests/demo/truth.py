# SPDX-License-Identifier: Apache-2.0
"""The independent sources, and their values next to the exporter's."""

import http.client
import time

from sockslab import PATIENCE, LabError, wait_until, wireguard

RECENT = 180  # seconds: WireGuard drops an older session
UNCHANGED = 5  # seconds after which sockets count as settled even where a client ended early
# Seconds for the exporter to find the end of a connection that the kernel showed to no program. It
# walks the sockets every five seconds. The second walk finds the end (docs/design/losses.md).
UNSEEN_ENDS = 20 * PATIENCE / 6
# A scrape fails so while a process of the exporter restarts.
UNANSWERED = (OSError, AssertionError, http.client.HTTPException)


def scrape(sidecar):
    """The metrics; None while the exporter does not answer."""
    try:
        return sidecar.scrape()
    except UNANSWERED:
        return None


def wait_scrape(sidecar):
    """The metrics; LabError if the exporter has ended or never answers."""
    what = f"metrics of {sidecar.name}"
    return wait_until(lambda: running(sidecar) and scrape(sidecar), 30, what)


def running(sidecar):
    """True; LabError if the exporter has ended."""
    if sidecar.process.poll() is not None:
        raise LabError("the exporter has ended")
    return True


def inner_stats(proxy):
    stats = proxy.inner_stats()
    if stats is None:
        raise LabError("wg0 does not exist")
    return stats


class Before:
    """Counters of all sides before the traffic."""

    def __init__(self, sidecar):
        self.metrics = wait_scrape(sidecar)
        self.link = inner_stats(sidecar.proxy)
        self.network = sidecar.proxy.tcp_counters()


class After:
    """Metrics and independent values of one moment without traffic."""

    def __init__(self, sidecar, link_up):
        self.metrics = self.sockets = self.link = self.network = None
        wait_until(lambda: running(sidecar) and self._look(sidecar), 30, f"{sidecar.name} at rest")
        recent = time.time() - sidecar.proxy.wg_show()["handshake"] < RECENT
        self.usable = recent and link_up

    def _look(self, sidecar):
        proxy = sidecar.proxy
        sockets, self.link = proxy.ss(), inner_stats(proxy)
        self.metrics = scrape(sidecar)
        self.network, self.sockets = proxy.tcp_counters(), proxy.ss()
        return self.metrics and self.sockets == sockets and self.link == inner_stats(proxy)


def settle(sidecar, held):
    """Wait until only the held connections are left, or nothing has changed for a while.

    danted continues to connect for two seconds after its client has closed.
    """
    last = (None, 0.0)

    def settled():
        nonlocal last
        sockets = sidecar.proxy.ss()
        now = (sockets.clients, sockets.upstream, sockets.upstream_connecting)
        if now != last[0]:
            last = (now, time.monotonic())
        return now == (held, held, 0) or (now[2] == 0 and time.monotonic() - last[1] > UNCHANGED)

    wait_until(settled, 30, f"{sidecar.name}: connections closed")


def rows(before, after, tally, link_lasted=True):
    """(metric, source, its value, the metric's value) for each line of the table.

    link_lasted: wg0 was up all the time. Otherwise two sources are unusable. The link does not
    count bytes that it drops when it goes down. ss does not show a connection in ESTAB whose FIN
    cannot leave, although it is open.
    """
    clients = "clients' own tallies"

    def change(name, **labels):
        return after.metrics.sum(name, **labels) - before.metrics.sum(name, **labels)

    def counter(name, witness, value):
        return name, witness, value, change(name)

    def family(name, label, truth):
        """A line for each value that occurred, and one for all others."""
        pairs = {
            key: (truth.get(key, 0), change(name, **{label: key}))
            for key in after.metrics.by(name, label)
        }
        shown = {key: pair for key, pair in pairs.items() if pair != (0, 0)}
        yield name, None, 0, 0
        for key, (expected, value) in shown.items():
            yield f'  {label}="{key}"', clients, expected, value
        if len(shown) < len(pairs):
            yield f"  {len(pairs) - len(shown)} others", clients, 0, 0

    def gauge(name, witness, value):
        return name, witness, value, after.metrics.value(name)

    yield counter("proxy_client_connections_total", clients, tally["client_connections"])
    yield from family("proxy_requests_total", "command", tally["requests"])
    yield counter("proxy_requests_successful_total", clients, tally["successful"])
    yield counter("proxy_requests_failed_total", clients, tally["failed"])
    yield from family("proxy_request_failures_total", "reason", tally["failures"])
    yield gauge("proxy_active_connections", "ss: open, to port 1080", after.sockets.clients)
    if link_lasted:
        yield gauge(
            "proxy_upstream_active_connections", "ss: open, to targets", after.sockets.upstream
        )
    yield counter(
        "proxy_upstream_connects_total",
        "kernel: TcpActiveOpens",
        after.network["ActiveOpens"] - before.network["ActiveOpens"],
    )
    # The link of a kernel WireGuard device counts outer bytes.
    inside = "link wg0" if wireguard.implementation() == "go" else "packets on wg0"
    received, sent = (after.link[key] - before.link[key] for key in ("rx_bytes", "tx_bytes"))
    yield counter("vpn_interface_receive_bytes_total", f"{inside}: received", received)
    if link_lasted:
        yield counter("vpn_interface_transmit_bytes_total", f"{inside}: sent", sent)
        yield counter("proxy_bytes_transferred_total", f"{inside}: both", received + sent)
    yield gauge("vpn_connection_status", "wg0 up, handshake < 3 min", int(after.usable))
    yield counter("wgsocks_exporter_events_lost_total", "must be 0", 0)


def differing(table):
    return [row for row in table if row[2] != row[3]]


def wait_equal(look, since):
    """The rows of look(), once all are equal or UNSEEN_ENDS has passed."""
    while True:
        table = look()
        if not differing(table) or time.monotonic() > since + UNSEEN_ENDS:
            return table
        time.sleep(0.5)
