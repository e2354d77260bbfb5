# SPDX-License-Identifier: Apache-2.0
"""DNS counts, compared with the logs of the servers, exact to the query."""

import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct

import pytest
from checks import equal
from dns_server import EDNS, TYPES, Server, framed, name_bytes, question
from dns_world import ADDRESSES, TUNNEL, UNDERLAY, World, read_framed, wait_asked
from sockslab import PATIENCE, addresses, wait_until

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def world(lab):
    with World(lab) as made:
        yield made


# ---- queries and answers ----

NUMBERS = [*TYPES.values(), 0, 3, 41, 43, 46, 48, 99, 250, 251, 252, 254, 256, 257, 257 + 28, 65535]


BOTH_WAYS = pytest.mark.parametrize(
    ("path", "version"), [(path, version) for path in (TUNNEL, UNDERLAY) for version in (4, 6)]
)


@BOTH_WAYS
def test_types_udp(world, path, version):
    world.begin()
    with world.udp(version) as client:
        for number in NUMBERS:
            for extra in (b"", EDNS):
                world.ask(
                    client,
                    question(
                        "noerror.lab",
                        number,
                        number,
                        counts=(1, 0, 0, 1 if extra else 0),
                        extra=extra,
                    ),
                    path,
                    version,
                )
    world.check(path, responses={"noerror": 2 * len(NUMBERS)})


@BOTH_WAYS
def test_types_tcp(world, path, version):
    world.begin()
    with world.tcp(path, version) as client:
        for number in NUMBERS:
            client.sendall(framed(question("noerror.lab", number, number)))
            equal(len(read_framed(client, 1)), 1)
    world.check(path, responses={"noerror": len(NUMBERS)})


@BOTH_WAYS
def test_rcodes(world, path, version):
    world.begin()
    with world.udp(version) as client, world.tcp(path, version) as stream:
        for code in range(16):
            world.ask(client, question(f"rcode{code}.lab", 1, code), path, version)
            stream.sendall(framed(question(f"rcode{code}.lab", 28, code)))
            read_framed(stream, 1)
    world.check(
        path, responses={"noerror": 2, "servfail": 2, "nxdomain": 2, "refused": 2, "other": 24}
    )


def test_compressed_truncated_and_bare_answers(world):
    world.begin()
    with world.udp() as client:
        for number, name in enumerate(("compressed", "truncated", "mute", "compressed")):
            world.ask(client, question(f"{name}.lab", 1, number))
    with world.tcp() as client:  # after the truncated answer, as a resolver does
        client.sendall(framed(question("compressed.lab", 1, 9)))
        read_framed(client, 1)
    world.check(responses={"noerror": 5})


def test_names(world):
    """Long names, compressed names, and unreadable names: those are queries of type other."""

    def of_labels(*labels):
        return b"".join(bytes([len(label)]) + label for label in (b"drop", *labels)) + b"\0"

    type_and_class = struct.pack(">HH", 28, 1)
    readable = [
        of_labels(*[b"a" * 63] * 3, b"b" * 56),
        of_labels(*[b"x"] * 124),
        b"\4drop\xc0\x0c",
        b"\0",
    ]
    unreadable = [
        b"\4drop\x40ab\0",
        b"\4drop\x80\0",
        of_labels(*[b"a" * 63] * 3, b"b" * 57),
        of_labels(*[b"x"] * 125),
        of_labels(*[b"x"] * 140),
    ]
    cut = [b"", b"\4dro", b"\4drop", b"\4drop\0", b"\4drop\0\0", b"\4drop\0\0\x1c\0", b"\xc0"]
    bodies = [name + type_and_class for name in (*readable, *unreadable)] + cut
    equal((len(readable[0]), len(readable[1])), (255, 254), "as long as a name may be")
    world.begin()
    with world.udp() as client:
        for number, body in enumerate(bodies):
            client.sendto(
                struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + body, (addresses.SWALLOW4, 53)
            )
    world.check(
        queries={"aaaa": len(readable), "other": len(unreadable) + len(cut)}, unanswered=len(bodies)
    )


def test_messages_that_are_no_queries(world):
    """An answer sent to port 53 does not count; NOTIFY, UPDATE and a message without question have
    type other; one without header is a loss.
    """
    body = name_bytes("drop.lab") + struct.pack(">HH", 1, 1)
    world.begin()
    with world.udp() as client:
        client.sendto(struct.pack(">HHHHHH", 1, 0x8180, 1, 0, 0, 0) + body, (addresses.TARGET4, 53))
        for flags, count in ((0x2000, 1), (0x2800, 1), (0x1000, 1), (0x0100, 0)):
            client.sendto(
                struct.pack(">HHHHHH", flags >> 8, flags, count, 0, 0, 0) + body,
                (addresses.TARGET4, 53),
            )
        for length in (0, 1, 11):
            client.sendto(bytes(length), (addresses.TARGET4, 53))
        wait_asked(world, 8)
    world.check(queries={"other": 4}, unanswered=4, lost={"parse": 3})


# ---- matching of answers to queries ----


def test_unanswered_late_and_twice(world):
    world.begin()
    with world.udp() as client:
        for number in range(7):
            client.sendto(question("drop.lab", 1, number), (addresses.TARGET4, 53))
        for number in range(7, 10):
            client.sendto(question("late.lab", 15, number), (addresses.TARGET4, 53))
        world.ask(client, question("twice.lab", 16, 10), answers=2)
        for number in (11, 12, 13):
            client.sendto(
                question(("other-port", "other-id", "cut")[number - 11] + ".lab", 33, number),
                (addresses.TARGET4, 53),
            )
        wait_asked(world, 14)
        at = world.sidecar.scrape()
        equal(at.value("wgsocks_exporter_map_entries", map="dns_pending"), 13, "queries that wait")
        world.check(responses={"noerror": 1}, unanswered=13)
        wait_until(lambda: not world.servers[TUNNEL, 4].late, 5, "the late answers")
        # the three late answers and the three without a query have passed the programs then
        for _ in range(6):
            client.recv(65535)
    world.check(
        queries={"a": 7, "mx": 3, "txt": 1, "srv": 3}, responses={"noerror": 1}, unanswered=13
    )


def test_unsolicited_answers(world):
    world.begin()
    with world.udp() as client, world.udp() as other:
        world.ask(client, question("noerror.lab", 1, 1))
        world.ask(other, question("drop.lab", 28, 2), answers=0)
        answer = question("noerror.lab", 28, 2, flags=0x8180)
        inner, port = world.proxy.inner4, other.getsockname()[1]
        for way in world.servers:
            if way[1] == 4:
                world.servers[way].udp.sendto(
                    answer, (inner if way[0] == TUNNEL else world.proxy.addr4, 9)
                )
        # by another path, from another server
        world.servers[UNDERLAY, 4].udp.sendto(answer, (world.proxy.addr4, port))
        for wrong in (
            question("noerror.lab", 28, 2),
            answer[:11],
            b"",
            question("noerror.lab", 28, 3, flags=0x8180),
        ):
            world.servers[TUNNEL, 4].udp.sendto(wrong, (inner, port))
    world.check(responses={"noerror": 1}, unanswered=1)


def test_the_same_query_again(world):
    """Each repetition of a query is answered; more than 16 pending ones with the same key are a
    loss.
    """
    world.begin()
    with world.udp() as client:
        for _ in range(3):
            client.sendto(question("twice.lab", 1, 77), (addresses.TARGET4, 53))
        for _ in range(6):
            client.recv(2000)
        for _ in range(18):
            client.sendto(question("drop.lab", 1, 78), (addresses.TARGET4, 53))
        wait_asked(world, 21)
    world.check(queries={"a": 21}, responses={"noerror": 3}, unanswered=16, lost={"insert": 2})


def test_many_at_once(world):
    """Many pending queries at once: each is matched once, to its own answer."""
    world.begin()
    clients = [world.udp() for _ in range(8)]
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        for turn in range(60):
            for client in clients:
                for number in range(16):
                    client.sendto(
                        question(
                            ("noerror", "nxdomain")[number & 1] + ".lab",
                            1 + 27 * (turn & 1),
                            turn * 16 + number,
                        ),
                        (addresses.TARGET4, 53),
                    )
            for client in clients:
                for _ in range(16):
                    client.recv(2000)
    world.check(responses={"noerror": 3840, "nxdomain": 3840})


def test_a_full_table(world):
    world.begin()
    with world.udp() as client:
        for number in range(5000):
            client.sendto(question("drop.lab", 1, number), (addresses.SWALLOW4, 53))
    world.check(queries={"a": 5000}, unanswered=4096, lost={"insert": 904})


# ---- dante and a real server ----


def dnsmasq_asked(lab, position):
    """Queries in the log of dnsmasq since then."""
    with open("/run/lab/dnsmasq.log", encoding="utf-8", errors="replace") as file:
        file.seek(position)
        found = collections.Counter(
            kind.lower() for kind in re.findall(r": query\[([A-Z]+)\] ", file.read())
        )
    return dict(found)


def test_dante_resolves(world, record_property):
    """Without a fault: all requests by name, no leak."""
    world.begin()
    world.lab.inet.stop_dns()
    world.lab.inet.start_dns("--log-queries")
    with world.lab.inet.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:  # until it answers
        client.settimeout(0.1)

        def answers():
            with contextlib.suppress(TimeoutError):
                client.sendto(question("target.lab", 1, 1), (addresses.DNS4, 53))
                return client.recv(2000)

        wait_until(answers, 5, "dnsmasq's answer")
    position = pathlib.Path("/run/lab/dnsmasq.log").stat().st_size
    traffic = world.lab.traffic(
        "600 connect addr=name",
        "100 unresolved",
        "300 connect",
        "50 transfer up=1000 down=20000 addr=name",
    )
    for number in range(40):
        world.proxy.run(
            ["getent", "ahosts", f"{('target', 'swallow6', 'nobody')[number % 3]}.lab"], check=False
        )
    traffic.finish()
    world.settle()
    asked = dnsmasq_asked(world.lab, position)
    equal(world.grown("proxy_dns_queries_total", "type", TUNNEL), asked, "queries")
    responses = world.grown("proxy_dns_responses_total", "rcode", TUNNEL)
    equal(sum(responses.values()), sum(asked.values()), "responses")
    equal(set(responses), {"noerror", "nxdomain"}, "rcodes")
    equal(world.grown("proxy_dns_unanswered_total", "path"), {}, "unanswered")
    equal(world.grown("proxy_dns_queries_total", "type", UNDERLAY), {}, "by the underlay")
    equal(world.leaked(), 0, "leaked")
    equal(world.grown("wgsocks_exporter_events_lost_total", "cause"), {}, "losses")
    record_property("note", f"{sum(asked.values())} queries")


# ---- leaks ----


def test_leak_by_a_route_around(world):
    """The resolver of the tunnel, reached outside the tunnel; the source address is irrelevant."""
    world.begin()
    world.lab.inet.ip(f"address add {addresses.TARGET4}/32 dev eth0")
    world.proxy.ns.ip(
        f"route add {addresses.TARGET4}/32 via {addresses.INET_UNDERLAY4} dev eth0 src "
        f"{world.proxy.inner4}"
    )
    try:
        with world.udp() as client:
            client.bind((world.proxy.inner4, 0))
            for number in range(5):
                client.sendto(question("drop.lab", 1, number), (addresses.TARGET4, 53))
        world.settle()
    finally:
        world.proxy.ns.ip(
            f"route del {addresses.TARGET4}/32 via {addresses.INET_UNDERLAY4} dev eth0"
        )
        world.lab.inet.ip(f"address del {addresses.TARGET4}/32 dev eth0")
    equal(world.leaked(), 5, "leaked")
    equal(world.grown("proxy_dns_queries_total", "type", UNDERLAY), {"a": 5}, "queries")
    equal(world.grown("proxy_dns_unanswered_total", "path"), {UNDERLAY: 5}, "unanswered")


def test_leak_by_ipv6_outside_the_tunnel(world):
    world.begin()
    with world.udp(6) as client:
        world.ask(client, question("noerror.lab", 28, 1), UNDERLAY, 6)
    with world.tcp(UNDERLAY, 6) as client:
        client.sendall(
            framed(question("noerror.lab", 28, 2)) + framed(question("noerror.lab", 1, 3))
        )
        read_framed(client, 2)
    world.check(UNDERLAY, responses={"noerror": 3}, leaked=3)


def test_leak_while_the_tunnel_is_down(world):
    world.begin()
    world.proxy.ns.ip(
        "link set wg0 down", f"route add default via {addresses.INET_UNDERLAY4} dev eth0"
    )
    try:
        with world.udp() as client:
            for number in range(4):
                client.sendto(question("drop.lab", 1, number), (addresses.TARGET4, 53))
        world.settle()
    finally:
        world.proxy.ns.ip(f"route del default via {addresses.INET_UNDERLAY4} dev eth0")
        world.proxy.delete_tunnel()
        world.proxy.create_tunnel()
    equal(world.leaked(), 4, "leaked")
    world.sidecar.wait_ready()


def test_queries_on_lo_and_forwarded_ones_are_no_leak(world):
    """Queries on lo, and forwarded for another host."""
    world.begin()
    inside = Server(world.proxy.ns, "127.0.0.1")
    world.proxy.ns.sysctl(net__ipv4__ip_forward=1)
    world.lab.clients.ip(f"route add 10.97.0.0/16 via {world.proxy.addr4}")
    world.proxy.ns.ip(f"route add 10.97.0.0/16 via {addresses.INET_UNDERLAY4} dev eth0")
    world.lab.inet.ip("address add 10.97.0.1/32 dev eth0")
    outside = Server(world.lab.inet.ns, "10.97.0.1")
    try:
        with world.udp() as client:
            client.sendto(question("noerror.lab", 1, 1), ("127.0.0.1", 53))
            client.recv(2000)
        with world.lab.clients.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5 * PATIENCE)
            client.sendto(question("noerror.lab", 1, 1), ("10.97.0.1", 53))
            client.recv(2000)
        with world.lab.clients.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(5 * PATIENCE)
            client.connect(("10.97.0.1", 53))
            client.sendall(framed(question("noerror.lab", 1, 1)))
            read_framed(client, 1)
        equal((inside.take(), outside.take()), ({"a": 1}, {"a": 2}), "asked")
    finally:
        inside.close()
        outside.close()
        world.lab.inet.ip("address del 10.97.0.1/32 dev eth0")
        world.proxy.ns.ip(f"route del 10.97.0.0/16 via {addresses.INET_UNDERLAY4} dev eth0")
        world.lab.clients.ip(f"route del 10.97.0.0/16 via {world.proxy.addr4}")
        world.proxy.ns.sysctl(net__ipv4__ip_forward=0)
    world.check(queries={})


# ---- restarts and flags of the exporter ----


def test_a_collector_that_is_killed(world):
    """The BPF programs continue to count; the next exporter removes timed-out queries."""
    world.begin()
    killed = world.sidecar.children()["wgsocks-collect"]
    with world.udp() as client:
        world.ask(client, question("drop.lab", 1, 1), answers=0)
        os.kill(killed, signal.SIGKILL)
        world.ask(client, question("noerror.lab", 1, 2))
    wait_until(
        lambda: (
            world.sidecar.children().get("wgsocks-collect") not in (None, killed)
            and world.sidecar.ready()
        ),
        10,
        "a new collector",
    )
    world.check(responses={"noerror": 1}, unanswered=1)


def dns_programs(world):
    """The entries of enum abi_packet_program that have a program."""
    path = world.proxy.run(
        ["sh", "-c", "ls /sys/fs/bpf/wgsocks/v*/*/packet_programs"]
    ).stdout.strip()
    entries = json.loads(world.proxy.run(["bpftool", "-j", "map", "dump", "pinned", path]).stdout)
    places = {
        int(entry["key"][0], 16)
        for entry in entries
        if "value" in entry and "error" not in entry["value"]
    }
    equal(places >= {0, 1, 2, 3}, True, f"places {places}")
    return sorted(places & {6, 7})


def test_switched_off(world):
    """Only leaks, only DNS, neither."""

    def ask():
        for path in (TUNNEL, UNDERLAY):
            with world.udp() as client:
                world.ask(client, question("noerror.lab", 1, 1), path)
            with world.tcp(path) as client:
                client.sendall(framed(question("noerror.lab", 1, 1)))
                read_framed(client, 1)

    world.restart("--no-collector.dns")
    ask()
    metrics = world.sidecar.scrape()
    equal(metrics.value("proxy_leaked_dns_queries_total"), 2, "leaked")
    equal(metrics.find("proxy_dns_queries_total"), [], "queries")
    equal(metrics.value("wgsocks_exporter_map_entries", map="dns_pending"), 0, "pending")
    equal(dns_programs(world), [6, 7], "programs of DNS")
    world.restart("--no-collector.leaks")
    ask()
    metrics = world.sidecar.scrape()
    equal(metrics.find("proxy_leaked_dns_queries_total"), [], "leaked")
    equal(metrics.sum("proxy_dns_queries_total"), 4, "queries")
    world.restart("--no-collector.leaks", "--no-collector.dns")
    ask()
    world.sidecar.scrape()
    equal(dns_programs(world), [], "programs of DNS")


def test_leak_allowed(world):
    allowed = ADDRESSES[UNDERLAY, 4]
    world.restart(f"--leak.allow={allowed}/32,fd77::/120")
    world.begin()
    with world.udp() as client:
        world.ask(client, question("noerror.lab", 1, 1), UNDERLAY)
    world.check(UNDERLAY, responses={"noerror": 1}, leaked=0)
    world.begin()
    with world.udp(6) as client:
        world.ask(client, question("noerror.lab", 1, 1), UNDERLAY, 6)
    with world.tcp(UNDERLAY) as client:
        client.sendall(framed(question("noerror.lab", 1, 1)))
        read_framed(client, 1)
    world.check(UNDERLAY, responses={"noerror": 2}, leaked=0)
    world.restart("--leak.allow=10.77.0.0/32,fd78::/16,::/0")
    world.begin()
    with world.udp() as client:
        world.ask(client, question("noerror.lab", 1, 1), UNDERLAY)
    with world.udp(6) as client:
        world.ask(client, question("noerror.lab", 1, 1), UNDERLAY, 6)
    world.check(UNDERLAY, responses={"noerror": 2}, leaked=1)
