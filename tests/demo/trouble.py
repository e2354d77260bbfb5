# SPDX-License-Identifier: Apache-2.0
"""One fault that clients do not notice, and the alerts of Prometheus about it.

The tunnel is down, and a second default route bypasses it.
"""

import contextlib
import http.client
import shutil
import time
import urllib.request

from capture import captured, connects, is_connect
from lab_prometheus import FACTOR, URL, Prometheus
from sockslab import PATIENCE, LabError, addresses, wait_until
from terminal import clip, heading, paint, print_rows, say, step
from truth import wait_equal, wait_scrape

ASKED = 20
WANTED = {("ProxyLeak", "firing"), ("VpnTunnelDown", "pending"), ("VpnTunnelDown", "firing")}
FALLBACK = f"route {{}} default via {addresses.INET_UNDERLAY4} dev eth0 metric 4000"
MASQUERADE = """table ip fallback { chain c {
type nat hook postrouting priority 100; oifname eth0 masquerade; }; }
"""
PATIENT = 20  # seconds to wait for alerts of a proxy that a user has changed
COLOURS = {"pending": "yellow", "firing": "red"}


def start_prometheus(sidecars):
    """Start Prometheus; None if it is not installed."""
    if not shutil.which("prometheus"):
        say("No alerts: Prometheus is not installed (Debian's package prometheus).")
        return None
    begun = time.monotonic()
    with step("Prometheus"):
        targets = [f"{sidecar.proxy.addr4}:9090" for sidecar in sidecars]
        prometheus = Prometheus("/run/lab/prometheus", targets)
    took = time.monotonic() - begun
    say(f"Started: Prometheus with the rules of monitoring/prometheus ({took:.1f} s).")
    say(f"         The demo divides all times in them by {FACTOR}: 1 minute becomes 2 seconds.")
    return prometheus


def alerts_path():
    """The path of the alerts page, which differs in Debian's package."""
    for path in ("/alerts", "/classic/alerts"):
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            urllib.request.urlopen(URL + path, timeout=10 * PATIENCE),
        ):
            return path
    return "/"


class Timeline:
    """The alerts of one proxy: a line for each state that an alert enters."""

    def __init__(self, prometheus, sidecar, visitor):
        self.prometheus, self.sidecar, self.visitor = prometheus, sidecar, visitor
        self.begun, self.lines = time.monotonic(), []
        self.seen = {
            (alert["labels"]["alertname"], alert["state"])
            for alert in self._alerts(sidecar.name) or ()
        }

    def _alerts(self, name):
        """None while Prometheus does not answer."""
        try:
            return [
                alert
                for alert in self.prometheus.alerts()
                if alert["labels"].get("proxy_name") == name
            ]
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def add(self, what, state="", words=""):
        passed = f"{time.monotonic() - self.begun:4.1f} s"
        what = what.ljust(15) + " "
        self.lines.append(f"{passed}  {what}{state:9}{words}".rstrip())
        coloured = paint(f"{state:9}", COLOURS.get(state, "green"))
        say(f"  {passed}  {what}{coloured}{clip(words, 64)}".rstrip())

    def look(self):
        """Print new states; returns the names of the active alerts, or None without an answer."""
        self.visitor.tell()
        now = self._alerts(self.sidecar.name)
        for alert in now or ():
            key = (alert["labels"]["alertname"], alert["state"])
            if key not in self.seen:
                self.seen.add(key)
                summary = alert["annotations"]["summary"]
                self.add(*key, summary.removeprefix(f"{self.sidecar.name}: "))
        return now and [alert["labels"]["alertname"] for alert in now]

    def _hopeless(self, since):
        """Whether no alert can change any more, or is unlikely to after an action of a user."""
        if self.prometheus.process.poll() is not None or self.visitor.ended(self.sidecar):
            return True
        return bool(self.visitor.seen[self.sidecar.name]) and time.monotonic() > since + PATIENT

    def wait_for(self, wanted):
        """Wait until all were seen, or cannot come, or have not come for minutes."""
        since, names = time.monotonic(), sorted({name for name, _state in wanted})
        with step(f"the alerts {', '.join(names)}"), contextlib.suppress(LabError):
            wait_until(
                lambda: (self.look() is not None and wanted <= self.seen) or self._hopeless(since),
                40,
                every=0.1,
            )

    def wait_over(self, name):
        since = time.monotonic()

        def over():
            now = self.look()
            return now is not None and name not in now

        with step(f"the end of the alert {name}"), contextlib.suppress(LabError):
            wait_until(lambda: over() or self._hopeless(since), 40, every=0.1)
            if over():
                self.add(name, "over")

    def add_others(self, names):
        """The alerts that fire for the other proxies."""
        for name in names:
            fires = {
                alert["labels"]["alertname"]
                for alert in self._alerts(name) or ()
                if alert["state"] == "firing"
            }
            self.add(name, "", f"alerts firing: {', '.join(sorted(fires)) or 'none'}")


class Trouble:
    """start(), compare(), end(); the tunnel stays down in between."""

    def __init__(self, lab, sidecar, others, prometheus, visitor):
        self.lab, self.sidecar, self.others, self.visitor = lab, sidecar, others, visitor
        self.prometheus, self.timeline = prometheus, None
        self.tally = self.left = self.before = None

    def start(self):
        """Set the tunnel down, send requests, wait for the alerts."""
        sidecars = (self.sidecar, *self.others)
        with step("Prometheus to scrape all exporters"), contextlib.suppress(LabError):
            wait_until(
                lambda: (
                    self.prometheus.process.poll() is not None
                    or self._scraped() >= sum(not self.visitor.ended(one) for one in sidecars)
                ),
                20,
            )
        name = self.sidecar.name
        heading(f"Trouble: {name}'s tunnel goes down, and a second default route avoids it")
        self.timeline = Timeline(self.prometheus, self.sidecar, self.visitor)
        with contextlib.suppress(LabError):
            self.before = wait_scrape(self.sidecar)
        self.visitor.down_by_us.add(self.sidecar.name)
        self._break_tunnel()
        served = self.tally["successful"]
        words = ": clients notice nothing" if served == ASKED else ""
        self.timeline.add("clients", "", f"{ASKED} requests, {served} served{words}")
        self.timeline.wait_for(WANTED)
        self.timeline.add_others([other.name for other in self.others])

    def _scraped(self):
        try:
            return len(self.prometheus.query("up == 1"))
        except (OSError, http.client.HTTPException, ValueError):
            return 0

    def _break_tunnel(self):
        proxy = self.sidecar.proxy
        with contextlib.suppress(LabError):
            proxy.run(["nft", "-f", "-"], input=MASQUERADE)
        with contextlib.suppress(LabError):
            proxy.ip(FALLBACK.format("add"))
        with captured(proxy.ns, "eth0", is_connect) as packets, step("the clients"):
            with contextlib.suppress(LabError):  # a visitor may have removed wg0
                proxy.ip("link set wg0 down")
            generator = self.lab.traffic(
                f"{ASKED} connect expect=any", proxies=[proxy], deadline=15 / PATIENCE
            )
            self.tally = generator.wait_quiet()
            generator.kill()
        self.left = connects(packets)

    def compare(self, verdict):
        """Prints the rows of the trouble."""
        say()
        try:
            if not self.before:
                raise LabError("the exporter did not answer before the trouble")
            rows = wait_equal(self._rows, self.timeline.begun)
        except LabError as error:
            verdict.add_missing(self.sidecar, error)
            return
        if not self.visitor.reason(self.sidecar) and self.prometheus.process.poll() is None:
            rows += [
                (f"alert {name}: {state}", "the tunnel is down", 1, 0)
                for name, state in sorted(WANTED - self.timeline.seen)
            ]
        print_rows(rows)
        verdict.add(rows)

    def _rows(self):
        after = wait_scrape(self.sidecar)

        def row(name, witness, value):
            return name, witness, value, after.value(name) - self.before.value(name)

        return [
            row("proxy_leaked_connections_total", "SYNs to targets on eth0", self.left),
            row(
                "proxy_requests_successful_total", "clients' own tallies", self.tally["successful"]
            ),
        ]

    def end(self):
        """Repairs the tunnel and waits until its alert is over."""
        proxy = self.sidecar.proxy
        for line in (
            "link set wg0 up",
            # the link loses IPv6 when it goes down
            f"address replace {proxy.inner6}/128 dev wg0 nodad",
            "route replace default dev wg0",
            "route replace ::/0 dev wg0",
            FALLBACK.format("del"),
        ):
            with contextlib.suppress(LabError):
                proxy.ip(line)
        proxy.run(["nft", "delete", "table", "ip", "fallback"], check=False)
        self.visitor.down_by_us.discard(self.sidecar.name)
        say()
        self.timeline.add("wg0", "", "is up again, the second route is removed")
        self.timeline.wait_over("VpnTunnelDown")
        say("ProxyLeak lasts 15 minutes (30 s here) after the last connection outside the tunnel.")
        say("docs/runbooks says what to do about each alert.")
