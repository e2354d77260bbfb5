# SPDX-License-Identifier: Apache-2.0
"""WireGuard handshakes: each message, compared with a capture of the underlay."""

import collections
import contextlib
import errno
import os
import socket
import struct
import subprocess
import threading

import pytest
from capture import captured, handshake_type
from checks import equal
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab, addresses, wait_until, wireguard

pytestmark = pytest.mark.in_lab

FAMILIES = {1: "vpn_handshake_initiations_total", 2: "vpn_handshake_responses_total"}
DURATION = "vpn_handshake_duration_seconds"


def answers(namespace, address, port):
    with contextlib.closing(namespace.socket(socket.AF_INET, socket.SOCK_STREAM)) as client:
        client.settimeout(1)
        try:
            return client.connect_ex((address, port)) in (0, errno.ECONNREFUSED)
        except TimeoutError:
            return False


class World:
    def __init__(self, lab, *arguments):
        self.lab, self.proxy = lab, lab.proxies[0]
        self.sidecar = Sidecar(self.proxy, "crab", "--proxy.port=1080", *arguments)

    def counted(self):
        metrics = self.sidecar.scrape()
        return collections.Counter(
            {
                (kind, sample[1]["direction"], sample[1]["interface"]): sample[2]
                for kind, name in FAMILIES.items()
                for sample in metrics.find(name)
            }
        )

    def durations(self):
        metrics = self.sidecar.scrape()
        return metrics.sum(f"{DURATION}_count"), metrics.sum(f"{DURATION}_sum")

    @contextlib.contextmanager
    def compared(self, interface="eth0", tunnel_of=lambda packet: "wg0"):
        """Compare captured messages with the counts over the block; yields the packets, complete at
        the end.
        """
        former, (count, total) = self.counted(), self.durations()
        with captured(self.proxy.ns, interface, handshake_type) as packets:
            yield packets
            self.quiet()
        truth = collections.Counter(
            (handshake_type(p), "sent" if p.outgoing else "received", tunnel_of(p)) for p in packets
        )
        mine = self.counted()
        mine.subtract(former)
        equal(
            {key: n for key, n in mine.items() if n}, dict(truth), "by type, direction, interface"
        )
        begun = {p.payload[4:8]: p.time for p in packets if handshake_type(p) == 1 and p.outgoing}
        took = [
            p.time - begun.pop(p.payload[8:12])
            for p in packets
            if handshake_type(p) == 2 and not p.outgoing and p.payload[8:12] in begun
        ]
        now_count, now_total = self.durations()
        equal(now_count - count, len(took), "durations")
        assert abs(now_total - total - sum(took)) < 0.005 * max(1, len(took)), (
            now_total - total,
            took,
        )

    def quiet(self):
        """Wait until two samples with a tunnel packet between them are equal."""

        def same():
            before = self.counted()
            self.passes()
            return self.counted() == before

        wait_until(same, 15, "no handshake under way")

    def passes(self):
        """Whether a connection through the tunnel succeeds within a second."""
        return answers(self.proxy.ns, addresses.TARGET4, addresses.TARGET_PORT)

    def new_handshake(self, who=None):
        """Remove the peer and add it again, so that the next packet needs a handshake."""
        ns = who or self.proxy.ns
        ns.run(
            [
                "sh",
                "-c",
                (
                    "wg showconf wg0 >/run/wg0.conf; "
                    "wg set wg0 peer $(wg show wg0 peers | head -1) remove; "
                    "wg setconf wg0 /run/wg0.conf"
                ),
            ]
        )


@contextlib.contextmanager
def world(*arguments, **options):
    with Lab(proxies=1, **{"keepalive": 0, **options}) as lab:
        join_underlay()
        try:
            yield World(lab, *arguments)
        finally:
            kill_all()


def test_each_handshake_that_the_proxy_begins(record_property):
    with world() as w, w.compared() as packets:
        for _ in range(5):
            w.new_handshake()
            wait_until(lambda: w.passes(), 20, "an answer through the tunnel")
    assert sum(handshake_type(p) == 1 and p.outgoing for p in packets) >= 5, len(packets)
    record_property("note", f"{len(packets)} messages")


def test_handshakes_that_the_peer_begins(record_property):
    with world() as w:
        wait_until(lambda: w.passes(), 20, "an answer through the tunnel")
        with w.compared() as packets:
            forget = (
                "e=$(wg show wg0 endpoints | cut -f2); k=$(wg show wg0 peers); wg set wg0 peer $k "
                "remove;"
                f"wg set wg0 peer $k endpoint $e allowed-ips "
                f"{w.proxy.inner4}/32,{w.proxy.inner6}/128"
            )
            for _ in range(3):
                w.lab.inet.run(["sh", "-c", forget])
                wait_until(lambda: answers(w.lab.inet.ns, w.proxy.inner4, 1080), 20, "an answer")
        assert sum(handshake_type(p) == 1 and not p.outgoing for p in packets) >= 3, len(packets)
        assert sum(handshake_type(p) == 2 and p.outgoing for p in packets) >= 3, len(packets)
        record_property("note", f"{len(packets)} messages")


def test_retries_during_an_outage(record_property):
    with world() as w, w.compared() as packets:
        w.lab.inet.run(
            ["nft", "-f", "-"],
            input="table inet m { chain c { type filter hook input priority 0; udp dport 51820 "
            "drop; }; }\n",
        )
        w.new_handshake()
        wait_until(
            lambda: (
                not w.passes()
                and sum(
                    n for (kind, way, _), n in w.counted().items() if kind == 1 and way == "sent"
                )
                >= 3
            ),
            30,
            "three tries",
        )
        w.lab.inet.run(["nft", "delete", "table", "inet", "m"])
        wait_until(lambda: w.passes(), 20, "an answer through the tunnel")
    tries = sum(handshake_type(p) == 1 for p in packets)
    assert tries >= 4, tries
    record_property("note", f"{tries} initiations")


def test_two_tunnels_have_a_label_each():
    with world("--proxy.interface=wg*") as w:
        key = subprocess.run(
            ["wg", "genkey"], capture_output=True, text=True, check=True
        ).stdout.strip()
        second = wireguard.Device(
            w.proxy.ns,
            "wg1",
            f"[Interface]\nPrivateKey = {key}\nListenPort = 40001\n[Peer]\nPublicKey = "
            f"{w.lab.inet.public_key}\n"
            f"AllowedIPs = 10.50.0.0/24\nEndpoint = {addresses.INET_UNDERLAY4}:51820\n",
            [
                "address add 10.50.0.2/32 dev wg1",
                "link set wg1 up",
                "route add 10.50.0.0/24 dev wg1",
            ],
        )
        second.create()
        wait_until(
            lambda: w.sidecar.scrape().find("vpn_tunnel_state", interface="wg1", state="never"),
            10,
            "wg1",
        )
        with w.compared(
            tunnel_of=lambda p: "wg1" if 40001 in (p.sport, p.dport) else "wg0"
        ) as packets:
            answers(w.proxy.ns, "10.50.0.1", 7)  # the peer does not know this key: no response
            w.new_handshake()
            wait_until(lambda: w.passes(), 20, "an answer through the tunnel")
        equal({40001 in (p.sport, p.dport) for p in packets}, {True, False}, "messages of both")


def initiation(index, reserved=b"\0\0\0"):
    return b"\1" + reserved + struct.pack("<I", index) + os.urandom(140)


def response(index):
    return b"\2\0\0\0" + struct.pack("<II", 7, index) + os.urandom(80)


def test_messages_made_by_hand():
    """Forged messages: similar ones, unsolicited responses, duplicates, IPv6, wrong sizes. If no
    device's port is known, they may count for wg0.
    """
    with world("--no-collector.wireguard") as w:
        for family, address, mine in (
            (socket.AF_INET, addresses.INET_UNDERLAY4, w.proxy.addr4),
            (socket.AF_INET6, addresses.INET_UNDERLAY6, w.proxy.addr6),
        ):
            with (
                w.compared() as packets,
                contextlib.closing(w.proxy.ns.socket(family, socket.SOCK_DGRAM)) as here,
                contextlib.closing(w.lab.inet.ns.socket(family, socket.SOCK_DGRAM)) as there,
            ):
                here.bind((mine, 40000))
                there.bind((address, 40000))
                here.connect((address, 40000))
                there.connect((mine, 40000))
                for message in (
                    initiation(1),
                    initiation(2),
                    initiation(2, b"\0\1\0"),
                    initiation(3) + b"x",
                    initiation(4)[:-1],
                    b"\4" + initiation(5)[1:],
                    b"\1",
                ):
                    here.send(message)
                for message in (
                    response(1),
                    response(1),
                    response(99),
                    response(2)[:-1],
                    initiation(6),
                    b"\3" + bytes(63),
                ):
                    there.send(message)
                for _ in range(6):
                    here.recv(2000)
            equal(
                sorted(
                    (handshake_type(p), p.outgoing) for p in packets if p.sport == p.dport == 40000
                ),
                sorted([(1, True)] * 2 + [(2, False)] * 3 + [(1, False)]),
                "what the capture knows",
            )


def test_a_relay_on_lo():
    """The endpoint is a relay on the same host: the port of the device shows the direction."""
    with world() as w:
        relay = w.proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.closing(relay):
            relay.bind(("127.0.0.1", 5555))
            relay.settimeout(15 * PATIENCE)
            w.proxy.run(
                [
                    "sh",
                    "-c",
                    (
                        "wg set wg0 listen-port 40002 peer $(wg show wg0 peers) endpoint "
                        "127.0.0.1:5555"
                    ),
                ]
            )
            wait_until(
                lambda: w.sidecar.scrape().find("vpn_peer_info", peer_address="127.0.0.1"),
                5,
                "the port to be known",
            )
            former = w.counted()
            w.new_handshake()
            w.proxy.run(["sh", "-c", "wg set wg0 listen-port 40002"])
            sender = threading.Thread(target=w.passes)
            sender.start()
            message, device = relay.recvfrom(2000)
            equal((message[0], len(message)), (1, 148), "what the device sent")
            relay.sendto(response(struct.unpack("<I", message[4:8])[0]), device)
            sender.join()
            mine = w.counted()
            mine.subtract(former)
            equal(mine[1, "received", "wg0"], 0, "initiations received")
            equal(mine[2, "sent", "wg0"], 0, "responses sent")
            equal(mine[2, "received", "wg0"], 1, "responses received")
            assert mine[1, "sent", "wg0"] >= 1, mine
