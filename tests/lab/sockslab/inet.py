# SPDX-License-Identifier: Apache-2.0
"""The internet: the other end of all tunnels, the targets, a resolver."""

import subprocess

from . import addresses, build, wireguard
from .namespace import Namespace
from .wait import wait_until

_TARGETS = [
    (addresses.TARGET4, addresses.TARGET6, "target"),
    (addresses.SWALLOW4, addresses.SWALLOW6, "swallow"),
    (addresses.BLOCKED4, addresses.BLOCKED6, "blocked"),
    (addresses.HOST_UNREACHABLE4, addresses.HOST_UNREACHABLE6, "hostunreach"),
    (addresses.NET_UNREACHABLE4, addresses.NET_UNREACHABLE6, "netunreach"),
    (addresses.DNS4, addresses.DNS6, "dns"),
]

_RULES = f"""
table inet lab {{
	chain input {{
		type filter hook input priority 0;
		ip daddr {addresses.SWALLOW4} drop
		ip6 daddr {addresses.SWALLOW6} drop
		ip daddr {addresses.HOST_UNREACHABLE4} reject with icmp host-unreachable
		ip6 daddr {addresses.HOST_UNREACHABLE6} reject with icmpv6 addr-unreachable
		ip daddr {addresses.NET_UNREACHABLE4} reject with icmp net-unreachable
		ip6 daddr {addresses.NET_UNREACHABLE6} reject with icmpv6 no-route
	}}
}}
"""


class Inet:
    def __init__(self, keys):
        self.ns = Namespace("inet")
        self.private_key, self.public_key = keys
        self.popen = self.ns.popen
        self.run = self.ns.run
        self.ip = self.ns.ip
        self.addr4 = addresses.INET_UNDERLAY4
        self.addr6 = addresses.INET_UNDERLAY6
        self.wg0 = None
        self.target = None
        self.dnsmasq = None

    def _wireguard_config(self, proxies):
        lines = [
            "[Interface]",
            f"PrivateKey = {self.private_key}",
            f"ListenPort = {addresses.WIREGUARD_PORT}",
        ]
        for proxy in proxies:
            lines += [
                "[Peer]",
                f"PublicKey = {proxy.public_key}",
                f"AllowedIPs = {proxy.inner4}/32, {proxy.inner6}/128",
            ]
        return "\n".join(lines) + "\n"

    def start(self, proxies):
        self.ns.sysctl(
            net__ipv6__conf__all__accept_dad=0,
            net__ipv6__conf__eth0__accept_dad=0,
            net__ipv4__icmp_ratelimit=0,
            net__ipv6__icmp__ratelimit=0,
            net__ipv4__icmp_msgs_per_sec=1000000,
            net__ipv4__icmp_msgs_burst=1000000,
        )
        self.ns.ip(
            "link set lo up",
            f"address add {self.addr4}/16 dev eth0",
            f"address add {self.addr6}/64 dev eth0 nodad",
            "link set eth0 up",
        )
        setup = []
        for addr4, addr6, _name in _TARGETS:
            setup += [f"address add {addr4}/32 dev wg0", f"address add {addr6}/128 dev wg0 nodad"]
        setup += [
            "link set wg0 mtu 1420 up",
            "route add 10.98.0.0/16 dev wg0",
            "route add fd98::/64 dev wg0",
        ]
        self.wg0 = wireguard.Device(self.ns, "wg0", self._wireguard_config(proxies), setup)
        self.wg0.create()
        self.ns.run(["nft", "-f", "-"], input=_RULES)
        self.start_target()
        self.start_dns()

    def start_target(self):
        with open("/run/lab/target.log", "ab") as log:
            self.target = self.ns.popen(
                [build.program("target")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._listens(addresses.TARGET_PORT), what="target listens")

    def start_dns(self, *arguments):
        command = [
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-hosts",
            "--no-resolv",
            "--user=root",
            "--pid-file",
            "--bind-interfaces",
            "--address=/#/",
            "--cache-size=0",
            f"--listen-address={addresses.DNS4},{addresses.DNS6}",
            "--log-facility=-",
            *arguments,
        ]
        for addr4, addr6, name in _TARGETS:
            command += [
                f"--host-record={name}.lab,{addr4},{addr6}",
                f"--host-record={name}4.lab,{addr4}",
                f"--host-record={name}6.lab,{addr6}",
            ]
        with open("/run/lab/dnsmasq.log", "ab") as log:
            self.dnsmasq = self.ns.popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self._listens(53), what="dnsmasq listens")

    def stop_dns(self):
        self.dnsmasq.terminate()
        self.dnsmasq.wait(10)

    def _listens(self, port):
        for name in ("tcp", "tcp6"):
            with open(f"/proc/{self.ns.pid}/net/{name}", encoding="ascii") as file:
                for line in file:
                    fields = line.split()
                    if fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):
                        return True
        return False


class Clients:
    """The namespace of the SOCKS clients."""

    def __init__(self):
        self.ns = Namespace("clients")
        self.popen = self.ns.popen
        self.run = self.ns.run
        self.ip = self.ns.ip

    def start(self):
        self.ns.sysctl(
            net__ipv6__conf__all__accept_dad=0,
            net__ipv6__conf__eth0__accept_dad=0,
            net__ipv4__ip_local_port_range="1024 65535",
            net__ipv4__tcp_tw_reuse=1,
            net__ipv4__ip_local_reserved_ports="1080,9090,9999",
        )
        lines = ["link set lo up"]
        lines += [f"address add {address}/16 dev eth0" for address in addresses.CLIENTS4]
        lines += [f"address add {address}/64 dev eth0 nodad" for address in addresses.CLIENTS6]
        self.ns.ip(*lines, "link set eth0 up")

    def mac(self):
        path = f"/proc/{self.ns.pid}/root/sys/class/net/eth0/address"
        with open(path, encoding="ascii") as file:
            return file.read().strip()
