# SPDX-License-Identifier: Apache-2.0
"""The health port under silent, slow, broken and hostile clients: valid requests are always
answered, and soon.
"""

import contextlib
import json
import os
import random
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time

import pytest
from checks import equal
from exporter import (
    HEALTH,
    Exporter,
    Prober,
    Response,
    alive,
    connect,
    cpu_seconds,
    exchange,
    read_all,
    status,
)
from sockslab import PATIENCE, wait_until

pytestmark = pytest.mark.in_netns


@pytest.fixture(scope="module", autouse=True)
def running():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    start()
    yield
    exporter.stop()


def start():
    global exporter
    exporter = Exporter('--proxy.name=crab "\\')
    exporter.health = exporter.children()["health"]
    assert alive(exporter.health)


HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT_SECONDS = 2.0
TABLE = 1024  # CLIENTS_MAX
CROWD = 10_000

exporter = None


def ask(text):
    return exchange(HEALTH, text.encode("latin-1"))


def still_the_same():
    """The health process must survive each case."""
    equal(exporter.children()["health"], exporter.health, "health was restarted; its pid")


def expect(text, code):
    answer = ask(text)
    assert answer is not None, f"no answer to {text[:80]!r}"
    equal(answer.status, code, repr(text[:80]))
    equal(answer.headers["content-type"], "text/plain; charset=utf-8")
    equal(answer.headers["connection"], "close")
    assert "location" not in answer.headers
    assert len(answer.body) <= 10240
    return answer


def test_pages():
    for path in (
        "/",
        "/livez",
        "/healthz",
        "/startupz",
        "/livez?verbose",
        "/%6civez",
        "http://any/livez",
    ):
        expect(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", 200)
        equal(expect(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n", 200).body, b"")
        expect(f"GET {path} HTTP/1.0\r\n\r\n", 200)
    # This namespace has neither a tunnel nor a SOCKS server.
    answer = expect("GET /readyz HTTP/1.1\r\n\r\n", 503)
    assert (
        b"no tunnel interface" in answer.body and b"no SOCKS server is listening" in answer.body
    ), answer.body
    assert b"[+]collector is reporting" in expect("GET /readyz?verbose HTTP/1.1\r\n\r\n", 503).body
    expect("GET /readyz?proxy=crab%20%22%5C HTTP/1.1\r\n\r\n", 503)
    expect("GET /readyz?proxy=nobody HTTP/1.1\r\n\r\n", 404)
    assert b"no tunnel interface" in expect("GET / HTTP/1.1\r\n\r\n", 200).body


def test_refusals():
    expect("GET /metrics HTTP/1.1\r\n\r\n", 404)
    equal(
        expect("POST /livez HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405).headers["allow"],
        "GET, HEAD",
    )
    expect("DELETE / HTTP/1.1\r\n\r\n", 405)
    expect("GET /livez\r\n\r\n", 400)
    expect("GET /%00 HTTP/1.1\r\n\r\n", 400)
    expect("nonsense\r\n\r\n", 400)
    expect("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400)
    expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    expect("GET /" + "a" * 3000 + " HTTP/1.1\r\n\r\n", 414)
    expect("GET / HTTP/1.1\r\n" + "A: b\r\n" * 3000 + "\r\n", 431)


def test_100_kB_request_lines_get_their_answer_not_a_reset():
    for size in (100_000, 1_000_000):
        for _ in range(20):
            expect("GET /" + "a" * size + " HTTP/1.1\r\n\r\n", 414)
            expect("GET / HTTP/1.1\r\nA: " + "a" * size + "\r\n\r\n", 431)
            expect("POST /livez HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n" + "a" * size, 405)
    still_the_same()


def test_pipelined_requests_get_one_answer_and_the_end():
    for count in (2, 5000):
        data = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * count
        with connect(HEALTH) as client:
            client.sendall(data)
            answer = Response(read_all(client))
        equal((answer.status, answer.body), (200, b"ok\n"))


def test_half_closed_clients_are_answered():
    for text, code in (
        ("GET /livez HTTP/1.1\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: a", 400),
    ):
        with connect(HEALTH) as client:
            client.sendall(text.encode())
            client.shutdown(socket.SHUT_WR)
            equal(Response(read_all(client)).status, code, text)
    with connect(HEALTH) as client:
        client.shutdown(socket.SHUT_WR)
        equal(read_all(client), b"", "to nothing")


def test_a_request_in_single_bytes():
    with connect(HEALTH) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n":
            client.sendall(bytes([byte]))
        equal(Response(read_all(client)).status, 200)


def test_a_client_has_two_seconds_in_all(record_property):
    """For a client that sends nothing, sends a byte at times, or stays open after its answer."""
    begun = time.monotonic()
    silent, slow, answered = connect(HEALTH), connect(HEALTH), connect(HEALTH)
    answered.sendall(b"nonsense\r\n")
    equal(Response(read_all(answered)).status, 400)
    ends, endless = {}, iter(b"GET /livez HTTP/1.1\r\nA: " + b"a" * 1000)
    with selectors.DefaultSelector() as selector:
        for name, client in (("silent", silent), ("slow", slow)):
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ, name)
        while len(ends) < 2:
            assert time.monotonic() - begun < 5 * PATIENCE, f"only {ends} ended"
            for key, _ in selector.select(0.1):
                with contextlib.suppress(ConnectionResetError):
                    equal(key.fileobj.recv(100), b"", key.data)
                ends[key.data] = time.monotonic() - begun
                selector.unregister(key.fileobj)
            with contextlib.suppress(OSError):
                slow.send(bytes([next(endless)]))
    # The end was read. A reset as answer shows that the other side has closed the connection.
    wait_until(lambda: sends_into_nothing(answered), 5, "the end of the answered one")
    took = time.monotonic() - begun
    for client in (silent, slow, answered):
        client.close()
    for name, seconds in ends.items():
        assert CLIENT_SECONDS - 0.1 < seconds < CLIENT_SECONDS + 0.5 * PATIENCE, (
            f"{name}: {seconds:.2f} s"
        )
    assert took < CLIENT_SECONDS + 0.7 * PATIENCE, f"answered: {took:.2f} s"
    record_property("note", ", ".join(f"{name} {seconds:.2f} s" for name, seconds in ends.items()))


def sends_into_nothing(client):
    try:
        client.send(b"a")
    except OSError:
        return True
    return False


def test_the_oldest_makes_room():
    clients = [connect(HEALTH) for _ in range(TABLE)]
    begun = time.monotonic()
    # No connection was dropped yet; the next one drops the oldest, and only that.
    clients.append(connect(HEALTH))
    clients[0].settimeout(1 * PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        equal(clients[0].recv(1), b"")
    took = time.monotonic() - begun
    clients[1].sendall(b"GET /livez HTTP/1.1\r\n\r\n")
    clients[-1].sendall(b"GET /livez HTTP/1.1\r\n\r\n")
    equal(Response(read_all(clients[1])).status, 200, "the second")
    equal(Response(read_all(clients[-1])).status, 200, "the youngest")
    for client in clients:
        client.close()
    assert took < 1 * PATIENCE, f"{took:.2f} s"


class Crowd:
    """Idle connections, reopened when dropped; each sends a byte a second or nothing."""

    def __init__(self, size, talk):
        self.talk, self.dropped, self.made = talk, 0, 0
        self.selector = selectors.DefaultSelector()
        self.clients = set()
        for _ in range(size):
            self.add()

    def add(self):
        client = socket.socket()
        client.setblocking(False)
        self.made += 1
        # From many addresses: one has too few ports for constant reconnects.
        client.bind((f"127.0.{self.made % 200}.{1 + self.made // 200 % 200}", 0))
        client.connect_ex(("127.0.0.1", HEALTH))
        self.clients.add(client)
        self.selector.register(client, selectors.EVENT_READ)

    def turn(self, seconds):
        """Keep the connections up for this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(min(left, 0.05)):
                self.selector.unregister(key.fileobj)
                self.clients.discard(key.fileobj)
                key.fileobj.close()
                self.dropped += 1
                self.add()
        if self.talk:
            for client in self.clients:
                with contextlib.suppress(OSError):
                    client.send(b"G")

    def close(self):
        for client in self.clients:
            client.close()
        self.selector.close()


def among(talk):
    """50 probes a second from a separate process during the load."""
    program = (
        "import sys\n"
        "from exporter import Prober\n"
        "with Prober(9999, '/livez') as probes:\n"
        "    print('begun', flush=True); sys.stdin.readline()\n"
        "print(len(probes.failures), len(probes.latencies), max(probes.latencies), "
        "probes.failures[:3])\n"
    )
    crowd = Crowd(CROWD, talk)
    prober = subprocess.Popen(
        [sys.executable, "-c", program],
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    equal(prober.stdout.readline(), "begun\n")
    for _ in range(5):
        crowd.turn(1)
    told = prober.communicate("\n", timeout=20 * PATIENCE)[0]
    crowd.close()
    failed, count, slowest, why = told.split(maxsplit=3)
    assert int(failed) == 0, f"{failed} of {count} failed: {why}"
    assert int(count) > 50, f"only {count} probes in 5 s"
    assert float(slowest) < 1 * PATIENCE, f"kubelet would have given up: {slowest} s"
    assert crowd.dropped > CROWD / 2, f"only {crowd.dropped} were dropped"
    still_the_same()
    return (
        f"{count} probes, slowest {float(slowest) * 1000:.1f} ms, {crowd.dropped} of the crowd "
        f"dropped"
    )


LATENCY = pytest.mark.alone(
    "kubelet gives up after a second, and the crowd alone keeps a processor busy"
)


@LATENCY
def test_probes_among_10000_silent_clients(record_property):
    record_property("note", among(False))


@LATENCY
def test_probes_among_10000_clients_of_a_byte_a_second(record_property):
    record_property("note", among(True))


def test_garbage(record_property):
    """Random bytes, and randomly corrupted requests: each is answered or closed, without harm."""
    rng = random.Random(1)
    whole = (
        b"GET /readyz?verbose&proxy=a%20b HTTP/1.1\r\nHost: localhost:9999\r\nAccept: */*\r\n\r\n"
    )
    codes = {}
    for turn in range(3000):
        if turn % 2:
            data = rng.randbytes(rng.randrange(1, 3000))
        else:
            data = bytearray(whole)
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        with connect(HEALTH) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = read_all(client)
        code = Response(answer, bytes(data).startswith(b"HEAD ")).status
        codes[code] = codes.get(code, 0) + 1
    assert set(codes) <= {200, 400, 404, 405, 414, 431, 503, 505}, codes
    still_the_same()
    record_property("note", " ".join(f"{code}: {count}" for code, count in sorted(codes.items())))


def test_without_descriptors_it_neither_spins_nor_stops(record_property):
    exporter.stop()
    with (
        Exporter(wrapper=("prlimit", "--nofile=24:24")) as narrow,
        Prober(HEALTH, "/livez", 20) as probes,
    ):
        health = narrow.children()["health"]
        clients = [connect(HEALTH) for _ in range(100)]
        before, begun = cpu_seconds(health), time.monotonic()
        probes.wait(20)
        used, took = cpu_seconds(health) - before, time.monotonic() - begun
        for client in clients:
            client.close()
        equal(narrow.children()["health"], health, "its pid")
    assert used < 0.05 * took, f"{used:.2f} s of CPU in {took:.2f} s"
    assert max(probes.latencies) < 1 * PATIENCE, (
        f"kubelet would have given up: {max(probes.latencies):.2f} s"
    )
    start()
    record_property("note", f"{probes.check()}, {used / took * 100:.0f} % CPU")


def test_at_rest_it_costs_nothing(record_property):
    health = exporter.health
    before, switches = cpu_seconds(health), int(status(health)["voluntary_ctxt_switches"])
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 3, 5)
    woken = int(status(health)["voluntary_ctxt_switches"]) - switches
    took = time.monotonic() - begun
    assert cpu_seconds(health) - before <= 0.01, "CPU"
    assert woken <= 4 * took, f"woken {woken} times in {took:.1f} s"
    record_property("note", f"woken {woken} times in {took:.1f} s")


def test_as_fast_as_it_goes(record_property):
    """Every one of many probes is answered completely; the benchmark measures the rate."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "probe_load")
        built = subprocess.run(
            ["cc", "-O2", "-D_GNU_SOURCE", "-o", program, os.path.join(HERE, "probe_load.c")],
            check=False,
            capture_output=True,
            text=True,
        )
        if built.returncode:
            pytest.skip(f"no compiler: {built.stderr[:100]}")
        told = json.loads(subprocess.check_output([program, str(HEALTH), "3", "4", "/livez", "2"]))
    equal(told["failed"], 0, "failed")
    assert told["probes"] > 500 / PATIENCE, told
    still_the_same()
    record_property(
        "note", f"{told['rate']} probes/s, p50 {told['p50_us']} µs, p99 {told['p99_us']} µs"
    )
