# SPDX-License-Identifier: Apache-2.0
"""An agent: one exporter in the lab's root that watches every proxy of the lab."""

import http.client
import os
import signal
import subprocess

import sidecar
from sidecar import Metrics, fetch, join_underlay, kill_all
from sockslab import PATIENCE, Lab, wait_until
from truth import check_all, settle

PINS = "/sys/fs/bpf/wgsocks"


def mount_bpffs():
    """Mount one bpffs for the whole lab, as on a host."""
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)


class Node:
    """Runs the agent; `views`: the proxies as it sees them, by name."""

    def __init__(self, *arguments, env=None, wait_for=0, binary=None, **where):
        self.arguments = arguments
        self.process = subprocess.Popen(
            [binary or sidecar.BINARY, "--mode=node", *arguments],
            env={**os.environ, **(env or {})},
            **where,
        )
        sidecar.started.append(self.process)
        if wait_for:
            self.wait_watched(wait_for)

    def scrape(self, path="/metrics", port=9090):
        status, body = fetch("127.0.0.1", port, path)
        if status != 200:
            raise AssertionError(f"{path} answered {status}")
        return Metrics(body)

    def try_scrape(self):
        try:
            return self.scrape()
        except (OSError, AssertionError, http.client.HTTPException):
            return None

    def probe(self, path="/livez", timeout=2):
        return fetch("127.0.0.1", 9999, path, timeout)

    def names(self):
        metrics = self.try_scrape()
        return (
            sorted(sample[1]["proxy_name"] for sample in metrics.find("proxy_info"))
            if metrics
            else []
        )

    def watched(self):
        """Names of the proxies that are counted, with all interfaces attached."""
        metrics = self.try_scrape()
        return sorted(metrics.by("proxy_client_connections_total", "proxy_name")) if metrics else []

    def wait_watched(self, count, timeout=20):
        return wait_until(
            lambda: len(self.watched()) == count and self.watched(),
            timeout,
            f"{count} proxies to be watched",
        )

    def view(self, proxy, name):
        return View(self, proxy, name)

    children = sidecar.Sidecar.children

    def kill(self, name="wgsocks-collect"):
        """Send SIGKILL to one of the processes, by its name; returns its pid."""
        pid = wait_until(lambda: self.children().get(name), 5, name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self, how=signal.SIGTERM, timeout=3):
        self.process.send_signal(how)
        return self.process.wait(timeout * PATIENCE)


class View:
    """One proxy of the agent, with the interface of a sidecar for truth.py."""

    def __init__(self, node, proxy, name):
        self.node, self.proxy, self.name = node, proxy, name

    def scrape(self):
        """The samples of this proxy, and those of no proxy."""
        metrics = self.node.scrape()
        metrics.samples = [
            sample
            for sample in metrics.samples
            if sample[1].get("proxy_name", self.name) == self.name
        ]
        return metrics


class World:
    """A lab whose environment names the proxies crab-0, crab-1, …; its root is the host."""

    def __init__(self, proxies=3, **options):
        options.setdefault("dante_env", lambda index: {"PROXY_NAME": f"crab-{index}"})
        self.lab = Lab(proxies=proxies, connect_timeout=6, **options)

    def __enter__(self):
        self.lab.__enter__()
        join_underlay()
        mount_bpffs()
        return self

    def __exit__(self, *what):
        kill_all()
        subprocess.run(["umount", "/sys/fs/bpf"], check=False)
        return self.lab.__exit__(*what)

    def views(self, node):
        return [node.view(proxy, f"crab-{proxy.index}") for proxy in self.lab.proxies]


def check_views(views, befores, tally):
    for view in views:
        settle(view)
    check_all(befores, tally)
