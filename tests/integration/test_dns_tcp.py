# SPDX-License-Identifier: Apache-2.0
"""DNS over TCP by stream offset, in any segmentation; connections that end, and idle ones."""

import contextlib
import json
import socket
import struct

import pytest
from checks import equal
from dns_server import framed, question
from dns_world import TUNNEL, UNDERLAY, World, read_framed
from sockslab import PATIENCE, addresses, wait_until

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def world(lab):
    with World(lab) as made:
        yield made


def test_tcp_byte_by_byte_and_all_at_once(world):
    names = ["noerror", "split", "nxdomain", "compressed", "mute"]
    messages = [
        framed(question(f"{name}.lab", 1 + 27 * (number & 1), number))
        for number, name in enumerate(names * 6)
    ]
    world.begin()
    with world.tcp() as client:
        for byte in b"".join(messages[:5]):
            client.sendall(bytes([byte]))
        equal(len(read_framed(client, 5)), 5)
        client.sendall(b"".join(messages))
        equal(len(read_framed(client, 30)), 30)
    world.check(responses={"noerror": 28, "nxdomain": 7})


def test_tcp_long_answers(world):
    world.begin()
    with world.tcp() as client:
        for number in range(100):
            for name in ("large", "noerror"):
                client.sendall(framed(question(f"{name}.lab", 252, number)))
                equal(len(read_framed(client, 1)), 1)
    world.check(responses={"noerror": 200})


def test_tcp_more_than_a_kilobyte_on_the_underlay(world):
    """On the underlay, data to clients is bulk after a kilobyte and not read; queries are read."""
    world.begin()
    with world.tcp(UNDERLAY) as client:
        for number in range(300):
            client.sendall(framed(question("noerror.lab", 1, number)))
            read_framed(client, 1)
    world.check(UNDERLAY, responses={"noerror": 300})


def test_tcp_segments_that_are_lost_on_the_way(world):
    """Retransmitted messages count once. Reordered segments of the server's side are losses
    (out_of_order).
    """
    world.begin()
    rules = (
        "add chain inet lossy in { type filter hook input priority -5; }; add rule inet lossy in "
        "tcp dport 53 numgen inc mod 3 0 drop"
    )
    world.lab.inet.run(["nft", f"add table inet lossy; {rules}"])
    try:
        with world.tcp() as client:
            client.settimeout(30 * PATIENCE)
            for number in range(12):
                client.sendall(framed(question("noerror.lab", 1, number)))
                equal(len(read_framed(client, 1)), 1)
    finally:
        world.lab.inet.run(["nft", "delete table inet lossy"])
    world.settle(20)
    equal(world.grown("proxy_dns_queries_total", "type", TUNNEL), {"a": 12}, "queries")
    equal(world.grown("proxy_dns_responses_total", "rcode", TUNNEL), {"noerror": 12}, "responses")
    equal(world.grown("wgsocks_exporter_events_lost_total", "cause"), {}, "losses")


def test_tcp_streams_end(world):
    """Connections closed by either side, refused or reset: none stays in the map."""
    world.begin()
    for _ in range(20):
        with world.tcp() as client:
            client.sendall(framed(question("noerror.lab", 1, 1)))
            read_framed(client, 1)
        with world.tcp() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with (
            world.proxy.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
            contextlib.suppress(ConnectionRefusedError),
        ):
            client.connect((addresses.BLOCKED4, 53))
    world.check(responses={"noerror": 20})
    wait_until(
        lambda: (
            world.sidecar.scrape().value("wgsocks_exporter_map_entries", map="dns_streams") == 0
        ),
        5,
        "no stream is left",
    )


def streams_age(world, seconds):
    """Set back the time of the last segment of every stream."""
    path = world.proxy.run(["sh", "-c", "ls /sys/fs/bpf/wgsocks/v*/*/dns_streams"]).stdout.strip()
    for entry in json.loads(
        world.proxy.run(["bpftool", "-j", "map", "dump", "pinned", path]).stdout
    ):
        value = bytes(int(byte, 16) for byte in entry["value"])
        last = struct.unpack("=Q", value[16:24])[0] - seconds * 10**9
        value = value[:16] + struct.pack("=Q", last) + value[24:]
        world.proxy.run(
            [
                "bpftool",
                "map",
                "update",
                "pinned",
                path,
                "key",
                "hex",
                *[byte[2:] for byte in entry["key"]],
                "value",
                "hex",
                *[f"{byte:02x}" for byte in value],
            ]
        )


def streams(world):
    return world.sidecar.scrape().value("wgsocks_exporter_map_entries", map="dns_streams")


def sweeps(world, count, what):
    wait_until(lambda: streams(world) == count, 5, what)


def test_tcp_streams_that_are_silent(world):
    """Idle streams are deleted after ten minutes, and after 70 seconds if never accepted."""
    world.begin()
    with world.tcp() as client:
        client.sendall(framed(question("noerror.lab", 1, 1)))
        read_framed(client, 1)
        with world.proxy.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as opening:
            opening.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                opening.connect((addresses.SWALLOW4, 53))
            sweeps(world, 2, "two streams")
        streams_age(world, 75)
        sweeps(world, 1, "one stream")
        streams_age(world, 700)
        sweeps(world, 0, "no stream")
        client.sendall(framed(question("noerror.lab", 1, 2)))  # the stream is unknown now
        read_framed(client, 1)
    world.check(queries={"a": 1}, responses={"noerror": 1}, lost={"parse": 1})
