# SPDX-License-Identifier: Apache-2.0
"""One trouble that clients do not notice, and how Prometheus' alerts see it: the tunnel goes, and another default route is there."""

import shutil
import time
import urllib.error
import urllib.request

from capture import captured, connects, is_connect
from lab_prometheus import FACTOR, URL, Prometheus
from sockslab import PATIENCE, addresses, wait_until
from terminal import clip, heading, paint, print_rows, say

ASKED = 20
WANTED = {("ProxyLeak", "firing"), ("VpnTunnelDown", "pending"), ("VpnTunnelDown", "firing")}
FALLBACK = f"route {{}} default via {addresses.INET_UNDERLAY4} dev eth0 metric 4000"
MASQUERADE = "table ip fallback { chain c { type nat hook postrouting priority 100; oifname eth0 masquerade; }; }\n"
COLOURS = {"pending": "yellow", "firing": "red"}


def start_prometheus(sidecars):
    """None where there is none."""
    if not shutil.which("prometheus"):
        say("No Prometheus here (Debian's package prometheus): the alerts are not shown.")
        return None
    begun = time.monotonic()
    prometheus = Prometheus("/run/lab/prometheus", [f"{sidecar.proxy.addr4}:9090" for sidecar in sidecars])
    say(f"Up: Prometheus with the rules of monitoring/prometheus ({time.monotonic() - begun:.1f} s). So that nobody has to wait,")
    say(f"    all times in them are a {FACTOR}th here: what has to last a minute fires after 2 seconds.")
    return prometheus


def alerts_path():
    """Where its page of alerts is: Debian's has another one."""
    for path in ("/alerts", "/classic/alerts"):
        try:
            with urllib.request.urlopen(URL + path, timeout=10 * PATIENCE):
                return path
        except urllib.error.HTTPError:
            pass
    return "/"


class Timeline:
    """Every alert of a proxy, a line for each state that it comes to."""

    def __init__(self, prometheus, proxy):
        self.prometheus, self.proxy, self.begun = prometheus, proxy, time.monotonic()
        self.lines = []
        self.seen = {(alert["labels"]["alertname"], alert["state"]) for alert in self._alerts(proxy)}  # what is older is no part of it

    def _alerts(self, name):
        return [alert for alert in self.prometheus.alerts() if alert["labels"].get("proxy_name") == name]

    def add(self, what, state="", words=""):
        passed = f"{time.monotonic() - self.begun:4.1f} s"
        what = what.ljust(15) + " "
        self.lines.append(f"{passed}  {what}{state:9}{words}".rstrip())
        say(f"  {passed}  {what}{paint(f'{state:9}', COLOURS.get(state, 'green'))}{clip(words, 64)}".rstrip())

    def look(self):
        """The proxy's alerts of now; those that are new are told."""
        now = self._alerts(self.proxy)
        for alert in now:
            key = (alert["labels"]["alertname"], alert["state"])
            if key not in self.seen:
                self.seen.add(key)
                self.add(*key, alert["annotations"]["summary"].removeprefix(f"{self.proxy}: "))
        return [alert["labels"]["alertname"] for alert in now]

    def wait_for(self, wanted):
        wait_until(lambda: self.look() is not None and wanted <= self.seen, 40, f"the alerts {sorted(wanted)}", every=0.1)

    def wait_over(self, name):
        wait_until(lambda: name not in self.look(), 40, f"{name} to end", every=0.1)
        self.add(name, "over")

    def tell_others(self, names):
        """What fires of the other proxies meanwhile."""
        for name in names:
            fires = {alert["labels"]["alertname"] for alert in self._alerts(name) if alert["state"] == "firing"}
            self.add(name, "", f"its alerts: {', '.join(sorted(fires)) or 'none'}")


def break_tunnel(lab, sidecar):
    """What the clients asked, and what left by eth0."""
    proxy = sidecar.proxy
    proxy.run(["nft", "-f", "-"], input=MASQUERADE)
    proxy.ip(FALLBACK.format("add"))
    with captured(proxy.ns, "eth0", is_connect) as packets:
        proxy.ip("link set wg0 down")
        tally = lab.traffic(f"{ASKED} connect expect=any", proxies=[proxy]).finish()
    return tally, connects(packets)


def mend_tunnel(proxy):
    proxy.ip("link set wg0 up", f"address replace {proxy.inner6}/128 dev wg0 nodad",  # IPv6 goes with the link
             "route replace default dev wg0", "route replace ::/0 dev wg0", FALLBACK.format("del"))
    proxy.run(["nft", "delete", "table", "ip", "fallback"])


def show_trouble(lab, sidecar, others, prometheus, on_firing):
    """Breaks the tunnel, shows the alerts, mends it. Returns (rows, the timeline's lines, how many requests were made)."""
    wait_until(lambda: len(prometheus.query("up == 1")) == 1 + len(others), 20, "Prometheus to scrape all")
    heading(f"Trouble: {sidecar.name}'s tunnel goes down, and a second default route leads past it")
    timeline, before = Timeline(prometheus, sidecar.name), sidecar.scrape()
    tally, left = break_tunnel(lab, sidecar)
    timeline.add("clients", "", f"ask {ASKED} times: {tally['successful']} are served; they notice nothing")
    timeline.wait_for(WANTED)
    timeline.tell_others([other.name for other in others])
    on_firing()
    mend_tunnel(sidecar.proxy)
    timeline.add("wg0", "", "is up again, the second route is gone")
    timeline.wait_over("VpnTunnelDown")
    say("ProxyLeak stays for 15 minutes (30 s here): what has left beside the tunnel is known to its targets.")
    say("What to do about each is in docs/runbooks.")
    say()
    after = sidecar.scrape()
    rows = [(name, witness, truth, after.value(name) - before.value(name)) for name, witness, truth in (
        ("proxy_leaked_connections_total", "SYNs to targets on eth0", left),
        ("proxy_requests_successful_total", "what the clients saw", tally["successful"]))]
    print_rows(rows)
    return rows, timeline.lines, tally["requests_total"]
