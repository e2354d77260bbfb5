# SPDX-License-Identifier: Apache-2.0
"""A hostile proxy of a node: the agent answers in time and counts the other proxies exactly."""

import contextlib
import re
import sys
import time

import pytest
from checks import equal
from logfmt import records
from node import Node, World
from sockslab import PATIENCE, wait_until
from truth import Before, check_bytes, counted, same, settle

pytestmark = pytest.mark.in_lab

LOG = "/run/neighbours.log"
SKIPPED = "wgsocks_exporter_listener_events_skipped_total"
# A process that is called danted, without a privilege.
STORM = """
import os, socket
open("/proc/self/comm", "w").write("danted")
os.setgroups([]), os.setgid(65534), os.setuid(65534)
while True:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
"""


@pytest.fixture(scope="module")
def world():
    with World(2) as made:
        yield made


@contextlib.contextmanager
def storm(proxy):
    processes = [proxy.popen([sys.executable, "-c", STORM]) for _ in range(2)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def slowest(ask, seconds):
    """The slowest of the answers within so many seconds."""
    worst, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        ask()
        worst = max(worst, time.monotonic() - begun)
        time.sleep(0.02)
    return worst


def test_a_storm_of_listeners(world, record_property):
    """One proxy calls listen() and close() without a pause."""
    with open(LOG, "w", encoding="utf-8") as log:
        node = Node(wait_for=2, stderr=log)
    good, bad = world.views(node)
    before = Before(good)
    collector = node.children()["wgsocks-collect"]
    with storm(bad.proxy):
        wait_until(lambda: node.scrape().value(SKIPPED, proxy_name=bad.name) > 1000, 20, "a storm")
        traffic = world.lab.traffic(
            "200 connect", "20 refused", "10 bind", seed=71, proxies=[good.proxy]
        )
        scrape = slowest(node.scrape, 8)
        probe = slowest(lambda: node.probe("/readyz"), 2)
        tally = traffic.finish()
        after = settle(good)
        mine = counted(before, after)
        same(mine, {key: tally["by_proxy"][0][key] for key in mine}, good.name)
        check_bytes(before, after)
        equal(after.value(SKIPPED, proxy_name=good.name), 0, "skipped events of the other proxy")
    equal(node.children()["wgsocks-collect"], collector, "the collector")
    assert scrape < 0.25 * PATIENCE, f"a scrape took {scrape * 1e3:.0f} ms"
    assert probe < 0.1 * PATIENCE, f"a probe took {probe * 1e3:.0f} ms"
    with open(LOG, encoding="utf-8") as log:
        lines = records(log.read(), msg=re.compile("^too many listener events"))
    equal([line["proxy"] for line in lines], [bad.name], "log lines")
    record_property("note", f"scrape {scrape * 1e3:.0f} ms, probe {probe * 1e3:.0f} ms at most")
