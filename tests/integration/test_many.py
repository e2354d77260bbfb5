# SPDX-License-Identifier: Apache-2.0
"""An agent with many proxies: all are found and named, and nothing is left of 5,000 that ended.
tests/bench measures the speed.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import subprocess

import pytest
from checks import equal
from logfmt import records
from node import PINS, Node, mount_bpffs
from sidecar import kill_all
from sockslab import LightProxies, wait_until

pytestmark = pytest.mark.in_lab

SOME = "/metrics?collect[]=sessions"
LOG = "/run/many.log"
PROXIES_MAX = 500  # the default of --proxies.max


@contextlib.contextmanager
def world():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    mount_bpffs()
    try:
        with LightProxies() as light:
            yield light
    finally:
        kill_all()
        subprocess.run(["umount", "--lazy", "/sys/fs/bpf"], check=False)


def start(*arguments):
    with open(LOG, "w", encoding="utf-8") as log:
        node = Node(*arguments, stderr=log)
    wait_until(lambda: try_scrape(node), 20, "a first answer")
    return node


def try_scrape(node):
    try:
        return node.scrape(SOME)
    except OSError:
        return None


def watched(node):
    return sorted(node.scrape(SOME).by("proxy_client_connections_total", "proxy_name"))


def wait_watched(node, light):
    wait_until(
        lambda: watched(node) == light.names(), 20, f"{len(light.names())} proxies to be watched"
    )


def wait_clear(node):
    """Series end at once; slots are freed one after another, so that a scrape does not wait for
    all.
    """
    wait_until(lambda: left(node).slots == 0, 20, "the slots to be cleared")


def dump(name):
    path = next(pathlib.Path(PINS).glob(f"*/node/{name}"))
    found = json.loads(
        subprocess.run(
            ["bpftool", "--json", "map", "dump", "pinned", str(path)],
            check=True,
            capture_output=True,
        ).stdout
    )
    return [entry.get("formatted", entry)["value"] for entry in found]


Left = collections.namedtuple("Left", "slots inodes pins descriptors")


def left(node):
    """Remaining state of proxies, except their series."""
    return Left(
        slots=sum(entry["netns_inode"] != 0 for entry in dump("proxies")),
        inodes=sum(way["inode"] != 0 for bucket in dump("netns") for way in bucket["ways"]),
        pins=sorted(path.name for path in pathlib.Path(PINS).rglob("*")),
        descriptors=len(os.listdir(f"/proc/{node.children()['wgsocks-collect']}/fd")),
    )


def own_kib(node):
    """Private memory of the collector. Pages of the program file are excluded: their share depends
    on other processes.
    """
    rollup = pathlib.Path(f"/proc/{node.children()['wgsocks-collect']}/smaps_rollup").read_text(
        encoding="ascii"
    )
    return next(
        int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:")
    )


def wait_none(node):
    wait_until(
        lambda: node.scrape(SOME).value("wgsocks_exporter_proxies") == 0,
        20,
        "the last proxy to be gone",
    )
    equal(node.scrape(SOME).find("proxy_info"), [], "series")


def test_two_hundred_are_found_and_named():
    with world() as light:
        light.begin(200)
        node = start("--bpf.attach=clsact")
        wait_watched(node, light)
        metrics = node.scrape()
        equal(metrics.value("wgsocks_exporter_proxies"), 200, "proxies")
        equal(
            len(metrics.find("wgsocks_exporter_attach_mode", mode="clsact")),
            400,
            "lo and wg0 of each, attached",
        )
        equal(set(metrics.by("proxy_listener_up", "proxy_name").values()), {1}, "listeners")
        equal(sum(entry["netns_inode"] != 0 for entry in dump("proxies")), 200, "slots in use")
        light.begin(10)
        wait_watched(node, light)


def test_five_thousand_come_and_go(record_property):
    with world() as light:
        node = start("--bpf.attach=clsact")
        before = left(node)
        # First every slot is used once: the collector allocates the memory of a slot at its first
        # use and keeps it.
        early = 0
        for at_once in (PROXIES_MAX, *[250] * 18):
            light.begin(at_once)
            wait_until(
                lambda: set(light.names()) <= set(watched(node)),
                60,
                "all of this round to be watched",
            )
            light.end(at_once)
            if not early:
                wait_none(node)
                early = own_kib(node)
        equal(light.ended, 5000, "came and went")
        wait_none(node)
        wait_clear(node)
        equal(left(node), before, "what is left")
        late = own_kib(node)
        equal(
            late <= early + 250,
            True,
            f"{early} KiB after 500 proxies, {late} KiB after 5,000: no growth",
        )
        for name in ("sessions", "upstreams", "dns_pending", "dns_streams"):
            equal(dump(name), [], name)
        metrics = node.scrape()
        lost = {
            cause: count
            for cause, count in metrics.by("wgsocks_exporter_events_lost_total", "cause").items()
            if count
        }
        equal(lost, {}, "losses")
        light.begin(3)
        wait_watched(node, light)
        record_property("note", f"{early} → {late} KiB")


def test_links_and_their_pins_go_with_their_proxies():
    with world() as light:
        node = start("--bpf.attach=auto")
        before = left(node)
        for _ in range(3):
            light.begin(8)
            wait_watched(node, light)
            equal(
                len(left(node).pins) > len(before.pins)
                or not node.scrape().find("wgsocks_exporter_attach_mode", mode="tcx"),
                True,
                "pins",
            )
            light.end(8)
            wait_none(node)
            wait_clear(node)
            equal(left(node), before, "what is left")


def test_more_than_there_is_room_for():
    with world() as light:
        light.begin(80)
        node = start("--bpf.attach=clsact", "--proxies.max=50")
        wait_until(
            lambda: (
                len(watched(node)) == 50
                and node.scrape(SOME).value("wgsocks_exporter_proxies_unwatched") == 30
            ),
            20,
            "50 to be watched and 30 told of",
        )
        assert records(
            pathlib.Path(LOG).read_text(encoding="utf-8"),
            msg=re.compile("^proxies are not watched"),
            count="30",
            limit="50",
        ), "no line of the log"
        light.end(40)
        wait_until(lambda: watched(node) == light.names(), 20, "the others to have their room")
        equal(node.scrape(SOME).value("wgsocks_exporter_proxies_unwatched"), 0, "unwatched")
