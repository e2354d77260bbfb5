# SPDX-License-Identifier: Apache-2.0
"""Processes that are measured: started, asked, and seen from /proc."""

import glob
import os
import re
import signal
import socket
import subprocess

from sockslab import LabError, wait_until

from . import programs


def cpu_ns(pids):
    """CPU time of all threads of these processes, in ns."""
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            try:
                with open(path, encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return total


def children_cpu_ns(pids):
    """What children of these processes had run when they were reaped; in steps of 10 ms."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += int(fields[13]) + int(fields[14])
    return ticks * 10**9 // os.sysconf("SC_CLK_TCK")


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.MULTILINE).group(1))


def bpf_objects(pid):
    """From the fdinfo of a process: ({map id: memlock}, {program id: memlock}, [links: dicts of
    their fields]).
    """
    maps, loaded, links = {}, {}, []
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                fields = dict(
                    line.split(":", 1) for line in file.read().splitlines() if ":" in line
                )
        except FileNotFoundError:
            continue
        fields = {key: value.strip() for key, value in fields.items()}
        if "map_id" in fields:
            maps[int(fields["map_id"])] = int(fields["memlock"])
        elif "link_type" in fields:
            links.append(fields)
        elif "prog_id" in fields:
            loaded[int(fields["prog_id"])] = int(fields["memlock"])
    return maps, loaded, links


class Server:
    """A process with an HTTP port in a namespace of the lab."""

    def __init__(self, space, argv, port, environment=None):
        self.space = space
        self.port = port
        self.log = os.path.join("/run/lab", f"{os.path.basename(argv[0])}.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = space.popen(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.pid = self.process.pid

    def get(self, path, port=None):
        """The answer to GET, headers too; "" when there is none."""
        with self.space.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(("127.0.0.1", port or self.port))
                client.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode()
                )
                answer = b""
                while data := client.recv(1 << 16):
                    answer += data
            except OSError:
                return ""
        return answer.decode()

    def wait(self, text=" 200 ", path="/metrics"):
        try:
            wait_until(lambda: text in self.get(path), timeout=20, what=f"{text} of {path}")
        except LabError as error:
            self.stop()
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise LabError(f"{error}: {log.read()[-1000:]}") from error
        return self

    def pids(self):
        found = [self.pid]
        for task in glob.glob(f"/proc/{self.pid}/task/*/children"):
            with open(task, encoding="ascii") as file:
                found += [int(pid) for pid in file.read().split()]
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Exporter(Server):
    METRICS, HEALTH = 9090, 9999
    NAME = "golden-crab"

    def __init__(self, proxy, *flags, program=programs.EXPORTER, environment=None):
        super().__init__(
            proxy.ns,
            [program, *flags],
            self.METRICS,
            {"PROXY_NAME": self.NAME, **(environment or {})},
        )
        self.wait("proxy_requests_total{")

    def collector(self):
        """The process that has the BPF programs and maps."""
        return max(self.pids(), key=lambda pid: len(bpf_objects(pid)[0]))


class NodeExporter(Server):
    METRICS = 9100
    ARGV = (programs.NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{METRICS}")

    def __init__(self, space, environment=None, program=None):
        super().__init__(
            space, [program or self.ARGV[0], *self.ARGV[1:]], self.METRICS, environment
        )
        self.wait()
