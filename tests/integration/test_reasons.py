# SPDX-License-Identifier: Apache-2.0
"""Failure reasons of connects, durations and retransmissions, compared with clients, targets and
captures.
"""

import contextlib
import errno
import socket
import struct
import sys
import threading
import time

import pytest
from checks import equal
from sockslab import PATIENCE, LabError, addresses, wait_until
from sockslab.raw import RawConnection
from sockslab.raw_target import RawTarget
from sockslab.retransmits import Retransmits
from truth import Before, change, check_rest, settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"connect_timeout": 40}


@pytest.fixture(scope="module")
def lab(lab):
    proxy = lab.proxies[0]
    proxy.ns.sysctl(net__ipv4__tcp_syn_retries=1, net__ipv4__tcp_syn_linear_timeouts=0)
    proxy.ip("link set eth0 gso_max_segs 1", "link set wg0 gso_max_segs 1")  # a segment is a packet
    return lab


REPLIES = {
    0: "success",
    1: "general_failure",
    3: "network_unreachable",
    4: "host_unreachable",
    5: "connection_refused",
    6: "ttl_expired",
}
LATENCY = [
    "0.001",
    "0.0025",
    "0.005",
    "0.01",
    "0.025",
    "0.05",
    "0.1",
    "0.25",
    "0.5",
    "1",
    "2.5",
    "5",
    "10",
    "30",
    "60",
    "120",
    "+Inf",
]
FIREWALL = """
table inet reasons {
	chain input {
		type filter hook input priority -5
		tcp dport 3001 reject with icmpx admin-prohibited
		tcp dport 3002 reject with icmpx host-unreachable
		tcp dport 3003 reject with icmpx no-route
		tcp dport 3004 drop
		tcp dport 3005 reject with icmpx port-unreachable
		ip protocol tcp tcp dport 3006 reject with icmp prot-unreachable
	}
}
"""


def ask(lab, proxy, address, port, stay=0.0):
    """One CONNECT: dante's reply and the seconds from request to reply."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with lab.clients.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(60 * PATIENCE)
        client.connect((proxy.addr4, 1080))
        client.sendall(b"\5\1\0")
        equal(client.recv(2), b"\5\0", "method")
        request = (
            b"\5\1\0"
            + (b"\4" if family == socket.AF_INET6 else b"\1")
            + socket.inet_pton(family, address)
            + struct.pack(">H", port)
        )
        begun = time.monotonic()
        client.sendall(request)
        reply = client.recv(100)
        took = time.monotonic() - begun
        time.sleep(stay)  # the duration of a connection is under test
        return REPLIES[reply[1]], took


def ask_all(lab, proxy, wishes):
    """The same for many at once, in order."""
    found = [None] * len(wishes)

    def one(number):
        found[number] = ask(lab, proxy, *wishes[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(wishes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def failures(before, after):
    return {
        reason: value
        for reason in after.by("proxy_upstream_connect_failures_total", "reason")
        if (value := change(before, after, "proxy_upstream_connect_failures_total", reason=reason))
    }


def check_reason(lab, sidecar, reason, reply, address, port, count=3, command=None):
    """Assert that count connects fail for exactly this reason, and that dante reports the same."""
    before = Before(sidecar)
    if command:
        threading.Thread(target=command).start()
    replies = [answer for answer, _ in ask_all(lab, sidecar.proxy, [(address, port)] * count)]
    equal(replies, [reply] * count, f"dante's replies, {reason} of {address} port {port}")
    after = settle(sidecar)
    equal(failures(before, after), {reason: count}, f"reasons, {address} port {port}")
    network = sidecar.proxy.tcp_counters()
    equal(
        change(before, after, "proxy_upstream_connects_total"),
        network["ActiveOpens"] - before.network["ActiveOpens"],
        "TcpActiveOpens",
    )
    check_rest(before, after)


@contextlib.contextmanager
def firewall(namespace, rules):
    namespace.run(["nft", "-f", "-"], input=rules)
    try:
        yield
    finally:
        namespace.run(["nft", "delete", "table", "inet", rules.split()[2]])


def test_every_reason_that_the_network_gives(lab, sidecar):
    with firewall(lab.inet.ns, FIREWALL), contextlib.closing(RawTarget(lab)):
        for address in (addresses.TARGET4, addresses.TARGET6):
            for reason, reply, port in (
                ("refused", "connection_refused", addresses.CLOSED_PORT),
                ("refused", "connection_refused", 3005),
                ("host_unreachable", "host_unreachable", 3002),
                ("network_unreachable", "network_unreachable", 3003),
                ("timed_out", "ttl_expired", 3004),
            ):
                check_reason(lab, sidecar, reason, reply, address, port)
        # EACCES; for IPv4 the next one
        check_reason(lab, sidecar, "other", "general_failure", addresses.TARGET6, 3001)
        check_reason(lab, sidecar, "host_unreachable", "host_unreachable", addresses.TARGET4, 3001)
        # ENOPROTOOPT
        check_reason(lab, sidecar, "other", "general_failure", addresses.TARGET4, 3006)
        # during a simultaneous open
        check_reason(lab, sidecar, "reset", "connection_refused", addresses.SWALLOW4, 2)


def test_reasons_of_the_proxys_own_side(lab, sidecar):
    proxy = sidecar.proxy
    for reason, reply, rule in (
        ("refused", "connection_refused", "reject with tcp reset"),
        ("host_unreachable", "host_unreachable", "reject with icmpx host-unreachable"),
        ("refused", "connection_refused", "reject with icmpx port-unreachable"),
        ("timed_out", "ttl_expired", "drop"),
    ):
        with firewall(
            proxy.ns,
            f"table inet own "
            f"{{\nchain output {{\ntype filter hook output priority 0\n"
            f"tcp dport 3010 {rule}\n}}\n}}\n",
        ):
            check_reason(lab, sidecar, reason, reply, addresses.TARGET4, 3010)
    # No host answers ARP: the kernel reports it after three seconds.
    proxy.ns.sysctl(net__ipv4__tcp_syn_retries=3)
    proxy.ip("route add 10.77.200.0/24 dev eth0 src " + proxy.addr4)
    check_reason(lab, sidecar, "host_unreachable", "host_unreachable", "10.77.200.1", 80, 1)

    def abort():
        wait_until(lambda: proxy.ss().upstream_connecting, 5, "a connect")
        proxy.run(["ss", "-K", "state", "syn-sent"])

    check_reason(lab, sidecar, "aborted", "general_failure", addresses.SWALLOW4, 80, 1, abort)
    proxy.ns.sysctl(net__ipv4__tcp_syn_retries=1)


CONNECT_TWICE = """
import ctypes, socket
ctypes.CDLL(None).prctl(15, b"danted", 0, 0, 0)
both = [socket.socket() for _ in range(2)]
for one in both:
    one.setblocking(False)
print(*(one.connect_ex(("%s", 80)) for one in both))
"""


def test_no_port_is_free(lab, sidecar):
    """A connect that fails before its SYN, and before the kernel opens the connection."""
    proxy = sidecar.proxy
    proxy.ns.sysctl(net__ipv4__ip_local_port_range="40000 40000")
    before = Before(sidecar)
    answer = proxy.run([sys.executable, "-c", CONNECT_TWICE % addresses.SWALLOW4]).stdout.split()
    proxy.ns.sysctl(net__ipv4__ip_local_port_range="1024 65535")
    equal(answer, [str(errno.EINPROGRESS), str(errno.EADDRNOTAVAIL)], "connects")
    equal(failures(before, settle(sidecar)), {"aborted": 1, "other": 1}, "reasons")
    equal(proxy.tcp_counters()["ActiveOpens"] - before.network["ActiveOpens"], 1, "TcpActiveOpens")


def test_aborted_by_a_client_that_left(lab, sidecar, record_property):
    before = Before(sidecar)
    tally = lab.traffic("15 abort", "15 abort rst", seed=71).finish()
    after = settle(sidecar)
    equal(tally["failures"]["client_abort"], 30, "clients that left")
    found = failures(before, after)
    # dante aborts when its client closes, or the kernel does three seconds after the last SYN.
    equal(
        sum(found.values()),
        sidecar.proxy.tcp_counters()["ActiveOpens"] - before.network["ActiveOpens"],
        f"reasons {found}",
    )
    equal(set(found) <= {"aborted", "timed_out"}, True, f"reasons {found}")
    check_rest(before, after)
    record_property("note", found)


def check_histogram(before, after, name, inner, outer, **labels):
    """inner, outer: independent measurements within and around each duration, in s. On an idle
    machine they are nearly equal.
    """
    for le, value in after.by(name + "_bucket", "le", **labels).items():
        value -= before.metrics.value(name + "_bucket", le=le, **labels)
        least, most = (sum(seconds <= float(le) for seconds in each) for each in (outer, inner))
        assert least <= value <= most, (
            f"{name}: {value} up to {le} s, the witnesses say {inner} and {outer}"
        )
    equal(change(before, after, name + "_count", **labels), len(outer), f"{name}: count")
    total = change(before, after, name + "_sum", **labels)
    assert sum(inner) <= total <= sum(outer), (
        f"{name}: the sum is {total} s, the witnesses say {sum(inner)} and {sum(outer)}"
    )
    return total


def test_durations_are_in_the_right_bucket(lab, sidecar, record_property):
    """The time of the target is within each connect, which is within the client's wait for its
    reply.
    """
    delays = (17, 35, 75, 170, 370, 750, 1700, 3500, 7000)  # ms, each in the middle of a bucket
    sidecar.proxy.ns.sysctl(net__ipv4__tcp_syn_retries=6)
    equal(
        list(sidecar.scrape().by("proxy_upstream_connect_duration_seconds_bucket", "le")),
        LATENCY,
        "bounds",
    )
    before = Before(sidecar)
    with contextlib.closing(RawTarget(lab)) as target:
        answers = ask_all(
            lab, sidecar.proxy, [(addresses.SWALLOW4, 20000 + delay) for delay in delays]
        )
        after = settle(sidecar)
    sidecar.proxy.ns.sysctl(net__ipv4__tcp_syn_retries=1)
    equal([answer for answer, _ in answers], ["success"] * len(delays), "replies")
    inner, outer = target.accepted, [took for _, took in answers]
    connect = check_histogram(
        before, after, "proxy_upstream_connect_duration_seconds", inner, outer
    )
    request = check_histogram(
        before, after, "proxy_request_duration_seconds", inner, outer, outcome="success"
    )
    check_rest(before, after)
    record_property(
        "note",
        f"connects {connect:.3f} s, SYN to answer {sum(inner):.3f}; requests {request:.3f} s",
    )


def test_failures_have_their_durations(lab, sidecar):
    before = Before(sidecar)
    with firewall(lab.inet.ns, FIREWALL):
        answers = ask_all(
            lab,
            sidecar.proxy,
            [(addresses.TARGET4, 3004)] * 3 + [(addresses.TARGET4, addresses.CLOSED_PORT)],
        )
    after = settle(sidecar)
    # The kernel sends two SYNs and fails three seconds after the first; its timers may be slightly
    # early.
    check_histogram(
        before,
        after,
        "proxy_request_duration_seconds",
        [2.9, 2.9, 2.9, 0],
        [took for _, took in answers],
        outcome="failure",
    )
    check_rest(before, after)


def test_lengths_of_connections(lab, sidecar):
    stays, around = (0.03, 0.075, 0.3, 0.75, 3.0), []
    before = Before(sidecar)
    for stay in stays:
        begun = time.monotonic()
        ask(lab, sidecar.proxy, addresses.TARGET4, addresses.TARGET_PORT, stay)
        wait_until(lambda: sidecar.proxy.ss().clients == 0, 10, "the connection to be gone")
        around.append(time.monotonic() - begun)
    check_histogram(before, settle(sidecar), "proxy_connection_duration_seconds", stays, around)


def sent_again(before, after):
    return {
        side: change(before, after, "proxy_tcp_retransmits_total", side=side)
        for side in ("client", "upstream")
    }


@contextlib.contextmanager
def watched(sidecar):
    """(before, check): check() compares both sides with the capture, and their sum with the count
    of the kernel.
    """
    before = Before(sidecar)
    wire = Retransmits(sidecar.proxy.ns, ["eth0", "wg0"])

    def readings():
        """The metrics, the counts by side, those of the capture, and those of the kernel."""
        after = sidecar.scrape()
        truth = {"client": wire.count["eth0"], "upstream": wire.count["wg0"]}
        kernel = (
            sidecar.proxy.tcp_counters()["RetransSegs"]
            - before.network["RetransSegs"]
            - wire.others
        )
        return after, sent_again(before, after), truth, kernel

    def agree():
        """Wait: after the last connection has left ss, SYN-ACKs and FINs of orphans may still be
        retransmitted.
        """
        after, mine, truth, kernel = readings()
        return mine == truth and sum(mine.values()) == kernel and (after, mine)

    def check(least):
        settle(sidecar)
        try:
            after, mine = wait_until(agree, 15, "")
        except LabError:
            _after, mine, truth, kernel = readings()
            equal(mine, truth, "by side, against the wire")
            equal(sum(mine.values()), kernel, "TcpRetransSegs")
            raise
        wire.stop()
        for side, count in least.items():
            assert mine[side] >= count, (
                f"{mine[side]} retransmits on the {side} side: too few to tell anything"
            )
        equal(
            after.sum("wgsocks_exporter_events_lost_total"),
            before.metrics.sum("wgsocks_exporter_events_lost_total"),
            "losses",
        )
        return mine

    try:
        yield check
    finally:
        wire.stop()


def losing(name, rule):
    """This rule drops packets from a proxy before anything sees them."""
    return (
        f"table inet {name} "
        f"{{\nchain prerouting {{\ntype filter hook prerouting priority -300\n{rule}\n}}\n}}\n"
    )


def test_every_twelfth_packet_is_lost_on_both_sides(lab, sidecar, record_property):
    lossy = "meta l4proto tcp numgen inc mod 12 0 drop"
    with (
        watched(sidecar) as check,
        firewall(lab.clients.ns, losing("lossy", lossy)),
        firewall(lab.inet.ns, losing("lossy", "iifname wg0 " + lossy)),
    ):
        # Dropping every twelfth packet could hit all SYNs of one connection: then dante aborts,
        # which this test excludes.
        kinds = (
            "60 connect",
            "10 transfer up=20000 down=20000",
            "10 transfer down=100000 half",
            "10 connect socks=4",
        )
        lab.traffic(*(f"{kind} expect=any" for kind in kinds), seed=72, deadline=110).finish()
        record_property("note", check({"client": 20, "upstream": 20}))


def test_the_first_SYN_SYN_ACK_and_FIN_are_lost(lab, sidecar):
    for side, namespace, rule, words in (
        (
            "upstream",
            lab.inet.ns,
            "tcp flags & (syn|ack) == syn limit rate 1/hour burst 7 packets drop",
            "its SYNs",
        ),
        (
            "client",
            lab.clients.ns,
            "tcp flags & (syn|ack) == syn|ack limit rate 1/hour burst 7 packets drop",
            "SYN-ACKs",
        ),
        (
            "upstream",
            lab.inet.ns,
            "iifname wg0 tcp flags & fin == fin limit rate 1/hour burst 7 packets drop",
            "FINs to targets",
        ),
        (
            "client",
            lab.clients.ns,
            "tcp flags & fin == fin limit rate 1/hour burst 7 packets drop",
            "FINs to clients",
        ),
    ):
        with watched(sidecar) as check, firewall(namespace, losing("first", rule)):
            lab.traffic("20 connect", seed=73, concurrency=20).finish()
            mine = check({side: 7})
            assert mine[side] < 30, f"{words}: {mine}"


def test_clients_that_never_end_their_handshake(lab, sidecar):
    """SYN-ACKs to them are retransmitted and belong to no connection."""
    sidecar.proxy.ns.sysctl(net__ipv4__tcp_synack_retries=2)
    with watched(sidecar) as check:
        raw = [RawConnection(lab, sidecar.proxy, ipv6=number % 2) for number in range(6)]
        begun = sidecar.proxy.tcp_counters()["RetransSegs"]
        for connection in raw:
            connection.open(last_ack=False)
        wait_until(
            lambda: (
                sidecar.proxy.tcp_counters()["RetransSegs"] - begun >= 12
                and not syn_received(sidecar.proxy)
            ),
            30,
            "the kernel to give up",
        )
        for connection in raw:
            connection.socket.close()
        mine = check({"client": 12})
        equal(mine["upstream"], 0, "upstream")
    sidecar.proxy.ns.sysctl(net__ipv4__tcp_synack_retries=5)


def syn_received(proxy):
    return proxy.run(["ss", "-tnH", "state", "syn-recv"]).stdout.strip()


def test_what_is_sent_again_after_the_process_is_gone(lab, sidecar, record_property):
    """Orphans: dante is killed while its last bytes and FINs are in flight."""
    proxy = sidecar.proxy
    proxy.ns.sysctl(net__ipv4__tcp_orphan_retries=3)
    with watched(sidecar) as check:
        traffic = lab.traffic("8 hold", seed=74)
        traffic.wait_quiet()
        with (
            firewall(lab.clients.ns, losing("none", "ip saddr 10.77.1.0/24 drop")),
            firewall(lab.inet.ns, losing("none", "iifname wg0 meta l4proto tcp drop")),
        ):
            proxy.dante.kill()
            try:
                wait_until(lambda: not any(vars(proxy.ss()).values()), 60, "the kernel to give up")
            finally:
                proxy.start_dante()
        traffic.kill()
        mine = check({"client": 8, "upstream": 8})
    record_property("note", mine)
