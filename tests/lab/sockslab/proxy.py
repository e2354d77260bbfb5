# SPDX-License-Identifier: Apache-2.0
"""A proxy: danted behind a WireGuard tunnel, in private namespaces, like a pod."""

import json
import os
import subprocess
import sys

from . import addresses, dante, sockets, wireguard
from .namespace import Namespace
from .wait import wait_until


class Proxy:
    """p<index> of a Lab. Its network is .ns; popen, run and ip are those of the namespace."""

    def __init__(
        self,
        index,
        keys,
        inet_key,
        auth=None,
        ports=(1080,),
        tunnel=True,
        keepalive=25,
        connect_timeout=2,
        negotiate_timeout=30,
        dante_extra="",
        dante_env=None,
        namespace=Namespace,
    ):
        self.index = index
        self.name = f"p{index}"
        self.auth = auth
        self.ports = list(ports)
        self.addr4 = addresses.underlay4(index)
        self.addr6 = addresses.underlay6(index)
        self.inner4 = addresses.inner4(index)
        self.inner6 = addresses.inner6(index)
        self.public_key = keys[1]
        self.with_tunnel = tunnel
        files = {"/etc/resolv.conf": f"nameserver {addresses.DNS4}\noptions timeout:1 attempts:2\n"}
        if auth:
            files.update(dante.user_files(auth))
        self.ns = namespace(self.name, files)
        self.wg0 = wireguard.Device(
            self.ns,
            "wg0",
            self._wireguard_config(keys[0], inet_key, keepalive),
            [
                f"address add {self.inner4}/32 dev wg0",
                f"address add {self.inner6}/128 dev wg0 nodad",
                "link set wg0 mtu 1420 up",
                "route replace default dev wg0",
                "route replace ::/0 dev wg0",
            ],
        )
        self._dante_options = (connect_timeout, negotiate_timeout, dante_extra)
        self.dante = dante.Dante(self.ns, self.ports, self._dante_config(), dante_env)
        self.scripted = None
        self.popen = self.ns.popen
        self.run = self.ns.run
        self.ip = self.ns.ip

    def _dante_config(self):
        return dante.config(self.ports, self.auth, *self._dante_options)

    @staticmethod
    def _wireguard_config(private, inet_key, keepalive):
        lines = [
            "[Interface]",
            f"PrivateKey = {private}",
            "[Peer]",
            f"PublicKey = {inet_key}",
            "AllowedIPs = 0.0.0.0/0, ::/0",
            f"Endpoint = {addresses.INET_UNDERLAY4}:{addresses.WIREGUARD_PORT}",
        ]
        if keepalive:
            lines.append(f"PersistentKeepalive = {keepalive}")
        return "\n".join(lines) + "\n"

    def start(self, clients_mac):
        """Set up addresses, tunnel and danted; eth0 exists."""
        self.ns.sysctl(
            net__ipv6__conf__all__accept_dad=0,
            net__ipv6__conf__eth0__accept_dad=0,
            # No router answers here. Router solicitations of a new interface would be
            # bytes that no test knows.
            net__ipv6__conf__default__router_solicitations=0,
            net__ipv6__conf__eth0__router_solicitations=0,
            net__ipv4__ip_local_port_range="1024 65535",
            # dante connects from the client's port number: no such port may be one of
            # the exporter's
            net__ipv4__ip_local_reserved_ports="1080,9090,9999",
        )
        self.ns.ip(
            "link set lo up",
            f"address add {self.addr4}/16 dev eth0",
            f"address add {self.addr6}/64 dev eth0 nodad",
            "link set eth0 up",
            f"neighbour replace {addresses.RAW4} lladdr {clients_mac} dev eth0 nud permanent",
            f"neighbour replace {addresses.RAW6} lladdr {clients_mac} dev eth0 nud permanent",
        )
        if self.with_tunnel:
            self.wg0.create()
            # danted refuses to start while `external` does not exist, as in a pod.
            self.dante.start(wait=False)

    def wait_ready(self):
        if self.with_tunnel:
            self.dante.wait_listening()
            if self.wg0.peers()[0]["keepalive"]:
                wait_until(
                    lambda: self.wg0.peers()[0]["handshake"], what=f"handshake of {self.name}"
                )

    def create_tunnel(self):
        """Like `wg-quick up`."""
        self.wg0.create()

    def delete_tunnel(self):
        """Like `wg-quick down`: removes wg0."""
        self.wg0.delete()

    def start_dante(self):
        self.dante.start()

    def stop_dante(self):
        self.dante.stop()

    def link_stats(self, name="wg0"):
        return sockets.link_stats(self.ns, name)

    def inner_stats(self):
        """Packets inside wg0; see wireguard.Device.inner_stats."""
        return self.wg0.inner_stats()

    def ss(self):
        return sockets.count_sockets(self.ns, self.ports, (self.inner4, self.inner6))

    def start_scripted(self):
        """Replace danted with the scripted server (scripted.py)."""
        self.dante.stop()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scripted.py")
        self.scripted = self.popen(
            [sys.executable, script, *map(str, self.ports)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        wait_until(
            lambda: self.dante.listening() == sorted(self.ports), what="the scripted server listens"
        )

    def scripted_note(self):
        """The next request that the scripted server received: {"command": …, "outcome": …}."""
        return json.loads(self.scripted.stdout.readline())

    def listen_on(self, port):
        """Change the SOCKS port and restart danted."""
        self.ports.append(port)
        self.dante.stop()
        self.dante.text = self._dante_config()
        self.dante.start()

    def stop_scripted(self):
        """Start danted again."""
        self.scripted.kill()
        self.scripted.wait()
        self.scripted.stdout.close()
        self.dante.start()

    def tcp_counters(self):
        """The kernel's TCP counters in this netns: ActiveOpens, PassiveOpens, RetransSegs, …"""
        return sockets.tcp_counters(self.ns)

    def wg_show(self):
        """The first peer's state; see wireguard.Device.peers."""
        return self.wg0.peers()[0]

    def mac(self):
        with open(f"/proc/{self.ns.pid}/root/sys/class/net/eth0/address", encoding="ascii") as file:
            return file.read().strip()
