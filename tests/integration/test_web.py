# SPDX-License-Identifier: Apache-2.0
"""The metrics port of the program: every path and method, collector faults, hostile clients."""

import contextlib
import http.client
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))

from checks import equal
from sockslab import PATIENCE, wait_until

pytestmark = pytest.mark.in_lab

BINARY = os.environ.get(
    "WGSOCKS_EXPORTER", os.path.join(HERE, "..", "..", "build", "wgsocks_exporter")
)
ADDRESS = ("127.0.0.1", 9090)
TYPE = "text/plain; version=0.0.4; charset=utf-8"
NASTY = 'cr"ab\\golden\nnew line, é'
SILENT = 1000


class Exporter:
    """The program; its processes are identified by their mappings of the snapshot."""

    def __init__(self, *flags, name="golden-crab"):
        self.process = subprocess.Popen(
            [
                BINARY,
                f"--web.listen-address={ADDRESS[0]}:{ADDRESS[1]}",
                "--web.listen-address=[::1]:9090",
                "--health.listen-address=127.0.0.1:9999",
                "--bpf.pin=none",
                *flags,
            ],
            env={**os.environ, "PROXY_NAME": name},
            stderr=subprocess.PIPE,
        )
        self.log = []
        self.reader = threading.Thread(
            target=lambda: self.log.extend(self.process.stderr), daemon=True
        )
        self.reader.start()

    def __enter__(self):
        wait_until(lambda: get("/-/healthy", timeout=1).status == 200, what="the metrics port")
        return self

    def __exit__(self, kind, error, trace):
        self.process.terminate()
        self.process.wait(10 * PATIENCE)
        self.reader.join(10)
        if kind:
            sys.stdout.write("".join("# " + line.decode(errors="replace") for line in self.log))

    def children(self):
        with open(
            f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii"
        ) as file:
            return [int(pid) for pid in file.read().split()]

    def _holder(self, flags):
        for pid in self.children():
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("/memfd:snapshot"):
                        continue
                    with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                        if (
                            int(re.search(r"flags:\s*(\d+)", file.read())[1], 8) & os.O_ACCMODE
                            == flags
                        ):
                            return pid
        return None

    @contextlib.contextmanager
    def collector_stopped(self):
        """Stop the supervisor too: it would kill a stopped collector."""
        pids = [self.process.pid, self.collector()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield pids[1]
        finally:
            for pid in reversed(pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def web(self):
        return wait_until(lambda: self._holder(os.O_RDONLY), what="the web process")

    def collector(self):
        return wait_until(lambda: self._holder(os.O_RDWR), what="the collector")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.text = self.body.decode()

    def full(self):
        return "\nproxy_info{" in self.text

    def value(self, series):
        match = re.search(r"^" + re.escape(series) + r" (\S+)$", self.text, re.MULTILINE)
        return float(match[1]) if match else None


class Refused(Answer):
    def __init__(self):
        self.status = 0


def get(
    path="/metrics", method="GET", scrape_timeout=None, timeout=15.0, body=None, address=ADDRESS
):
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(scrape_timeout)} if scrape_timeout else {}
    connection = http.client.HTTPConnection(*address, timeout=timeout * PATIENCE)
    try:
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())
    except ConnectionRefusedError:
        return Refused()
    finally:
        connection.close()


class Background:
    """A scrape in a thread; result() waits for it."""

    def __init__(self, **arguments):
        self.answer = self.error = None
        self.thread = threading.Thread(target=self._run, args=(arguments,), daemon=True)
        self.thread.start()

    def _run(self, arguments):
        try:
            self.answer = get(**arguments)
        except Exception as error:  # noqa: BLE001 - raised again by result()
            self.error = error

    def result(self, timeout=20):
        self.thread.join(timeout * PATIENCE)
        if self.error:
            raise self.error
        if not self.answer:
            raise AssertionError(f"no answer within {timeout} s")
        return self.answer


def waiting(count):
    """Wait until this many clients of the metrics port have sent their bytes and wait."""

    def established():
        text = subprocess.run(
            ["ss", "-Htn", "state", "established", "dport = :9090"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return len(text.splitlines()) >= count

    wait_until(established, what=f"{count} connections")


def client(data=b""):
    connection = socket.create_connection(ADDRESS, timeout=15 * PATIENCE)
    if data:
        connection.sendall(data)
    return connection


def read_all(connection):
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss: +(\d+) kB", file.read(), re.MULTILINE)[1]) * 1024


def scrape_times(count):
    """Check that each scrape is complete; the sorted times in ms."""
    times = []
    for _ in range(count):
        begun = time.monotonic()
        answer = get()
        times.append((time.monotonic() - begun) * 1000)
        if answer.status != 200 or not answer.full():
            raise AssertionError(f"a scrape gave {answer.status}, {len(answer.body)} bytes")
    return sorted(times)


def test_paths_and_methods():
    with Exporter() as exporter:
        for path, kind in (
            ("/metrics", TYPE),
            ("/", "text/html; charset=utf-8"),
            ("/-/healthy", "text/plain; charset=utf-8"),
            ("/-/ready", "text/plain; charset=utf-8"),
            ("/metrics?x=1", TYPE),
        ):
            answer = get(path)
            equal((answer.status, answer.headers["Content-Type"]), (200, kind), path)
            equal(answer.headers["Content-Length"], str(len(answer.body)), path)
            head = get(path, "HEAD")
            equal(
                (head.status, head.headers["Content-Type"], head.body),
                (200, kind, b""),
                "HEAD " + path,
            )
            if not int(head.headers["Content-Length"]):
                raise AssertionError(f"HEAD {path} tells no length")
            for method, body in (
                ("POST", b"x" * 100000),
                ("PUT", b"x"),
                ("DELETE", None),
                ("OPTIONS", None),
            ):
                answer = get(path, method, body=body)
                equal(
                    (answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), f"{method} {path}"
                )
        for path in ("/nope", "/metrics/", "/-/", "//", "/../metrics"):
            equal(get(path).status, 404, path)
        equal(get("/metrics", body=b"y" * 10000).status, 200, "GET with a body")
        equal(get(address=("::1", 9090)).full(), True, "the second address")
        page = get("/").text
        for wanted in ("golden-crab", 'href="/metrics"', 'href="/-/healthy"'):
            if wanted not in page:
                raise AssertionError(f"the page lacks {wanted}")
        if re.search(r"src=|url\(|(?:href|action)=\"?(?:https?:)?//", page):
            raise AssertionError("the page is not self-contained")
        web = exporter.web()
        with open(f"/proc/{web}/status", encoding="ascii") as file:
            status = dict(
                line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line
            )
        equal(status["Seccomp"], "2", "seccomp")
        equal(
            {status[key].strip("0") for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")},
            {""},
            "capabilities",
        )
        equal(status["Uid"].split(), ["65534"] * 4, "user")


def test_another_path_for_metrics():
    with Exporter("--web.telemetry-path=/numbers"):
        equal((get("/numbers").full(), get("/metrics").status), (True, 404))
        equal('href="/numbers"' in get("/").text, True, "the link")


def test_promtool_reads_a_nasty_name():
    with Exporter(name=NASTY):
        answer = get()
        name = NASTY.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        if (
            f'proxy_info{{proxy_name="{name}"}} 1' not in answer.text.splitlines()
            and f'proxy_info{{proxy_name="{name}"}}' not in answer.text
        ):
            raise AssertionError("no proxy_info with the escaped name")
        page = get("/").text
        equal(
            "cr&quot;ab\\golden\nnew line, é" in page and 'cr"ab' not in page,
            True,
            "the name on the page",
        )
    if not shutil.which("promtool"):
        pytest.skip("no promtool (Debian's package prometheus)")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=answer.body, capture_output=True, check=False
    )
    equal((done.returncode, done.stdout + done.stderr), (0, b""), "promtool")


def test_about_itself():
    with Exporter() as exporter:
        get()
        answer = get()
        equal(
            answer.value('promhttp_metric_handler_requests_total{code="200"}'),
            1.0,
            "scrapes before this one",
        )
        for code in ("400", "500", "503"):
            equal(
                answer.value(f'promhttp_metric_handler_requests_total{{code="{code}"}}'), 0.0, code
            )
        equal(answer.value("promhttp_metric_handler_requests_in_flight"), 1.0, "in flight")
        equal(
            answer.value('wgsocks_exporter_listening{port="metrics",address="[::1]:9090"}'),
            1.0,
            "listening",
        )
        with open(f"/proc/{exporter.web()}/limits", encoding="ascii") as file:
            limit = re.search(r"^Max open files +(\d+)", file.read(), re.MULTILINE)[1]
        equal(answer.value("process_max_fds"), float(limit), "limit of descriptors")
        pids = [exporter.process.pid, *exporter.children()]
        # Each process reports every five seconds.
        fds = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
        wait_until(
            lambda: abs(get().value("process_open_fds") - fds) <= 3, what=f"{fds} descriptors"
        )
        # A share of memory that other processes map: it changes with their number.
        wait_until(
            lambda: (
                abs(get().value("process_resident_memory_bytes") / sum(map(pss, pids)) - 1) < 0.1
            ),
            what="bytes of memory",
        )
        before = sum(map(cpu_seconds, pids))
        shown = get().value("process_cpu_seconds_total")
        after = sum(map(cpu_seconds, pids))
        if not before - 0.05 <= shown <= after + 0.05:
            raise AssertionError(f"{shown} s of CPU instead of {before} to {after}")
        os.kill(exporter.collector(), signal.SIGKILL)
        wait_until(
            lambda: (
                get().value('wgsocks_exporter_process_restarts_total{process="collector"}') == 1
            ),
            what="the restart of the collector",
        )
        if get().value("process_cpu_seconds_total") < shown:
            raise AssertionError("CPU time of the ended collector is gone")


def test_scrapes_at_once_share_snapshots():
    with Exporter() as exporter:
        with exporter.collector_stopped():
            scrapes = [Background() for _ in range(30)]
            waiting(30)
        equal([scrape.result().full() for scrape in scrapes], [True] * 30)


def test_more_scrapes_than_allowed():
    with Exporter("--web.max-requests=2") as exporter:
        with exporter.collector_stopped():
            scrapes = [Background() for _ in range(2)]
            waiting(2)
            answer = wait_until(
                lambda: (refused := get(scrape_timeout=0.1)).status == 503 and refused
            )
            equal(answer.headers["Content-Length"], str(len(answer.body)))
            equal(get("/-/healthy").status, 200, "health meanwhile")
        equal([scrape.result().full() for scrape in scrapes], [True, True])
        answer = get()
        if not answer.value('promhttp_metric_handler_requests_total{code="503"}'):
            raise AssertionError("the refused scrapes are not counted")
        equal(answer.full(), True, "afterwards")


def test_collector_hangs_during_a_scrape():
    with Exporter() as exporter:
        get()
        with exporter.collector_stopped():
            begun = time.monotonic()
            answer = get(scrape_timeout=1)
            took = time.monotonic() - begun
            equal(answer.status, 200)
            if not 0.5 <= took <= 1 * PATIENCE:
                raise AssertionError(f"answered after {took:.2f} s of 1 s")
            for family in ("build_info", "process_restarts_total", "listening"):
                if f"\nwgsocks_exporter_{family}{{" not in answer.text:
                    raise AssertionError(f"{family} is missing")
            if re.search(r"^(proxy|vpn)_", answer.text, re.MULTILINE):
                raise AssertionError("stale samples")
            equal(answer.value('wgsocks_exporter_collector_success{collector="requests"}'), 0.0)
            hasty = [get(scrape_timeout=0.05).full() for _ in range(20)]
            equal(any(hasty), False, "hasty scrapes")
        equal(get().full(), True, "when it goes on")


def test_collector_killed_during_a_scrape():
    with Exporter() as exporter:
        for round_number in range(3):
            get()
            with exporter.collector_stopped() as collector:
                scrape = Background()
                waiting(1)
                os.kill(collector, signal.SIGKILL)
            answer = scrape.result()
            equal((answer.status, answer.full()), (200, True), f"round {round_number}")


def test_readiness():
    with Exporter() as exporter:
        with exporter.collector_stopped():
            begun = time.monotonic()
            answer = get("/-/ready")
            equal(answer.status, 503, "before any snapshot")
            if time.monotonic() - begun > 1 * PATIENCE:
                raise AssertionError("a probe should not wait for that long")
            equal(get("/-/healthy").status, 200, "health")
        equal(wait_until(lambda: get("/-/ready").status == 200), True)
        with exporter.collector_stopped():
            equal(get("/-/ready").status, 200, "soon after a snapshot")


def test_web_killed():
    with Exporter() as exporter:
        for _ in range(3):
            web = exporter.web()
            os.kill(web, signal.SIGKILL)
            begun = time.monotonic()
            answer = get()
            equal((answer.status, answer.full()), (200, True))
            if time.monotonic() - begun > 1 * PATIENCE:
                raise AssertionError("not back within a second")
            wait_until(lambda old=web: exporter.web() != old)


@pytest.mark.alone("compares latencies of scrapes, before and among 2,000 clients")
def test_silent_and_slow_clients(record_property):
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    with Exporter() as exporter, contextlib.ExitStack() as stack:
        quiet = scrape_times(100)
        clients = [stack.enter_context(client()) for _ in range(SILENT)]
        slow = [stack.enter_context(client(b"G")) for _ in range(SILENT)]
        begun = time.monotonic()
        ended = set()
        dripped = 0
        times = []
        while len(ended) < len(slow) and time.monotonic() - begun < 20 * PATIENCE:
            for one in slow[dripped::10]:
                try:
                    one.sendall(b"E")
                except OSError:
                    ended.add(one)
            dripped = (dripped + 1) % 10
            times += scrape_times(20)
        equal(len(ended), len(slow), "slow clients that were ended")
        for one in clients:
            one.settimeout(5 * PATIENCE)
            equal(read_all(one), b"", "a silent client")
        times.sort()
        web = exporter.web()
        wait_until(lambda: len(os.listdir(f"/proc/{web}/fd")) < 40, what="descriptors given back")
        if times[len(times) * 99 // 100] > quiet[-1] + 50 * PATIENCE:
            raise AssertionError(
                f"p99 {times[len(times) * 99 // 100]:.1f} ms, without them {quiet[-1]:.1f} at most"
            )
        record_property(
            "note",
            f"p50 {quiet[50]:.2f} ms, with them p50 {times[len(times) // 2]:.2f}, "
            f"p99 {times[len(times) * 99 // 100]:.2f}",
        )


def test_garbage():
    requests = (
        b"\x00\xff" * 500,
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"\r\n" * 50,
        b"GET " + b"/" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(100),
    )
    with Exporter() as exporter:
        web = exporter.web()
        for request in requests:
            with client() as one:
                with contextlib.suppress(OSError):
                    one.sendall(request)
                    one.shutdown(socket.SHUT_WR)
                # It may wait for the rest of this request; another case tests that such a client is
                # closed.
                one.settimeout(0.5)
                with contextlib.suppress(TimeoutError):
                    answer = b""
                    answer = read_all(one)
                if answer and not re.match(rb"HTTP/1\.[01] (200|4\d\d|50[15]) ", answer):
                    raise AssertionError(f"{request[:40]!r} was answered with {answer[:40]!r}")
            equal(get().full(), True, f"a scrape after {request[:40]!r}")
        equal(exporter.web(), web, "the web process")


def test_pipelined_and_half_closed():
    line = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
    with Exporter():
        with client(line + b"\r\n" + line + b"\r\n" + line + b"Connection: close\r\n\r\n") as one:
            text = read_all(one)
            equal(
                (text.count(b"HTTP/1.1 200 OK"), text.count(b"\nproxy_info{")),
                (3, 3),
                "three in one write",
            )
        with client(line + b"\r\n") as one:
            one.shutdown(socket.SHUT_WR)
            equal(read_all(one).count(b"\nproxy_info{"), 1, "half closed")
        with client() as one:
            for byte in line + b"Connection: close\r\n\r\n":
                one.sendall(bytes([byte]))
            equal(read_all(one).count(b"\nproxy_info{"), 1, "a byte at a time")
        with client(b"GET /metrics HTTP/1.0\r\n\r\n") as one:
            equal(read_all(one).count(b"\nproxy_info{"), 1, "HTTP/1.0")
        connection = http.client.HTTPConnection(*ADDRESS, timeout=5 * PATIENCE)
        for _ in range(5):
            connection.request("GET", "/metrics")
            equal(Answer(connection.getresponse()).full(), True, "kept alive")
        connection.close()


def test_clients_that_disconnect_during_a_scrape():
    with Exporter() as exporter:
        with exporter.collector_stopped():
            for _ in range(50):
                client(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").close()
        answer = wait_until(
            lambda: (a := get()).value("promhttp_metric_handler_requests_in_flight") == 1 and a
        )
        equal(answer.full(), True)


def test_no_descriptors_left(record_property):
    with Exporter() as exporter, contextlib.ExitStack() as stack:
        get()
        web = exporter.web()
        few = max(map(int, os.listdir(f"/proc/{web}/fd"))) + 4
        # Only its own user may, or a process with a capability that the root of a container lacks.
        subprocess.run(
            [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "prlimit",
                f"--pid={web}",
                f"--nofile={few}:",
            ],
            check=True,
        )
        for _ in range(30):
            stack.enter_context(client())
        before = cpu_seconds(web)
        begun = time.monotonic()
        count = 0
        while time.monotonic() - begun < 2:
            equal(get().full(), True, "a scrape without descriptors to spare")
            count += 1
        used = cpu_seconds(web) - before
        if used > 1:
            raise AssertionError(f"{used} s of CPU in 2 s: it spins")
        with exporter.collector_stopped():
            # Now no connection can be dropped: all descriptors are in use.
            for _ in range(20):
                stack.enter_context(client(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
            wait_until(
                lambda: max(map(int, os.listdir(f"/proc/{web}/fd"))) == few - 1,
                what="no descriptor left",
            )
            before = cpu_seconds(web)
            time.sleep(1)  # the interval over which CPU is measured
            busy = cpu_seconds(web) - before
        if busy > 0.3:
            raise AssertionError(f"{busy} s of CPU in 1 s: it spins while all are at work")
        equal(get().full(), True, "afterwards")
        record_property("note", f"{count} scrapes, {used:.2f} s of CPU")


def test_end_with_a_scrape_that_waits():
    with Exporter() as exporter, exporter.collector_stopped():
        scrape = Background()
        waiting(1)
        begun = time.monotonic()
        os.kill(exporter.web(), signal.SIGTERM)
        equal(scrape.result().status, 200, "the scrape that waits gets what there is")
        if time.monotonic() - begun > 1 * PATIENCE:
            raise AssertionError("the end takes too long")
