# SPDX-License-Identifier: Apache-2.0
"""Reports what a user does to the proxies: a killed exporter or dante, a tunnel set down."""

import contextlib
import signal

from terminal import paint, say

KILLED = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 0)  # 0: the status after SIGTERM
PARTS = {"wgsocks-health": "health", "wgsocks-web": "web", "wgsocks-collect": "collector"}


def _ending(code):
    if code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"has ended with status {code}"


def _link_up(proxy):
    """Whether wg0 is up; None if there is no wg0."""
    try:
        with open(f"/proc/{proxy.ns.pid}/root/sys/class/net/wg0/flags", encoding="ascii") as file:
            return bool(int(file.read(), 16) & 1)
    except OSError:
        return None


class Visitor:
    """Compares each proxy with its expected state; tell() reports each change once."""

    def __init__(self, sidecars):
        self.sidecars = sidecars
        self.down_by_us = set()  # names of the proxies whose tunnel the demo set down
        self.state = {sidecar.name: self._problems(sidecar) for sidecar in sidecars}
        self.seen = {name: dict(problems) for name, problems in self.state.items()}
        self.parts = {sidecar.name: {} for sidecar in sidecars}
        self.tell()

    def _problems(self, sidecar):
        """{part: its present fault}"""
        proxy, found = sidecar.proxy, {}
        code = sidecar.process.poll()
        if code is not None:
            found["exporter"] = f"the exporter {_ending(code)}"
        with contextlib.suppress(OSError):
            dante = proxy.dante
            if dante.process.poll() is not None or dante.listening() != sorted(proxy.ports):
                found["dante"] = "dante does not run"
        up = _link_up(proxy)
        if up is None:
            found["wg0"] = "wg0 does not exist"
        elif not up and sidecar.name not in self.down_by_us:
            found["wg0"] = "wg0 is down"
        return found

    def _restarts(self, sidecar):
        """The processes that the supervisor has restarted since the last call."""
        try:
            now = {PARTS[comm]: pid for comm, pid in sidecar.children().items() if comm in PARTS}
        except OSError:
            return []
        known = self.parts[sidecar.name]
        found = [part for part, pid in now.items() if known.get(part, pid) != pid]
        known.update(now)
        return found

    def tell(self):
        """Print what has changed since the last call."""
        for sidecar in self.sidecars:
            name, now = sidecar.name, self._problems(sidecar)
            before = self.state[name]
            for part in now.keys() - before.keys():
                say(paint(f"{name}: {now[part]}.", "yellow"))
            for part in before.keys() - now.keys():
                if part == "wg0" and name in self.down_by_us:
                    continue
                say(f"{name}: {part} {'is up' if part == 'wg0' else 'runs'} again.")
            for part in self._restarts(sidecar):
                what = f"{name}: the exporter's process {part} was restarted by its supervisor."
                say(paint(what, "yellow"))
            self.state[name] = now
            self.seen[name].update(now)

    def link_up(self, sidecar):
        return bool(_link_up(sidecar.proxy))

    def link_lasted(self, sidecar):
        """Whether wg0 was up at each check."""
        self.tell()
        return "wg0" not in self.seen[sidecar.name]

    def reason(self, sidecar):
        """Why the proxy cannot be compared; None if nothing has happened to it."""
        self.tell()
        return ", ".join(self.seen[sidecar.name].values()) or None

    def ended(self, sidecar):
        return sidecar.process.poll() is not None

    def crashed(self):
        """Names of the proxies whose exporter ended without a signal of a user."""
        return [
            sidecar.name
            for sidecar in self.sidecars
            if sidecar.process.poll() not in (None, *KILLED)
        ]
