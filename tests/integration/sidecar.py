# SPDX-License-Identifier: Apache-2.0
"""A sidecar of a lab proxy, and its metrics as numbers."""

import http.client
import os
import pathlib
import re
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

from sockslab import PATIENCE, wait_until

BINARY = os.environ.get("WGSOCKS_EXPORTER", str(ROOT / "build" / "wgsocks_exporter"))

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def unescape(text):
    return re.sub(r"\\[\\\"n]", lambda m: _ESCAPES[m.group()], text)


class Metrics:
    """A scrape. value(name, label=…): one sample; by(name, label): a dict over a label's values."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            match = _SAMPLE.match(line)
            if not match:
                raise AssertionError(f"not a sample: {line!r}")
            labels = {key: unescape(value) for key, value in _LABEL.findall(match[2] or "")}
            value = float(match[3])
            self.samples.append((match[1], labels, int(value) if value.is_integer() else value))

    def find(self, name, **labels):
        return [
            sample
            for sample in self.samples
            if sample[0] == name and labels.items() <= sample[1].items()
        ]

    def value(self, name, **labels):
        found = self.find(name, **labels)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} samples of {name}{labels}")
        return found[0][2]

    def sum(self, name, **labels):
        return sum(sample[2] for sample in self.find(name, **labels))

    def by(self, name, label, **labels):
        return {sample[1][label]: sample[2] for sample in self.find(name, **labels)}

    def names(self):
        return {sample[0] for sample in self.samples}


def fetch(address, port, path="/metrics", timeout=10, headers=None):
    """Status and body."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout * PATIENCE)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def join_underlay():
    """Give the lab's root an address in the network of the proxies, to scrape and probe from."""
    subprocess.run(["ip", "address", "add", "10.77.254.1/16", "dev", "br0"], check=True)


started = []  # exporters; kill_all() forgets them


def kill_all(first=0):
    """Kill each exporter in `started` from index `first` on that still runs, with its children,
    since they keep the namespace of the proxy alive.
    """
    for process in started[first:]:
        if process.poll() is None:
            process.kill()
            process.wait()
    del started[first:]


class Sidecar:
    """Runs the exporter in the namespaces of the proxy. Scrapes come from the lab's root, so that
    none passes the tunnel.
    """

    def __init__(self, proxy, name, *arguments, env=None, wait=True, under=(), **where):
        self.proxy = proxy
        self.name = name
        self.process = proxy.popen(
            [*under, BINARY, *arguments], env={"PROXY_NAME": name, **(env or {})}, **where
        )
        started.append(self.process)
        if wait:
            self.wait_ready()

    def scrape(self, path="/metrics"):
        status, body = fetch(self.proxy.addr4, 9090, path)
        if status != 200:
            raise AssertionError(f"{path} answered {status}")
        return Metrics(body)

    def probe(self, path="/livez", timeout=2):
        return fetch(self.proxy.addr4, 9999, path, timeout)

    def ready(self):
        """The metrics after everything is attached; None before."""
        try:
            metrics = self.scrape()
        except (OSError, AssertionError, http.client.HTTPException):
            return None
        up = metrics.by("wgsocks_exporter_program_up", "program")
        return metrics if up and all(up.values()) else None

    def wait_ready(self, timeout=20):
        return wait_until(self.ready, timeout, f"{self.name}'s exporter to be attached")

    def children(self):
        """Process name → pid, of the running processes."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                try:
                    found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = int(pid)
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return found

    def stop(self, how=signal.SIGTERM, timeout=3):
        self.process.send_signal(how)
        return self.process.wait(timeout * PATIENCE)
