# SPDX-License-Identifier: Apache-2.0
"""Identity of proxies in node mode: names over restarts, reused inodes, incomplete pins."""

import json
import pathlib
import signal
import struct
import subprocess
import sys
import time

import pytest
from checks import equal
from logfmt import records
from node import PINS, Node, World, check_views
from sidecar import BINARY, Metrics, fetch
from small_proxy import Held, SmallProxy
from sockslab import PATIENCE, wait_until
from truth import Before

pytestmark = pytest.mark.in_lab


def test_servers_of_every_shape():
    """The agent finds servers with another process name, another user, a private PID namespace, or
    no listener yet. It ignores a process that is not a SOCKS server.
    """
    with World(proxies=1):
        shapes = [
            SmallProxy("other-name", comm="my-socks"),
            SmallProxy("other-user", user=65534),
            SmallProxy("with-sockd", comm="sockd"),
            SmallProxy("own-pids", unshare=("--pid", "--fork", "--kill-child")),
        ]
        stranger, late = SmallProxy("stranger", comm="nginx"), SmallProxy("late", listen=False)
        node = Node("--proxy.process=danted,sockd,my-socks", wait_for=5)
        equal(
            node.names(), ["crab-0", "other-name", "other-user", "own-pids", "with-sockd"], "names"
        )
        late.listen()
        wait_until(lambda: "late" in node.watched(), 10, "the one that listens later")
        equal("stranger" in node.names(), False, "one that is no SOCKS server")
        for proxy in (*shapes, stranger, late):
            proxy.end()
        wait_until(lambda: node.names() == ["crab-0"], 10, "all to end")


@pytest.mark.parametrize("world", [2], indirect=True)
def test_the_name_of_a_proxy_whose_server_is_away_while_the_agent_restarts(world, agent):
    world.lab.proxies[0].stop_dante()
    agent.stop()
    agent = Node(wait_for=2)
    equal(agent.names(), ["crab-0", "crab-1"], "names after a restart without its server")
    world.lab.proxies[0].dante.env["PROXY_NAME"] = "lobster"
    world.lab.proxies[0].start_dante()
    wait_until(
        lambda: agent.names() == ["crab-1", "lobster"], 5, "the name that its server has now"
    )
    view = agent.view(world.lab.proxies[0], "lobster")
    before = Before(view)
    check_views(
        [view], [before], world.lab.traffic("20 connect", proxies=[view.proxy], seed=91).finish()
    )


def successor(former, name):
    """A proxy whose namespace reuses the inode of a dead one and does not listen yet; None if
    another process got the inode.
    """
    others = []
    try:
        deadline = time.monotonic() + 3  # the supervisor kills a collector that is stopped too long
        while time.monotonic() < deadline:
            another = SmallProxy(name, listen=False)
            if another.inode == former.inode:
                return another
            others.append(another)
    finally:
        for other in others:
            other.end()
    return None


@pytest.mark.parametrize("world", [1], indirect=True)
def test_a_namespace_that_gets_the_inode_of_a_dead_one_at_once(world, agent):
    done = 0
    for i in range(30):  # the order of the two events is random
        former = SmallProxy(f"prawn-{i}")
        wait_until(lambda n=i: agent.watched() == ["crab-0", f"prawn-{n}"], 5, "the first one")
        with Held(agent.children()["wgsocks-collect"]):
            former.end()
            following = successor(former, f"shrimp-{i}")
            if following:
                following.listen()
                wait_until(lambda p=following.pid: listens(p), 5, "its listener")
        if following:
            wait_until(lambda n=i: agent.watched() == ["crab-0", f"shrimp-{n}"], 5, "the next one")
            following.end()
        wait_until(lambda: agent.names() == ["crab-0"], 5, "their end")
        done += bool(following)
        if done == 6:
            return
    pytest.skip(
        f"a namespace got the inode of the dead one {done} times only: others make namespaces too"
    )


def listens(pid):
    with open(f"/proc/{pid}/net/tcp6", encoding="ascii") as file:
        return any(line.split()[3] == "0A" for line in file)


def test_a_server_whose_mounts_are_not_those_of_its_tunnel():
    """Two containers of one pod: the UAPI socket is in the file system of the other one."""
    with World(proxies=2) as world:
        proxy = world.lab.proxies[0]
        proxy.stop_dante()
        proxy.dante.process = proxy.popen(
            ["unshare", "--mount", "--propagation=private", "sh", "-ec", OWN_RUN],
            env={"PROXY_NAME": "golden", "TMPDIR": "/run/tmp"},
        )
        proxy.dante.wait_listening()
        node = Node(wait_for=2)
        view = node.view(proxy, "golden")
        for _ in range(2):
            wait_until(
                lambda: view.scrape().by("vpn_tunnel_state", "state").get("up"),
                10,
                "its tunnel's state",
            )
            equal(
                [peer[1]["public_key"] for peer in view.scrape().find("vpn_peer_info")],
                [proxy.wg_show()["public_key"]],
                "its peer",
            )
            equal(
                view.scrape().value("wgsocks_exporter_source_success", collector="wireguard"),
                1,
                "its source",
            )
            proxy.delete_tunnel()
            wait_until(lambda: view.scrape().value("vpn_interface_up") == 0, 5, "wg0 to be gone")
            proxy.create_tunnel()


OWN_RUN = (
    "cp /run/danted.conf /run/tmp/own.conf; exec 3</run/tmp/own.conf; mount -t tmpfs own /run; "
    "mkdir /run/tmp; cat <&3 >/run/own.conf; exec danted -f /run/own.conf"
)


@pytest.mark.parametrize("world", [1], indirect=True)
def test_the_netns_table_is_full(world, agent):
    """The bucket of its inode is full; there is room later."""
    late = SmallProxy("late", listen=False)
    bucket_write(late.inode, [(late.inode - BUCKETS * i, 300 + i) for i in range(1, 5)])
    late.listen()
    wait_until(lambda: "late" in agent.watched(), 10, "it")
    equal(
        agent.scrape().value("wgsocks_exporter_events_lost_total", cause="netns_table"),
        1,
        "the loss",
    )
    bucket_write(late.inode, [(0, 0)] * 4)
    wait_until(lambda: late.inode in bucket_read(late.inode), 25, "its place")
    late.end()


BUCKETS = 4096


def bucket(inode):
    return [
        "pinned",
        str(next(pathlib.Path(PINS).glob("*/node/netns"))),
        "key",
        *map(str, struct.pack("I", inode % BUCKETS)),
    ]


def bucket_write(inode, ways):
    value = b"".join(struct.pack("II", *way) for way in ways)
    subprocess.run(
        ["bpftool", "map", "update", *bucket(inode), "value", *map(str, value)], check=True
    )


def bucket_read(inode):
    found = json.loads(
        subprocess.run(
            ["bpftool", "--json", "map", "lookup", *bucket(inode)], check=True, capture_output=True
        ).stdout
    )
    return [way["inode"] for way in found["formatted"]["value"]["ways"]]


def test_more_tunnels_than_indices():
    """Each proxy that is not watched counts one loss, however often it is reported."""
    with World(proxies=1) as world:
        [proxy] = world.lab.proxies
        node = Node("--proxy.interface=wg*", wait_for=1)
        for i in range(1, 6):
            proxy.ip(f"tuntap add wg{i} mode tun", f"link set wg{i} up", f"link set wg{i} mtu 1400")
        wait_until(
            lambda: node.scrape().value("wgsocks_exporter_events_lost_total", cause="other") == 2,
            5,
            "the losses",
        )
        proxy.ip("link set wg5 mtu 1401", "link set wg5 down", "link set wg3 mtu 1402")
        proxy.ip("link delete wg0")  # its event comes after those
        wait_until(
            lambda: node.scrape().value("vpn_interface_up", interface="wg0") == 0,
            5,
            "the last event",
        )
        equal(node.scrape().value("wgsocks_exporter_events_lost_total", cause="other"), 2, "losses")


@pytest.mark.parametrize("world", [1], indirect=True)
def test_a_full_ring_buffer(world, agent):
    """A watched server fills the ring buffer while the collector is stopped; a server starts."""
    late = SmallProxy("late", listen=False)
    with Held(agent.children()["wgsocks-collect"]):
        world.lab.proxies[0].run([sys.executable, "-c", STORM])
        late.listen()
        wait_until(lambda: listens(late.pid), 5, "its listener")
    wait_until(lambda: "late" in agent.watched(), 8, "it")
    late.end()


STORM = """
import ctypes, socket
ctypes.CDLL(None).prctl(15, b"danted")
for _ in range(3000):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
"""


@pytest.mark.parametrize("right", ["sys_admin", "sys_ptrace"])
def test_right_is_missing(right):
    """It continues, and logs what is missing."""
    with World(proxies=2), open("/run/agent.log", "w+", encoding="utf-8") as log:
        argv = ["setpriv", f"--bounding-set=-{right}", "--", BINARY, "--mode=node"]
        agent = subprocess.Popen(argv, stderr=log)
        wait_until(lambda: unwatched() == 2, 10, "the metric")
        text = pathlib.Path("/run/agent.log").read_text(encoding="utf-8")
        assert records(text, level="warn", capability=right.upper(), count="2"), text
        agent.terminate()
        equal(agent.wait(5 * PATIENCE), 0, "its end")


def unwatched():
    try:
        return Metrics(fetch("127.0.0.1", 9090)[1]).value("wgsocks_exporter_proxies_unwatched")
    except (OSError, AssertionError):
        return None


@pytest.mark.parametrize(
    "pin",
    [
        "link_state_a",
        "dispatch_state_b",
        "link_synack",
        "state_programs",
        "synack_programs",
        "retransmit_programs",
        "packet_programs",
        "counters",
        "proxies",
        "netns",
        "sessions",
    ],
)
def test_pin_is_missing(pin):
    """The remains of a pin folder whose removal was interrupted."""
    with World(proxies=1) as world:
        Node(wait_for=1).stop(signal.SIGKILL)
        next(pathlib.Path(PINS).glob("*/node")).joinpath(pin).unlink()
        node = Node(wait_for=1)
        views = world.views(node)
        befores = [Before(view) for view in views]
        check_views(views, befores, world.lab.traffic("20 connect", "5 refused", seed=92).finish())
        node.stop()
        subprocess.run([BINARY, "--mode=node", "--detach"], check=True, capture_output=True)
