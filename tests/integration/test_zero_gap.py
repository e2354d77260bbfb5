# SPDX-License-Identifier: Apache-2.0
"""Kills, crashes and upgrades lose no counts and no probes: one agent, ten proxies under load."""

import http.client
import signal
import threading
import time

import pytest
from busy import Busy, rises
from checks import equal
from node import Node, World, check_views
from sidecar import ROOT, fetch
from sockslab import wait_until
from truth import Before

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def world():
    with World(PROXIES) as made:
        yield made


PROXIES, KILLS, CRASHES, UPGRADES = 10, 20, 10, 5


class Probes:
    """Probe like kubelet, ten times a second; records failures with their time."""

    def __init__(self):
        self.sent, self.failed, self.running = 0, [], True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while self.running:
            begun = time.monotonic()
            self.sent += 1
            try:
                status = fetch("127.0.0.1", 9999, "/livez", timeout=1)[0]
                if status != 200:
                    self.failed.append(status)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            time.sleep(max(0, 0.1 - (time.monotonic() - begun)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.running = False
        self.thread.join()
        return self.sent, self.failed


def test_windows_continue_after_kills(world):
    """Values over the last minutes do not restart. Runs first: older traffic would leave the minute
    meanwhile.
    """
    node = Node(wait_for=PROXIES)
    world.lab.traffic("30 connect", "3 transfer down=3000000", seed=91, each=True).finish()
    wait_until(lambda: node.scrape().find("proxy_latency_ms"), 10, "a latency")
    families = (
        "proxy_request_rate_permin",
        "proxy_success_rate_percent",
        "proxy_latency_ms",
        "proxy_avg_connection_duration_seconds",
    )
    before = node.scrape()
    node.stop()
    node = Node(wait_for=PROXIES)
    after = node.scrape()
    for family in families:
        equal(after.by(family, "proxy_name"), before.by(family, "proxy_name"), family)
    fast = before.by("proxy_download_speed_mbps", "proxy_name")
    for name, value in after.by("proxy_download_speed_mbps", "proxy_name").items():
        equal(value >= fast[name] > 0, True, f"speed of {name}: {value} after {fast[name]}")
    node.stop()


def test_kills_of_the_collector(world, record_property):
    node = Node(wait_for=PROXIES)
    views = world.views(node)
    befores = [Before(view) for view in views]
    with Probes() as probes, Busy(world.lab) as busy:
        for _ in range(KILLS):
            before = node.scrape().sum("proxy_requests_total")
            pid = node.kill()
            wait_until(
                lambda p=pid: node.children().get("wgsocks-collect", p) != p, 5, "another collector"
            )
            rises(node, before + 100)
        tally = busy.finish()
        sent, failed = probes.stop()
    check_views(views, befores, tally)
    equal(failed, [], f"probes that failed, of {sent}")
    equal(
        node.scrape().value("wgsocks_exporter_process_restarts_total", process="collector"),
        KILLS,
        "restarts",
    )
    node.stop()
    record_property("note", f"{tally['requests_total']} requests, {sent} probes")


def replaced(world, binaries, how, status):
    """Under traffic, end the agent this way, once for each of the binaries, which replaces it."""
    node = Node(wait_for=PROXIES)
    views = world.views(node)
    befores = [Before(view) for view in views]
    with Busy(world.lab) as busy:
        for binary in binaries:
            before = node.scrape().sum("proxy_requests_total")
            equal(node.stop(how), status, "its end")
            node = Node(wait_for=PROXIES, binary=binary)
            rises(node, before + 100)
        tally = busy.finish()
    for view in views:
        view.node = node
    check_views(views, befores, tally)
    node.stop()
    return f"{tally['requests_total']} requests"


def test_crashes_of_all_processes(world, record_property):
    record_property("note", replaced(world, [None] * CRASHES, signal.SIGKILL, -signal.SIGKILL))


def test_upgrades_to_other_programs(world, record_property):
    """By SIGTERM, like the upgrade of a DaemonSet: the programs of the other build differ."""
    variants = ("slow", "")
    binaries = [str(ROOT / "build" / variants[i % 2] / "wgsocks_exporter") for i in range(UPGRADES)]
    record_property("note", replaced(world, binaries, signal.SIGTERM, 0))
