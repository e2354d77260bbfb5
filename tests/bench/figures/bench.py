# SPDX-License-Identifier: Apache-2.0
"""Shared by all rows."""

from . import programs
from .processes import Exporter


class Bench:
    """lab, its only proxy, and raw: what was measured, by name, for --json."""

    def __init__(self, lab):
        self.lab = lab
        self.proxy = lab.proxies[0]
        self.raw = {}
        # The lab's sockets use any port. A socket in TIME_WAIT would keep our server from its port.
        for namespace in (self.proxy.ns, lab.clients.ns):
            namespace.sysctl(net__ipv4__ip_local_reserved_ports="8080-8082,9090,9100,9999")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def namespaces(self):
        """Where all of the lab runs."""
        return self.lab.clients.ns, self.lab.inet.ns, self.proxy.ns

    def exporter(self, *flags, **options):
        return Exporter(self.proxy, *flags, **options)

    def run(self, space, name, *arguments, timeout=120):
        """A program of the bench that prints JSON."""
        result = space.run([programs.path(name), *map(str, arguments)], timeout=timeout)
        return programs.parse(result.stdout)
