# SPDX-License-Identifier: Apache-2.0
"""Shared by the DNS suites: a scripted server for each path, an exporter, and a comparison of its
counts with those of the servers.
"""

import collections
import socket
import struct

from checks import equal
from dns_server import TYPES, Server
from sidecar import Sidecar
from sockslab import PATIENCE, addresses, wait_until

TUNNEL, UNDERLAY = "tunnel", "underlay"
ADDRESSES = {
    (TUNNEL, 4): addresses.TARGET4,
    (TUNNEL, 6): addresses.TARGET6,
    (UNDERLAY, 4): addresses.INET_UNDERLAY4,
    (UNDERLAY, 6): addresses.INET_UNDERLAY6,
}


class World:
    """The lab, a scripted server for each path, and an exporter."""

    def __init__(self, lab):
        self.lab, self.proxy = lab, lab.proxies[0]
        self.servers = {way: Server(lab.inet.ns, address) for way, address in ADDRESSES.items()}
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.close()

    def start(self, *arguments):
        self.sidecar = Sidecar(self.proxy, "crab", "--proxy.port=1080", *arguments)
        self.before = self.sidecar.scrape()

    def restart(self, *arguments):
        self.sidecar.stop()
        self.start(*arguments)

    def udp(self, version=4, **_):
        client = self.proxy.ns.socket(
            socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM
        )
        client.settimeout(3 * PATIENCE)
        return client

    def tcp(self, path=TUNNEL, version=4):
        client = self.proxy.ns.socket(
            socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM
        )
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(5 * PATIENCE)
        client.connect((ADDRESSES[path, version], 53))
        return client

    def begin(self):
        for server in self.servers.values():
            server.take()
        self.before = self.sidecar.scrape()

    def grown(self, name, label, path=None):
        labels = {"path": path} if path else {}
        former = self.before.by(name, label, **labels)
        return {
            key: value - former[key]
            for key, value in self.after.by(name, label, **labels).items()
            if value != former[key]
        }

    def settle(self, timeout=9):
        """Wait until no query is pending."""

        def look():
            self.after = self.sidecar.scrape()
            return self.after.value("wgsocks_exporter_map_entries", map="dns_pending") == 0

        wait_until(look, timeout, "no query to wait any more")

    def check(
        self, path=TUNNEL, queries=None, responses=None, unanswered=0, lost=None, leaked=None
    ):
        """Check all counts of a path since begin(). Queries default to those that the server saw;
        the other path must have none.
        """
        self.settle()
        asked = collections.Counter()
        for (way, _version), server in self.servers.items():
            if way == path:
                asked.update(
                    {
                        kind: n
                        for kind, n in server.take().items()
                        if kind in TYPES or kind == "other"
                    }
                )
        queries = dict(asked) if queries is None else queries
        other = UNDERLAY if path == TUNNEL else TUNNEL
        equal(self.grown("proxy_dns_queries_total", "type", path), queries, "queries")
        equal(self.grown("proxy_dns_responses_total", "rcode", path), responses or {}, "responses")
        equal(
            self.grown("proxy_dns_unanswered_total", "path", path),
            {path: unanswered} if unanswered else {},
            "unanswered",
        )
        equal(self.grown("proxy_dns_queries_total", "type", other), {}, "queries by the other way")
        equal(
            self.grown("proxy_dns_responses_total", "rcode", other),
            {},
            "responses by the other way",
        )
        equal(self.grown("wgsocks_exporter_events_lost_total", "cause"), lost or {}, "losses")
        count = "proxy_dns_query_duration_seconds_count"
        equal(
            self.after.value(count, path=path) - self.before.value(count, path=path),
            sum((responses or {}).values()),
            "durations",
        )
        leaks = sum(queries.values()) if path == UNDERLAY else 0
        equal(self.leaked(), leaks if leaked is None else leaked, "leaked")

    def leaked(self):
        return self.after.value("proxy_leaked_dns_queries_total") - self.before.value(
            "proxy_leaked_dns_queries_total"
        )

    def ask(self, client, message, path=TUNNEL, version=4, answers=1):
        client.sendto(message, (ADDRESSES[path, version], 53))
        return [client.recv(65535) for _ in range(answers)]


def read_framed(client, count):
    data, messages = b"", []
    while len(messages) < count:
        chunk = client.recv(1 << 16)
        if not chunk:
            break
        data += chunk
        while len(data) >= 2 and len(data) >= 2 + struct.unpack(">H", data[:2])[0]:
            size = struct.unpack(">H", data[:2])[0]
            messages.append(data[2 : 2 + size])
            data = data[2 + size :]
    return messages


def wait_asked(world, count, path=TUNNEL):
    wait_until(
        lambda: (
            sum(sum(s.asked.values()) for (way, _), s in world.servers.items() if way == path)
            >= count
        ),
        5,
        "the server to have been asked",
    )
