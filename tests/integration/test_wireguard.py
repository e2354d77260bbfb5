# SPDX-License-Identifier: Apache-2.0
"""Peers and tunnel states, compared with `wg show` and with fake devices; and no private key is in
the memory of any process.
"""

import base64
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from checks import equal, same
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab, addresses, wait_until

pytestmark = pytest.mark.in_lab

FAKE = str(pathlib.Path(__file__).resolve().parent / "fake_uapi.py")
STATES = ("no_interface", "no_peer", "never", "up", "idle", "stale")


@contextlib.contextmanager
def lab_of_one(**keywords):
    with Lab(proxies=1, **keywords) as lab:
        join_underlay()
        try:
            yield lab, lab.proxies[0]
        finally:
            kill_all()


def fetched(sidecar):
    try:
        return sidecar.scrape()
    except (OSError, AssertionError):
        return None


def start(proxy, *arguments):
    sidecar = Sidecar(
        proxy, "crab", "--proxy.port=1080", *arguments, wait=False, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: (m := fetched(sidecar)) and m.find("vpn_connection_status"), 20, "metrics")
    return sidecar


def state(metrics):
    """The state whose sample is 1; None if there is no sample."""
    shown = metrics.by("vpn_tunnel_state", "state", interface="wg0")
    if not shown:
        return None
    equal(tuple(shown), STATES, "states")
    equal(sorted(shown.values()), [0, 0, 0, 0, 0, 1], "one state at a time")
    return next(name for name, value in shown.items() if value)


def expect_state(sidecar, wanted, status, words, timeout=5):
    metrics = wait_until(
        lambda: (m := sidecar.scrape()) and state(m) == wanted and m,
        timeout,
        f"state {wanted}, it is {state(sidecar.scrape())}",
    )
    equal(metrics.value("vpn_connection_status"), status, f"vpn_connection_status while {wanted}")
    equal(
        metrics.value("wgsocks_exporter_collector_success", collector="wireguard"),
        1,
        "collector_success",
    )
    answer = wait_until(
        lambda: (a := sidecar.probe("/readyz?verbose")) and words in a[1] and a,
        3,
        f"/readyz with {words!r}: {sidecar.probe('/readyz?verbose')}",
    )
    equal(
        f"[{'+' if status else '-'}]crab: " in answer[1].split(words)[0].splitlines()[-1],
        True,
        f"/readyz while {wanted}: {answer}",
    )
    return metrics


def peers(metrics):
    """Public key → the fields of `wg show` for a peer, from the metrics."""
    found = {}
    for _, labels, _ in metrics.find("vpn_peer_info", proxy_name="crab", interface="wg0"):
        key = labels["public_key"]
        found[key] = {
            "address": labels["peer_address"],
            "allowed_ips": labels["allowed_ips"],
            "received": metrics.value("vpn_peer_receive_bytes_total", public_key=key),
            "sent": metrics.value("vpn_peer_transmit_bytes_total", public_key=key),
            "keepalive": metrics.value("vpn_peer_persistent_keepalive_seconds", public_key=key),
            "handshake": metrics.sum("vpn_peer_last_handshake_timestamp_seconds", public_key=key),
        }
        equal(
            bool(metrics.find("vpn_peer_last_handshake_timestamp_seconds", public_key=key)),
            found[key]["handshake"] != 0,
            "absent when never",
        )
    return found


def shown(proxy):
    """The same from `wg show dump`."""
    return {
        peer["public_key"]: {
            "address": re.sub(r":\d+$", "", peer["endpoint"] or "").strip("[]"),
            "allowed_ips": ",".join(peer["allowed_ips"]),
            **{name: peer[name] for name in ("received", "sent", "keepalive", "handshake")},
        }
        for peer in proxy.wg0.peers()
    }


def compare(sidecar, proxy):
    """A scrape between two equal outputs of `wg show`."""

    def attempt():
        before, metrics, after = shown(proxy), sidecar.scrape(), shown(proxy)
        read = metrics.value("wgsocks_exporter_collector_success", collector="wireguard")
        return read and before == after and (peers(metrics), before)

    mine, truth = wait_until(attempt, 20, "a moment without a packet")
    same(mine, truth, "peers")
    equal(sorted(mine), sorted(truth), "public keys")
    return truth


def random_key():
    return base64.b64encode(os.urandom(31) + b"\x40").decode()


def test_peers_are_those_of_wg_show():
    with lab_of_one() as (lab, proxy):
        sidecar = start(proxy)
        lab.traffic("30 connect", "5 transfer down=100000", seed=51).finish()
        truth = compare(sidecar, proxy)
        equal(
            [
                bool(peer["handshake"]) and peer["keepalive"] == 25 and peer["received"] > 500000
                for peer in truth.values()
            ],
            [True],
            "there is something to see",
        )
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")

        other = random_key()
        proxy.run(
            [
                "wg",
                "set",
                "wg0",
                "peer",
                other,
                "allowed-ips",
                "10.1.0.0/16,fd01::/48,192.0.2.7/32",
                "endpoint",
                "[2001:db8::7]:51820",
            ]
        )
        equal(compare(sidecar, proxy)[other]["allowed_ips"].count(","), 2, "allowed ips")
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")  # the peer of the default route is
        proxy.run(["wg", "set", "wg0", "peer", other, "remove"])
        equal(other in sidecar.scrape().text, False, "the series of a peer that is gone")
        compare(sidecar, proxy)


def quiet(proxy):
    """Set wg0 up without packets of the kernel: router solicitations are traffic too."""
    proxy.ns.sysctl(
        net__ipv6__conf__default__router_solicitations=0, net__ipv6__conf__default__addr_gen_mode=1
    )


def traffic(sender):
    """Send a packet that a reachable peer answers (the port is closed)."""
    with contextlib.suppress(OSError):
        sender.sendto(bytes(100), (addresses.TARGET4, addresses.CLOSED_PORT))
    return True


def test_states_of_a_real_tunnel(record_property):
    with lab_of_one(tunnel=False, keepalive=0) as (lab, proxy):
        quiet(proxy)
        sidecar = start(proxy)
        metrics = sidecar.scrape()
        equal(state(metrics), "no_interface", "before wg0")
        equal(metrics.value("vpn_connection_status"), 0, "without wg0")
        proxy.create_tunnel()
        metrics = expect_state(sidecar, "never", 1, "tunnel wg0 has not been used yet")
        equal(metrics.find("vpn_peer_last_handshake_timestamp_seconds"), [], "handshake")
        proxy.start_dante()
        lab.traffic("3 connect", seed=52).finish()
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")

        lab.inet.ip("link set eth0 down")
        with contextlib.closing(proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            begun = time.monotonic()
            went_on = wait_until(
                lambda: traffic(sender) and state(sidecar.scrape()) == "stale" and time.monotonic(),
                30,
                "stale",
            )
            expect_state(sidecar, "stale", 0, "tunnel wg0 is stale: no recent handshake")
            assert went_on - begun > 12, f"stale after {went_on - begun} s"
            lab.inet.ip("link set eth0 up")
            wait_until(lambda: traffic(sender) and state(sidecar.scrape()) == "up", 20, "up again")
            expect_state(sidecar, "up", 1, "tunnel wg0 is up")

        proxy.run(["ip", "link", "set", "wg0", "down"])
        metrics = wait_until(
            lambda: (m := sidecar.scrape()) and state(m) == "no_interface" and m, 5, "wg0 down"
        )
        equal(metrics.value("vpn_connection_status"), 0, "status of a tunnel that is down")
        equal(len(peers(metrics)), 1, "peers of a tunnel that is down")
        proxy.run(["ip", "link", "set", "wg0", "up"])
        proxy.run(["wg", "set", "wg0", "peer", lab.inet.public_key, "remove"])
        expect_state(sidecar, "no_peer", 0, "tunnel wg0 has no peer")
        equal(peers(sidecar.scrape()), {}, "peers")
        proxy.delete_tunnel()
        expect_state(sidecar, "no_interface", 0, "no tunnel interface")
        record_property("note", f"stale after {went_on - begun:.0f} s")


class Fake:
    """An interface without WireGuard, and a socket with fake answers."""

    def __init__(self, proxy, name="wg0"):
        self.proxy = proxy
        self.process = None
        self.socket = f"/run/wireguard/{name}.sock"
        self.answer = f"/run/answer-{name}"
        proxy.ip(f"tuntap add dev {name} mode tun", f"link set {name} up")

    def say(self, text):
        self.proxy.run(
            ["sh", "-c", f"cat >{self.answer}.new && mv {self.answer}.new {self.answer}"],
            input=text,
        )

    def behave(self, how, text):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.proxy.run(["rm", "-rf", self.socket])
        self.say(text)
        if how:
            self.process = self.proxy.popen(
                [sys.executable, FAKE, self.socket, self.answer, how], start_new_session=True
            )
            self.proxy.run(
                [
                    "sh",
                    "-c",
                    (
                        f"until [ -S {self.socket} ] && grep -q {self.socket} /proc/net/unix; do "
                        f"sleep "
                        f"0.02; done"
                    ),
                ]
            )


SECRET, PRESHARED, PUBLIC = os.urandom(32), os.urandom(32), os.urandom(32)


def answer(age=None, keepalive=0, sent=1000, received=1000, peers=(PUBLIC,), allowed="0.0.0.0/0"):
    lines = [f"private_key={SECRET.hex()}", "listen_port=51820"]
    for key in peers:
        lines += [
            f"public_key={key.hex()}",
            f"preshared_key={PRESHARED.hex()}",
            "protocol_version=1",
            "endpoint=192.0.2.1:51820",
            f"last_handshake_time_sec={int(time.time()) - age if age is not None else 0}",
            "last_handshake_time_nsec=0",
            f"tx_bytes={sent}",
            f"rx_bytes={received}",
            f"persistent_keepalive_interval={keepalive}",
            f"allowed_ip={allowed}",
        ]
    return "\n".join([*lines, "errno=0", "", ""])


def test_states_that_take_too_long_for_a_real_tunnel():
    with lab_of_one(tunnel=False) as (_lab, proxy):
        fake = Fake(proxy)
        fake.behave("well", answer(age=170, keepalive=25))
        sidecar = start(proxy)
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")
        fake.say(answer(age=181))
        expect_state(sidecar, "idle", 1, "tunnel wg0 is idle")
        fake.say(answer(age=100000))
        expect_state(sidecar, "idle", 1, "tunnel wg0 is idle")
        fake.say(answer(age=181, keepalive=25))
        expect_state(sidecar, "stale", 0, "tunnel wg0 is stale")
        fake.say(answer(age=2, keepalive=25))
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")
        # A first handshake without response, on a new device.
        proxy.ip("link del wg0", "tuntap add dev wg0 mode tun", "link set wg0 up")
        fake.say(answer(sent=0, received=0))
        expect_state(sidecar, "never", 1, "tunnel wg0 has not been used yet")
        fake.say(answer(sent=148, received=0))
        begun = time.monotonic()
        expect_state(sidecar, "never", 1, "tunnel wg0 has not been used yet")
        expect_state(sidecar, "stale", 0, "tunnel wg0 is stale", 25)
        assert time.monotonic() - begun > 12, "stale too early"


HOSTILE = {
    "hang": ("hang", answer(age=1)[:-1]),
    "hang in the private key": ("hang", answer(age=1)[:40]),
    "silent": ("silent", ""),
    "garbage": ("well", "\x00\xff" * 5000),
    "garbage without end": ("endless", "x" * 65536),
    "lines without end": ("endless", "future=1\n" * 8000),
    "peers without end": ("endless", answer(age=1).replace("errno=0\n\n", "")),
    "drip": ("drip", answer(age=1)),
    "cut": ("cut", answer(age=1)),
    "refuses": ("well", "errno=1\n\n"),
    "a peer twice": ("well", answer(age=1, peers=(PUBLIC, bytes(32), PUBLIC))),
    "numbers that lie": ("well", answer(age=1, received=2**64)),
    "a label that lies": ("well", answer(age=1, allowed='0.0.0.0/0"} 1\n')),
}


def check_failed(sidecar, what):
    """The scrape is on time, complete except for the device, and has no old values."""
    begun = time.monotonic()
    metrics = sidecar.scrape()
    took = time.monotonic() - begun
    assert took < 1 * PATIENCE, f"{what}: the scrape took {took} s"
    equal(
        metrics.value("wgsocks_exporter_collector_success", collector="wireguard"),
        0,
        f"collector_success, {what}",
    )
    equal(
        metrics.value("wgsocks_exporter_source_success", collector="wireguard", proxy_name="crab"),
        0,
        f"source_success, {what}",
    )
    equal(
        [s for s in metrics.samples if s[0].startswith("vpn_peer") or s[0] == "vpn_tunnel_state"],
        [],
        f"samples, {what}",
    )
    equal(
        metrics.value("wgsocks_exporter_collector_success", collector="sessions"),
        1,
        f"the others, {what}",
    )
    equal(metrics.value("vpn_connection_status"), 1, f"status (the interface is up), {what}")
    return took


def test_hostile_devices(record_property):
    with lab_of_one(tunnel=False) as (_lab, proxy):
        fake = Fake(proxy)
        fake.behave("well", answer(age=1))
        sidecar = start(proxy)
        slowest = 0
        for what, (how, text) in HOSTILE.items():
            fake.behave("well", answer(age=1))
            # After a device timed out, the next attempt is at most 30 s later; here one device did.
            wait_until(lambda: state(sidecar.scrape()) == "up", 10, f"a good device before: {what}")
            fake.behave(how, text)
            for _ in range(3):
                slowest = max(slowest, check_failed(sidecar, what))
        equal(hits(sidecar, SECRET, PRESHARED), [], "keys in memory")
        equal(
            sidecar.scrape().value("wgsocks_exporter_process_restarts_total", process="collector"),
            0,
            "restarts",
        )
        record_property("note", f"slowest scrape {slowest * 1000:.0f} ms")


def test_three_tunnels_hang_and_one_answers(record_property):
    """They are waited for in parallel and left out; the fourth is shown; probes succeed."""
    with lab_of_one(tunnel=False) as (_lab, proxy):
        good, *others = (Fake(proxy, f"wg{number}") for number in range(4))
        for fake in (good, *others):
            fake.behave("well", answer(age=1))
        sidecar = start(proxy, "--proxy.interface=wg*")
        wait_until(
            lambda: sidecar.scrape().sum("vpn_tunnel_state", state="up") == 4,
            10,
            "four tunnels that are up",
        )
        for fake, how in zip(others, ("silent", "hang", "endless")):
            fake.behave(how, answer(age=1).replace("errno=0\n\n", ""))
        took = []
        for _ in range(20):
            begun = time.monotonic()
            metrics = sidecar.scrape()
            took.append(time.monotonic() - begun)
            equal(
                {
                    sample[1]["interface"]
                    for sample in metrics.samples
                    if sample[0].startswith(("vpn_peer", "vpn_tunnel_state"))
                },
                {"wg0"},
                "shown",
            )
            equal(state(metrics), "up", "the one that answers")
            equal(
                metrics.value("wgsocks_exporter_collector_success", collector="wireguard"),
                0,
                "collector_success",
            )
            equal(
                metrics.value(
                    "wgsocks_exporter_source_success", collector="wireguard", proxy_name="crab"
                ),
                0,
                "source_success",
            )
            equal(metrics.value("vpn_connection_status"), 1, "status")
            equal(
                "[+]crab: tunnel wg0 is up" in sidecar.probe("/readyz?verbose")[1], True, "/readyz"
            )
        assert max(took) < 0.5 * PATIENCE, f"a scrape took {max(took)} s"
        equal(
            sidecar.scrape().value("wgsocks_exporter_process_restarts_total", process="collector"),
            0,
            "restarts",
        )
        record_property("note", f"slowest scrape {max(took) * 1000:.0f} ms")


def test_of_several_peers_the_worst_if_none_has_the_default_route():
    with lab_of_one(tunnel=False) as (_lab, proxy):
        fake = Fake(proxy)
        peer, other = bytes(31) + b"\1", bytes(31) + b"\2"

        def two(age, allowed):
            return (
                answer(age=1, peers=(peer,), allowed="10.0.0.0/8").replace("errno=0\n\n", "")
                + "\n".join(
                    answer(age=age, keepalive=25, peers=(other,), allowed=allowed).splitlines()[2:]
                )
                + "\n\n"
            )

        fake.behave("well", two(1, "10.1.0.0/16"))
        sidecar = start(proxy)
        expect_state(sidecar, "up", 1, "tunnel wg0 is up")
        fake.say(two(500, "10.1.0.0/16"))
        expect_state(sidecar, "stale", 0, "tunnel wg0 is stale")
        fake.say(
            two(1, "0.0.0.0/0")
            .replace("keepalive_interval=0", "keepalive_interval=25", 1)
            .replace(str(int(time.time()) - 1), "1000", 1)
        )
        metrics = expect_state(sidecar, "up", 1, "tunnel wg0 is up")
        equal(len(metrics.find("vpn_peer_info")), 2, "peers")


def test_files_that_are_not_sockets():
    with lab_of_one(tunnel=False) as (_lab, proxy):
        fake = Fake(proxy)
        fake.behave("well", answer(age=1))
        sidecar = start(proxy)
        path = "/run/wireguard/wg0.sock"
        for what, command in {
            "nothing": f"rm {path}",
            "a link to a socket": f"mv {path} /run/real.sock; ln -s /run/real.sock {path}",
            "a link in the same folder": f"mv {path} /run/wireguard/real; ln -s real {path}",
            "a file": f"rm {path}; echo errno=0 >{path}",
            "a fifo": f"rm {path}; mkfifo {path}",
            "a folder": f"rm {path}; mkdir {path}",
            "a socket that nobody listens on": f'rm {path}; python3 -c "import socket; '
            f"socket.socket(socket.AF_UNIX).bind('{path}')\"",
            "datagrams": f'rm {path}; python3 -c "import socket; socket.socket(socket.AF_UNIX, '
            f"socket.SOCK_DGRAM).bind('{path}')\"",
        }.items():
            fake.behave("well", answer(age=1))
            wait_until(lambda: state(sidecar.scrape()) == "up", 5, f"a good device before: {what}")
            proxy.run(["sh", "-ec", command])
            check_failed(sidecar, what)


def test_500_peers(record_property):
    with lab_of_one() as (_lab, proxy):
        lines = []
        for number in range(500):
            lines += [
                "[Peer]",
                f"PublicKey = {random_key()}",
                f"AllowedIPs = 10.200.{number // 250}.{number % 250}/32, fd42::{number:x}/128",
                f"PersistentKeepalive = {number % 100}" if number % 2 else "",
                f"Endpoint = 127.0.0.1:{1000 + number}",
            ]
        proxy.run(["wg", "addconf", "wg0", "/dev/stdin"], input="\n".join(lines) + "\n")
        sidecar = start(proxy)
        wait_until(
            lambda: state(sidecar.scrape()) == "up", 10, "up, by the peer of the default route"
        )
        # 250 of them send keepalives, so the counters always change.
        steady = ("address", "allowed_ips", "keepalive", "handshake")

        def attempt():
            truth, mine = shown(proxy), peers(sidecar.scrape())
            return len(mine) == 501 and {k: [mine[k][n] for n in steady] for k in mine} == {
                k: [truth[k][n] for n in steady] for k in truth
            }

        wait_until(attempt, 10, "501 peers as wg show has them")
        begun = time.monotonic()
        metrics = sidecar.scrape()
        took = time.monotonic() - begun
        assert took < 1 * PATIENCE, f"{took} s"
        equal(metrics.sum("wgsocks_exporter_events_lost_total"), 0, "lost")
        of_it = metrics.value("wgsocks_exporter_collector_duration_seconds", collector="wireguard")
        record_property("note", f"{took * 1000:.0f} ms, of it the device {of_it * 1000:.1f}")


def test_more_peers_than_are_shown():
    with lab_of_one(tunnel=False) as (_lab, proxy):
        fake = Fake(proxy)
        fake.behave("well", answer(age=1, peers=[os.urandom(32) for _ in range(1100)]))
        sidecar = start(proxy)
        for _ in range(5):
            metrics = wait_until(
                lambda: (m := sidecar.scrape()) and state(m) == "up" and m, 10, "up"
            )
            equal(len(metrics.find("vpn_peer_info")), 1024, "peers")
            equal(metrics.sum("wgsocks_exporter_events_lost_total"), 76, "lost, once")


def readable(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        (
            span,
            rights,
            *_,
        ) = line.split()
        if "r" in rights and not line.endswith(("[vvar]", "[vsyscall]")):
            low, high = (int(part, 16) for part in span.split("-"))
            yield low, high


def find_in(pid, needles):
    """[(address, needle)] in all memory of a process."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for low, high in readable(pid):
            try:
                memory.seek(low)
                content = memory.read(min(high - low, 64 << 20))
            except OSError:
                continue
            for needle in needles:
                at = content.find(needle)
                if at >= 0:
                    found.append((low + at, needle))
        # A received key is in memory for some microseconds. Only a key that stays counts.
        return [
            (f"{address:x}", needle)
            for address, needle in found
            if all(_still(memory, address, needle) for _ in range(3))
        ]


def _still(memory, address, needle):
    try:
        memory.seek(address)
        return memory.read(len(needle)) == needle
    except OSError:
        return False


def forms(key):
    return [key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key)[:43]]


def hits(sidecar, *keys):
    needles = [form[:24] for key in keys for form in forms(key)]  # a part of a key is also a leak
    pids = {"supervisor": sidecar.process.pid, **sidecar.children()}
    return [(name, *hit) for name, pid in pids.items() for hit in find_in(pid, needles)]


def test_no_key_is_in_anybodys_memory():
    with lab_of_one() as (_lab, proxy):
        preshared = os.urandom(32)
        other = random_key()
        proxy.run(
            ["wg", "set", "wg0", "peer", other, "preshared-key", "/dev/stdin"],
            input=base64.b64encode(preshared).decode(),
        )
        private = base64.b64decode(proxy.run(["wg", "show", "wg0", "private-key"]).stdout)
        sidecar = start(proxy)
        wait_until(lambda: other in sidecar.scrape().text, 10, "the peer")
        equal(len(sidecar.children()), 3, "children")
        equal(
            {hit[0] for hit in hits(sidecar, base64.b64decode(other))} >= {"wgsocks-collect"},
            True,
            "a public key, which is there, is found",
        )
        stop = threading.Event()

        def scrape_on():
            while not stop.is_set():
                sidecar.scrape()

        thread = threading.Thread(target=scrape_on)
        thread.start()
        try:
            for _ in range(5):
                equal(hits(sidecar, private, preshared), [], "keys in memory while it is scraped")
        finally:
            stop.set()
            thread.join()
        equal(hits(sidecar, private, preshared), [], "keys in memory at rest")


def test_switched_off():
    with lab_of_one(tunnel=False) as (_lab, proxy):
        Fake(proxy).behave("well", answer(age=181, keepalive=25))  # stale at the next query
        sidecar = start(proxy, "--no-collector.wireguard")
        metrics = sidecar.scrape()
        equal(
            [
                s
                for s in metrics.samples
                if s[0].startswith("vpn_peer")
                or s[0] == "vpn_tunnel_state"
                or "wireguard" in s[1].values()
            ],
            [],
            "samples",
        )
        equal(metrics.value("vpn_connection_status"), 1, "status: the interface is up")
        wait_until(lambda: "tunnel wg0 is up" in sidecar.probe("/readyz?verbose")[1], 5, "/readyz")
