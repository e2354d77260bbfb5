# SPDX-License-Identifier: Apache-2.0
"""URLs and commands for a visitor: outside, the lab's processes have other pids."""

import contextlib
import os
import pathlib

from terminal import heading, say


class Host:
    """Create it before the demo enters the lab: it keeps /proc of the machine open."""

    def __init__(self):
        self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.sudo = "sudo " if os.environ.get("SUDO_UID", "0") != "0" else ""

    def _inner_pids(self, entry):
        status = os.open(f"{entry}/status", os.O_RDONLY, dir_fd=self.proc)
        with open(status, encoding="utf-8") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return [int(pid) for pid in line.split()[2:]]
        return []

    def pid(self, pid, netns):
        """The pid on the machine of a process in the lab; netns: the inode of its network
        namespace.
        """
        for entry in filter(str.isdigit, os.listdir(self.proc)):
            with contextlib.suppress(OSError):
                inode = os.stat(f"{entry}/ns/net", dir_fd=self.proc).st_ino
                if inode == netns and pid in self._inner_pids(entry)[:1]:
                    return int(entry)
        raise LookupError(f"no process {pid} of network namespace {netns}")


def show_where_to_look(host, ports, sidecars, alerts):
    """Print URLs and commands. ports: the listeners of forward.py; alerts: the path of that page,
    or None.
    """
    heading("Open in a browser on this machine; from another one use ssh -L PORT:127.0.0.1:PORT")
    for sidecar in sidecars:
        own = ports[sidecar.name]
        metrics, health = (own[what].getsockname()[1] for what in ("metrics", "health"))
        say(f"{sidecar.name}:")
        say(f"  page      http://127.0.0.1:{metrics}/")
        say(f"  metrics   http://127.0.0.1:{metrics}/metrics")
        say(f"  probes    http://127.0.0.1:{health}/readyz?verbose")
    if alerts:
        say("Prometheus:")
        say(f"  alerts    http://127.0.0.1:{ports['prometheus'].getsockname()[1]}{alerts}")
    for sidecar in sidecars:
        try:
            lines = list(_commands(host, ports, sidecar))
        except (OSError, LookupError):  # a visitor has ended this exporter
            continue
        say()
        say(f"For another terminal ({sidecar.name}'s metrics, kernel maps, tunnel, sockets):")
        say("\n".join(lines))
        return


def _commands(host, ports, sidecar):
    exporter = host.pid(sidecar.process.pid, sidecar.proxy.ns.net)
    holder = host.pid(sidecar.proxy.ns.pid, sidecar.proxy.ns.net)
    root = pathlib.Path(f"/proc/{sidecar.process.pid}/root")
    pins = next((root / "sys/fs/bpf/wgsocks").glob("v*/*"), None)
    if not pins:
        raise LookupError("no pins")
    folder = f"/{pins.relative_to(root)}"
    metrics = ports[sidecar.name]["metrics"].getsockname()[1]
    yield f"curl -s http://127.0.0.1:{metrics}/metrics | grep ^proxy_requests"
    for command in (
        f"map dump pinned {folder}/counters",
        f"map dump pinned {folder}/sessions",
        f"prog show pinned {folder}/dispatch_state_a",
    ):
        yield f"{host.sudo}nsenter -t {exporter} -m -p bpftool {command}"
    yield f"{host.sudo}nsenter -t {holder} -n -m wg show"
    yield f"{host.sudo}nsenter -t {holder} -n ss -tn"
