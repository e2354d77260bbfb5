# SPDX-License-Identifier: Apache-2.0
"""A proxy of the lab is like a pod: what its containers see, and how it changes."""

import os
import pathlib
import socket
import subprocess

import pytest
from checks import equal
from sockslab import PATIENCE, LabError, wait_until
from sockslab.raw import RawConnection
from sockslab.segments import GREETING, request

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {
        "proxies": 3,
        "auth": [None, ("golden", "crab")],
        "ports": PORTS,
        "tunnel": lambda index: index != 2,
    }


PORTS = (1080, 1081)


def serves(lab, proxy, *kinds):
    """Assert that all connections of the kinds have their planned outcome."""
    return lab.traffic(*(kinds or ("10 transfer",)), proxies=[proxy]).finish()


def comms(proxy, **how):
    listing = proxy.run(["sh", "-c", "cat /proc/[0-9]*/comm"], **how).stdout.split()
    return set(listing)


def test_a_container_sees_no_processes_or_mounts_of_dante(lab):
    proxy = lab.proxies[0]
    assert "danted" in comms(proxy), "a command of the proxy sees danted"
    seen = comms(proxy, container=True)
    equal(seen, {"sh", "cat"} & seen, "processes in a container")
    equal(proxy.run(["sh", "-c", "echo $$"], container=True).stdout, "1\n", "its PID")
    equal(proxy.run(["sh", "-c", "ls /run/danted.conf"]).stdout, "/run/danted.conf\n")
    equal(proxy.run(["ls", "/run"], container=True).stdout, "", "/run in a container")
    net = proxy.run(["readlink", "/proc/self/ns/net"]).stdout
    equal(
        proxy.run(["readlink", "/proc/self/ns/net"], container=True).stdout,
        net,
        "network namespace",
    )
    links = proxy.run(["ls", "/sys/class/net"], container=True).stdout.split()
    equal(links, ["eth0", "lo", "wg0"], "interfaces in /sys")


def test_a_container_has_the_capabilities_that_it_was_given(lab):
    proxy = lab.proxies[0]
    status = proxy.run(
        ["grep", "Cap[EB]", "/proc/self/status"],
        container=True,
        capabilities=["bpf", "perfmon", "net_admin"],
    ).stdout.split()
    bits = 1 << 39 | 1 << 38 | 1 << 12
    equal([int(word, 16) for word in status[1::2]], [bits, bits], "effective and bounding set")


def test_the_pid_of_a_container_is_its_commands(lab):
    process = lab.proxies[0].popen(["sleep", "1000"], container=True)
    comm = pathlib.Path(f"/proc/{process.pid}/comm")
    wait_until(lambda: comm.read_text() == "sleep\n", what="the command runs")
    process.kill()
    equal(process.wait(5 * PATIENCE), -9)
    equal(
        subprocess.run(["readlink", "/proc/self/ns/pid"], capture_output=True, check=True).stdout,
        subprocess.run(["readlink", "/proc/1/ns/pid"], capture_output=True, check=True).stdout,
        "the lab's own PID namespace",
    )


def test_each_has_a_bpffs_of_its_own(lab):
    one, two = lab.proxies[:2]
    one.run(["mkdir", "/sys/fs/bpf/mine"])
    equal(os.listdir("/sys/fs/bpf").count("mine"), 0, "in the lab's root")
    assert "mine" not in two.run(["ls", "/sys/fs/bpf"]).stdout, "in another proxy"
    assert "mine" not in one.run(["ls", "/sys/fs/bpf"], container=True).stdout, "in a container"
    one.run(["rmdir", "/sys/fs/bpf/mine"])


def test_users_and_resolvers_are_private(lab):
    assert "golden" in lab.proxies[1].run(["cat", "/etc/passwd"]).stdout, "the user is there"
    assert "golden" not in lab.proxies[0].run(["cat", "/etc/passwd"]).stdout, "another proxy's user"
    with open("/etc/passwd", encoding="utf-8") as file:
        assert "golden" not in file.read(), "the machine's own file"
    equal(
        lab.proxies[1].run(["cat", "/etc/resolv.conf"]).stdout.splitlines()[0],
        "nameserver 10.99.0.53",
    )


def test_several_ports_and_lo(lab):
    proxy = lab.proxies[0]
    for port in PORTS:
        lab.traffic("5 connect", proxies=[proxy], port=port).finish()
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with proxy.ns.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(5 * PATIENCE)
                client.connect((address, port))
                client.sendall(GREETING)
                equal(client.recv(2), b"\5\0", f"{address} port {port}")
                equal(proxy.ss().clients, 1, "over lo")
                equal(proxy.ss().upstream, 0, "over lo")
        wait_until(lambda: proxy.ss().clients == 0, what="no client left")


def test_wg0_goes_and_comes_back(lab):
    proxy = lab.proxies[0]
    serves(lab, proxy)
    for _ in range(3):
        proxy.delete_tunnel()
        equal(proxy.link_stats(), None, "wg0")
        proxy.create_tunnel()
        proxy.wait_ready()
        serves(lab, proxy, "5 transfer", "5 transfer addr=ipv6", "5 connect addr=name")


def test_dante_stops_dies_and_starts(lab):
    proxy = lab.proxies[1]
    for end in (proxy.stop_dante, proxy.dante.kill):
        end()
        equal(proxy.dante.listening(), [], "listeners")
        proxy.start_dante()
        serves(lab, proxy)


def test_a_proxy_without_tunnel_at_first(lab):
    proxy = lab.proxies[2]
    equal(proxy.link_stats(), None, "wg0")
    try:
        proxy.start_dante()
    except LabError:
        pass
    else:
        raise AssertionError("danted starts although its external interface is missing")
    proxy.create_tunnel()
    proxy.start_dante()
    proxy.wait_ready()
    serves(lab, proxy)


def test_ss_leaves_out_an_orphaned_FIN_WAIT_2(lab, record_property):
    proxy = lab.proxies[0]
    connection = RawConnection(lab, proxy)
    connection.open()
    connection.send(0, GREETING)
    connection.expect(2)
    equal(proxy.ss().clients, 1, "while it is open")
    # danted closes; the client acknowledges and stays open
    connection.send(3, request(9, command=9))
    connection.wait(lambda: connection.peer_fin or connection.peer_reset, "danted's FIN")
    wait_until(lambda: proxy.ss().clients == 0, what="no client by the definition of active")
    if connection.peer_fin:
        left = proxy.run(["ss", "-tanH", "state", "fin-wait-2"]).stdout.splitlines()
        equal(len(left), 1, "sockets in FIN-WAIT-2")
    connection.end()
    record_property("note", "FIN" if connection.peer_fin else "danted sent a RST")


def test_the_counters_of_the_link(lab):
    proxy = lab.proxies[0]
    listing = proxy.run(["ip", "-s", "-j", "link", "show", "wg0"]).stdout
    stats = proxy.link_stats()
    assert f'"bytes":{stats["rx_bytes"]},' in listing.replace(" ", ""), (
        "rx_bytes as `ip -s link` has it"
    )
    equal(proxy.wg_show()["allowed_ips"], ["0.0.0.0/0", "::/0"])
