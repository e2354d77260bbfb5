# SPDX-License-Identifier: Apache-2.0
"""Unusual but valid networks: other uses of port 53, stacked interfaces, tunnels that are not the
proxy's.
"""

import contextlib
import socket
import struct
import subprocess
import sys

import pytest
from capture import captured, handshake_type
from checks import equal
from dns_server import Server, framed, question
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab, addresses, wait_until, wireguard
from truth import settle

pytestmark = pytest.mark.in_lab

LEAKED_DNS = "proxy_leaked_dns_queries_total"
QUERIES = "proxy_dns_queries_total"
INITIATIONS = "vpn_handshake_initiations_total"


@contextlib.contextmanager
def world(*arguments, **options):
    with Lab(proxies=1, **options) as lab:
        join_underlay()
        try:
            yield lab, lab.proxies[0], Sidecar(lab.proxies[0], "crab", *arguments)
        finally:
            kill_all()


def is_port_53(packet):
    return packet.protocol == socket.IPPROTO_UDP and 53 in (packet.sport, packet.dport)


# ---- port 53 ----


@pytest.mark.parametrize(
    "arguments", [(), ("--no-collector.wireguard",)], ids=["", "and its port is not known"]
)
def test_the_endpoint_has_port_53(arguments, record_property):
    """Providers offer port 53 for networks that block all else. Here all packets to it are
    WireGuard's.
    """
    with world("--proxy.port=1080", *arguments) as (lab, proxy, sidecar):
        lab.inet.run(
            ["nft", "-f", "-"],
            input="table ip m { chain c { type nat hook prerouting priority -100; iifname eth0 udp "
            "dport 53 redirect to :51820; }; }\n",
        )
        proxy.delete_tunnel()
        proxy.wg0.config = proxy.wg0.config.replace(f":{addresses.WIREGUARD_PORT}", ":53")
        before = sidecar.scrape()
        with captured(proxy.ns, "eth0", is_port_53) as packets:
            proxy.create_tunnel()
            wait_until(lambda: proxy.wg0.peers()[0]["handshake"], 10, "a handshake")
            lab.traffic("20 connect", seed=1).finish()
            after = settle(sidecar)
        assert len(packets) > 100, len(packets)
        equal(after.value(LEAKED_DNS) - before.value(LEAKED_DNS), 0, "leaked queries")
        equal(
            after.sum(QUERIES, path="underlay") - before.sum(QUERIES, path="underlay"),
            0,
            "queries on the underlay",
        )
        sent = sum(
            packet.outgoing and len(packet.payload) == 148 and packet.payload[0] == 1
            for packet in packets
        )
        equal(
            after.sum(INITIATIONS, direction="sent") - before.sum(INITIATIONS, direction="sent"),
            sent,
            "initiations",
        )
        record_property("note", f"{len(packets)} packets")


def test_a_client_from_port_53():
    with world("--proxy.port=1080") as (lab, proxy, sidecar):
        before = sidecar.scrape()
        for family, address in ((socket.AF_INET, proxy.addr4), (socket.AF_INET6, proxy.addr6)):
            with contextlib.closing(lab.clients.ns.socket(family, socket.SOCK_STREAM)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.bind(
                    (
                        addresses.CLIENTS6[0]
                        if family == socket.AF_INET6
                        else addresses.CLIENTS4[0],
                        53,
                    )
                )
                client.settimeout(10 * PATIENCE)
                client.connect((address, 1080))
                client.sendall(b"\5\1\0")
                equal(client.recv(2), b"\5\0")
                client.sendall(
                    b"\5\1\0\1"
                    + socket.inet_aton(addresses.TARGET4)
                    + struct.pack("!H", addresses.TARGET_PORT)
                )
                equal(client.recv(10)[:2], b"\5\0")
        after = settle(sidecar)
        equal(
            after.value("proxy_requests_total", command="connect")
            - before.value("proxy_requests_total", command="connect"),
            2,
            "requests",
        )
        equal(
            after.value("proxy_requests_successful_total")
            - before.value("proxy_requests_successful_total"),
            2,
            "successful",
        )
        equal(after.sum("wgsocks_exporter_events_lost_total"), 0, "losses")
        equal(after.sum(QUERIES), 0, "queries")


def test_a_listener_on_port_53():
    with world("--proxy.port=53", ports=(53,)) as (lab, _proxy, sidecar):
        tally = lab.traffic(
            "50 connect", "10 refused", "5 abort", "10 connect addr=ipv6", seed=2
        ).finish()
        equal(tally["unexpected_total"], 0, f"unexpected {tally.get('unexpected')}")
        after = settle(sidecar)
        equal(after.sum("proxy_requests_total"), tally["requests_total"], "requests")
        equal(after.value("proxy_requests_successful_total"), tally["successful"], "successful")
        equal(after.sum("wgsocks_exporter_events_lost_total"), 0, "losses")


# ---- stacked interfaces ----


def asked_through(lab, proxy, sidecar, server_address):
    """Queries to a server outside the tunnel, three of them sent twice; compared with the log of
    the server.
    """
    server = Server(lab.inet.ns, server_address)
    try:
        with proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5 * PATIENCE)
            for number in (*range(10), 1, 2, 3):
                client.sendto(question("noerror.lab", 28, number), (server_address, 53))
                client.recv(2000)
            for _ in range(2):
                client.sendto(question("drop.lab", 1, 99), (server_address, 53))
        with proxy.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(5 * PATIENCE)
            client.connect((server_address, 53))
            client.sendall(framed(question("noerror.lab", 16, 5)))
            client.recv(2000)
        wait_until(lambda: sum(server.asked.values()) >= 16, 5, "16 queries")
        asked = dict(server.take())
    finally:
        server.close()
    wait_until(
        lambda: sidecar.scrape().value("wgsocks_exporter_map_entries", map="dns_pending") == 0,
        9,
        "no query to wait any more",
    )
    after = sidecar.scrape()
    equal(
        {kind: n for kind, n in after.by(QUERIES, "type", path="underlay").items() if n},
        asked,
        "queries",
    )
    equal(after.value(LEAKED_DNS), sum(asked.values()), "leaked")
    equal(after.sum("proxy_dns_responses_total", path="underlay"), 14, "responses")
    equal(after.value("proxy_dns_unanswered_total", path="underlay"), 2, "unanswered")


def macvlan(_lab, proxy):
    proxy.ns.ip(
        "link add link eth0 name mac0 type macvlan mode bridge",
        "address add 10.77.200.1/32 dev mac0",
        "link set mac0 up",
        f"route add {addresses.INET_UNDERLAY4}/32 dev mac0 src 10.77.200.1",
    )
    return addresses.INET_UNDERLAY4


def bridge(_lab, proxy):
    proxy.ns.ip(
        "link add br9 type bridge",
        "link set br9 up",
        f"address del {proxy.addr4}/16 dev eth0",
        "link set eth0 master br9",
        f"address add {proxy.addr4}/16 dev br9",
    )
    return addresses.INET_UNDERLAY4


@pytest.mark.parametrize("make", [macvlan, bridge])
def test_queries_by_a_stacked_interface(make):
    with world("--proxy.port=1080") as (lab, proxy, sidecar):
        address = make(lab, proxy)
        sidecar.wait_ready()
        asked_through(lab, proxy, sidecar, address)


PPP = """
import fcntl, struct, sys
device = open("/dev/net/tun", "r+b", buffering=0)
# TUNSETIFF: IFF_TUN | IFF_NO_PI
fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"ppp7", 0x1001))
fcntl.ioctl(device, 0x400454CD, 512)  # TUNSETLINK: ARPHRD_PPP
print("ready", flush=True)
sys.stdin.read()
"""


def test_leaks_by_a_modem():
    """An interface of type PPP: its packets begin with the IP header, like those of a tunnel."""
    with world("--proxy.port=1080") as (lab, proxy, sidecar):
        modem = proxy.popen(
            [sys.executable, "-c", PPP], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            equal(modem.stdout.readline(), b"ready\n")
            proxy.ip("link set ppp7 up", f"route add {addresses.TARGET4}/32 dev ppp7")
            sidecar.stop()
            # which finds it in its present state
            sidecar = Sidecar(proxy, "crab", "--proxy.port=1080")
            with proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(question("noerror.lab", 1, 1), (addresses.TARGET4, 53))
            lab.traffic("7 connect expect=any", seed=3).finish()
            after = settle(sidecar)
            equal(after.value("proxy_leaked_connections_total"), 7, "leaked connections")
            equal(after.value(LEAKED_DNS), 1, "leaked queries")
        finally:
            modem.kill()
            modem.wait()


# ---- other tunnels ----


def second_tunnel(lab, proxy, name, port):
    key = subprocess.run(
        ["wg", "genkey"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return wireguard.Device(
        proxy.ns,
        name,
        f"[Interface]\nPrivateKey = {key}\nListenPort = {port}\n[Peer]\nPublicKey = "
        f"{lab.inet.public_key}\n"
        f"AllowedIPs = 10.50.0.0/24\nEndpoint = {addresses.INET_UNDERLAY4}:51820\n",
        [
            "address add 10.50.0.2/32 dev " + name,
            f"link set {name} up",
            f"route add 10.50.0.0/24 dev {name}",
        ],
    )


def send(proxy, address):
    with proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", (address, 7))


def test_handshakes_of_a_tunnel_that_is_not_the_proxys():
    with world("--proxy.port=1080") as (lab, proxy, sidecar):
        wait_until(lambda: sidecar.scrape().find("vpn_peer_info"), 5, "wg0's device to be read")
        before = sidecar.scrape()
        with captured(
            proxy.ns, "eth0", lambda p: p.protocol == socket.IPPROTO_UDP and len(p.payload) == 148
        ) as packets:
            second_tunnel(lab, proxy, "wg1", 40001).create()
            send(proxy, "10.50.0.1")
            wait_until(
                lambda: (
                    packets
                    or proxy.run(["sh", "-c", "wg show wg1 transfer"]).stdout.split()[2] != "0"
                ),
                10,
                "an initiation",
            )
        assert packets, "no initiation of wg1"
        after = sidecar.scrape()
        mine = sum(p.sport != 40001 and p.outgoing for p in packets)
        equal(
            after.sum(INITIATIONS, direction="sent") - before.sum(INITIATIONS, direction="sent"),
            mine,
            "initiations of wg0",
        )


def handshakes(metrics):
    return [
        metrics.sum(name, direction=direction)
        for name in (INITIATIONS, "vpn_handshake_responses_total")
        for direction in ("sent", "received")
    ]


def test_handshakes_of_a_device_that_changes_its_port():
    """Like `wg setconf` without ListenPort. The handshake, and packets to port 53, come before the
    port can be known.
    """
    with world("--proxy.port=1080", keepalive=1) as (lab, proxy, sidecar):
        lab.inet.run(
            ["nft", "-f", "-"],
            input="table ip m { chain c { type nat hook prerouting priority -100; iifname eth0 udp "
            "dport 53 redirect to :51820; }; }\n",
        )
        wait_until(lambda: sidecar.scrape().find("vpn_peer_info"), 5, "wg0's device to be read")
        ports, begin = set(), sidecar.scrape()
        for number in range(4):
            before = handshakes(sidecar.scrape())
            with captured(proxy.ns, "eth0", handshake_type) as packets:
                config = (
                    proxy.wg0.config.replace(f":{addresses.WIREGUARD_PORT}", ":53")
                    if number % 2
                    else proxy.wg0.config
                )
                proxy.run(["sh", "-c", "wg set wg0 peer $(wg show wg0 peers) remove"])
                proxy.run(["wg", "setconf", "wg0", "/dev/stdin"], input=config)
                wait_until(lambda: proxy.wg0.peers()[0]["handshake"], 10, "a handshake")
            ports |= {p.sport for p in packets if p.outgoing}
            truth = [
                sum(handshake_type(p) == kind and p.outgoing == sent for p in packets)
                for kind in (1, 2)
                for sent in (True, False)
            ]
            wanted = [former + n for former, n in zip(before, truth)]
            wait_until(
                lambda wanted=wanted: handshakes(sidecar.scrape()) == wanted,
                5,
                f"{wanted} to be counted",
            )
        after = sidecar.scrape()
        equal(len(ports) >= 4, True, f"ports {ports}")
        durations = after.sum("vpn_handshake_duration_seconds_count") - begin.sum(
            "vpn_handshake_duration_seconds_count"
        )
        equal(durations, handshakes(after)[3] - handshakes(begin)[3], "durations")
        equal(after.value(LEAKED_DNS), 0, "leaked queries")


def test_iterative_queries_that_look_like_WireGuard():
    """A query without flags, with an id like a message type, of each WireGuard size."""
    with world("--proxy.port=1080") as (lab, proxy, sidecar):
        server = Server(lab.inet.ns, addresses.INET_UNDERLAY4)
        with proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5 * PATIENCE)
            for number, size in ((1, 148), (2, 92), (3, 64), (4, 32), (4, 48), (4, 148)):
                message = question("noerror.lab", 2, number << 8, flags=0)
                client.sendto(message + bytes(size - len(message)), (addresses.INET_UNDERLAY4, 53))
                client.recv(2000)
            client.sendto(
                question("", 2, 0x400, flags=0) + bytes(32), (addresses.INET_UNDERLAY4, 53)
            )
            wait_until(lambda: sum(server.asked.values()) == 7, 5, "seven queries")
        server.close()
        equal(sidecar.scrape().value(QUERIES, path="underlay", type="ns"), 7, "queries")
        equal(sidecar.scrape().value(LEAKED_DNS), 7, "leaked")


def test_a_reused_tunnel_index_begins_at_0():
    """Five tunnels in sequence: the fifth takes the tunnel index of a removed one, without its
    handshakes.
    """
    with world("--proxy.port=1080", "--proxy.interface=wg*") as (lab, proxy, sidecar):
        for number in range(1, 6):
            device = second_tunnel(lab, proxy, f"wg{number}", 40001)
            with captured(
                proxy.ns,
                "eth0",
                lambda p: (
                    p.protocol == socket.IPPROTO_UDP and len(p.payload) == 148 and p.sport == 40001
                ),
            ) as packets:
                device.create()
                wait_until(
                    lambda name=device.name: sidecar.scrape().find(
                        "vpn_tunnel_state", interface=name
                    ),
                    10,
                    device.name,
                )
                wait_until(
                    lambda name=device.name: sidecar.scrape().find("vpn_peer_info", interface=name),
                    10,
                    device.name,
                )
                send(proxy, "10.50.0.1")
                wait_until(
                    lambda name=device.name: (
                        proxy.run(["wg", "show", name, "transfer"]).stdout.split()[2] != "0"
                    ),
                    10,
                    "an initiation",
                )
            equal(
                sidecar.scrape().value(INITIATIONS, direction="sent", interface=device.name),
                len(packets),
                f"initiations of {device.name}",
            )
            device.delete()
            wait_until(
                lambda name=device.name: (
                    not sidecar.scrape().value("vpn_interface_up", interface=name)
                ),
                10,
                f"{device.name} gone",
            )
