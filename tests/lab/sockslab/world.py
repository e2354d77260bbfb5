# SPDX-License-Identifier: Apache-2.0
"""The whole lab: a bridge, the clients, the internet, several proxies."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from . import addresses, build, root, wireguard
from .inet import Clients, Inet
from .proxy import Proxy
from .traffic import Traffic
from .wait import LabError


class Lab:
    """A context manager; call enter() first. On entry all proxies are up and every tunnel has a
    handshake.

    proxies: their number. auth: for each, None or (user, password); a shorter list is padded
    with None.

    Further keywords go to each Proxy: ports, tunnel, keepalive, connect_timeout,
    negotiate_timeout, dante_extra, namespace. tunnel=False: at first no wg0 and no danted.
    namespace: a class instead of Namespace. A callable is called with the index of the proxy.
    """

    up: ClassVar[list] = []  # those of this process
    witness = None  # a Blind

    def __init__(self, proxies=2, auth=(), **options):
        if not root.inside():
            raise LabError("call sockslab.enter() first")
        if not 1 <= proxies <= addresses.MAX_PROXIES:
            raise LabError(f"1 to {addresses.MAX_PROXIES} proxies")
        self.count = proxies
        self.auth = list(auth) + [None] * (proxies - len(auth))
        self.options = options
        self.proxies = []
        self.clients = None
        self.inet = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        self.up.append(self)
        if self.witness:
            self.witness.lab_begins(self)
        return self

    def __exit__(self, kind, *_):
        if self.witness and kind:
            self.witness.lab_failed(self)
        self.up.remove(self)
        self.close()

    def _namespaces(self):
        return [part.ns for part in (self.clients, self.inet, *self.proxies) if part]

    def start(self):
        build.program("target")
        keys = wireguard.make_keys(self.count + 1)
        self.clients = Clients()
        self.inet = Inet(keys[-1])
        for index in range(self.count):
            options = {
                name: value(index) if callable(value) else value
                for name, value in self.options.items()
            }
            self.proxies.append(
                Proxy(index, keys[index], self.inet.public_key, self.auth[index], **options)
            )
        self._connect()
        self.clients.start()
        self.inet.start(self.proxies)
        mac = self.clients.mac()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda proxy: proxy.start(mac), self.proxies))
            list(pool.map(Proxy.wait_ready, self.proxies))

    def _connect(self):
        lines = ["link set lo up", "link add br0 type bridge mcast_snooping 0", "link set br0 up"]
        for namespace in self._namespaces():
            lines += [
                f"link add {namespace.name} type veth peer name eth0 netns {namespace.pid}",
                f"link set {namespace.name} master br0 up",
            ]
        result = subprocess.run(
            ["ip", "-batch", "-"],
            input="\n".join(lines) + "\n",
            text=True,
            capture_output=True,
            check=False,
        )
        if result.returncode != 0:
            raise LabError(f"ip: {result.stderr.strip()}")

    def traffic(self, *kinds, **options):
        """Start build/traffic in the namespace of the clients; see Traffic."""
        return Traffic(self, kinds, **options)

    def close(self):
        links = ["br0", *(namespace.name for namespace in self._namespaces())]
        for namespace in self._namespaces():
            namespace.close()
        # The kernel removes a namespace asynchronously, and the next lab uses the same names.
        for link in links:
            subprocess.run(["ip", "link", "del", link], check=False, capture_output=True)
        self.proxies = []
        self.clients = self.inet = None
