# SPDX-License-Identifier: Apache-2.0
"""The real program in a private network namespace, and clients that check its answers."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import logfmt
from sockslab import PATIENCE, kernel, wait_until

BINARY = os.environ.get("WGSOCKS_EXPORTER", os.path.join(ROOT, "build", "wgsocks_exporter"))
HEALTH, METRICS = 9999, 9090
CHILDREN = ("health", "web", "collector")


def enter_namespace():
    """Continue in an empty network namespace: all ports are free, and all its processes are the
    test's.
    """
    if os.geteuid() != 0:
        print("skip all: needs root")
        sys.exit(0)
    kernel.unshare(kernel.CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def read(path):
    """The text of a file; "" if it (or its process) is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status(pid):
    """The fields of /proc/PID/status as a dict."""
    return dict(
        line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line
    )


def alive(pid):
    return status(pid).get("State", "Z")[0] not in "ZX"


def namespace_pids():
    """Every other process in this network namespace, without zombies."""
    mine, found = os.readlink("/proc/self/ns/net"), []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if (
                int(pid) != os.getpid()
                and os.readlink(f"/proc/{pid}/ns/net") == mine
                and alive(pid)
            ):
                found.append(int(pid))
    return found


def port_free(port):
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("::", port))
        except OSError:
            return False
        return True


def connect(port, timeout=5.0):
    return socket.create_connection(("127.0.0.1", port), timeout * PATIENCE)


def read_all(client):
    """Read until the other end closes; a reset is an error."""
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return data


class Response:
    def __init__(self, data, head_only=False):
        head, separator, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", lines[0])
        assert match and separator, f"no response: {data[:200]!r}"
        self.status = int(match[1])
        self.headers = {
            name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])
        }
        if "content-length" in self.headers:
            expected = 0 if head_only else int(self.headers["content-length"])
            assert len(self.body) == expected, (
                f"{len(self.body)} bytes of body instead of {expected}"
            )


def exchange(port, request, timeout=5.0):
    """Send bytes on a new connection; the response, or None if it was closed without one."""
    with connect(port, timeout) as client:
        client.sendall(request)
        data = read_all(client)
    return Response(data, request.startswith(b"HEAD ")) if data else None


def get(port, path, timeout=5.0, headers=""):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    return exchange(port, request.encode(), timeout)


class Prober:
    """Requests one path at a steady rate on new connections, and records every failure."""

    def __init__(self, port, path, rate=50.0, headers=""):
        self.port, self.path, self.interval, self.headers = port, path, 1 / rate, headers
        self.failures, self.latencies = [], []
        self.between = threading.Lock()  # held during a request
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        due = time.monotonic()
        while not self._end.is_set():
            with self.between:
                begun = time.monotonic()
                try:
                    answer = get(self.port, self.path, 10.0, self.headers)
                    if answer is None or answer.status != 200:
                        self.failures.append(f"{answer and answer.status}")
                except (OSError, AssertionError) as error:
                    self.failures.append(repr(error))
                self.latencies.append(time.monotonic() - begun)
            due = max(due + self.interval, time.monotonic())
            self._end.wait(due - time.monotonic())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def wait(self, count):
        """Wait until this many more requests were answered or failed."""
        target = len(self.latencies) + count
        wait_until(lambda: len(self.latencies) >= target, 60, f"{count} requests")

    def check(self):
        assert not self.failures, (
            f"{len(self.failures)} of {len(self.latencies)} failed: {self.failures[:3]}"
        )
        return f"{len(self.latencies)} asked, slowest {max(self.latencies) * 1000:.1f} ms"


class Exporter:
    """One supervisor with its children; always ends them."""

    def __init__(self, *arguments, wrapper=(), wait=True, inherited=()):
        self.log_fd = os.memfd_create("log")
        self.process = subprocess.Popen(
            [*wrapper, BINARY, "--bpf.pin=none", *arguments],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=self.log_fd,
            stderr=self.log_fd,
        )
        self.pid = self.process.pid
        if wait:
            self.wait_up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.log_fd)

    def log(self):
        return os.pread(self.log_fd, 1 << 20, 0).decode()

    def records(self, **wanted):
        """Log records with these fields."""
        return logfmt.records(self.log(), **wanted)

    def wait_records(self, count=1, **wanted):
        return wait_until(
            lambda: len(self.records(**wanted)) >= count and self.records(**wanted),
            10,
            f"{count} lines with {wanted}",
        )

    def children(self):
        """{name: pid} of the running children."""
        found = {}
        for pid in read(f"/proc/{self.pid}/task/{self.pid}/children").split():
            comm = read(f"/proc/{pid}/comm").strip()
            for name in CHILDREN:
                if comm == f"wgsocks-{name}"[:15] and alive(pid):
                    found[name] = int(pid)
        return found

    def wait_child(self, name, other_than=None, timeout=10.0):
        return wait_until(
            lambda: (
                self.children().get(name) not in (None, other_than) and self.children().get(name)
            ),
            timeout,
            f"a new {name}",
            every=0.002,
        )

    def wait_up(self):
        def up():
            assert self.process.poll() is None, f"it ended: {self.log()}"
            with contextlib.suppress(OSError):
                return (
                    get(HEALTH, "/startupz").status == 200
                    and get(METRICS, "/-/healthy").status == 200
                )

        wait_until(up, 10, "probes and scrapes")

    def stop(self, number=signal.SIGTERM):
        """Send the signal; returns the seconds until the end, and the status."""
        begun = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(10 * PATIENCE)
        return time.monotonic() - begun, code


def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
