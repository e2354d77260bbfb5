# SPDX-License-Identifier: Apache-2.0
"""The flags and capabilities of the rendered chart (tests/charts/snapshots) suffice.

With them, the agent and the sidecar count every request, and the cleanup at uninstall leaves
nothing on the nodes.
"""

import pathlib
import re
import subprocess
import tempfile

import pytest
import sidecar
from checks import equal
from leftovers import attached
from node import PINS, Node, World, check_views
from sidecar import BINARY, ROOT, fetch
from sockslab import PATIENCE, wait_until
from truth import MIXED, Before, check_all, settle

pytestmark = pytest.mark.in_lab

FOLDER = tempfile.TemporaryDirectory()  # not in /run, which is private to each proxy


def container(snapshot, name):
    """Flags and capabilities of a container."""
    text = (ROOT / "tests" / "charts" / "snapshots" / f"{snapshot}.yaml").read_text(
        encoding="utf-8"
    )
    text = re.search(rf"(?m)^( +)- name: {name}\n((?:\1  .*\n)*)", text)[2]
    flags = re.search(r"(?m)^( +)args:\n((?:\1  - .*\n)*)", text)[2]
    added = re.search(r"(?m)^( +)add:\n((?:\1  - .*\n)*)", text)
    return re.findall(r"- (--\S+)", flags), re.findall(r"- (\w+)", added[2]) if added else []


def limited(snapshot, name, *user):
    """Run the program with only these capabilities, and the flags."""
    flags, capabilities = container(snapshot, name)
    keep = ",".join(["-all", *(f"+{each.lower()}" for each in capabilities)])
    path = pathlib.Path(FOLDER.name) / f"{name}-of-{snapshot}"
    path.write_text(
        f"#!/bin/sh\nexec setpriv --no-new-privs --bounding-set={keep} --inh-caps={keep} "
        f'{" ".join(user)} {BINARY} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path, flags


def run(program, flags):
    done = subprocess.run([program, *flags], check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_the_agent_and_what_cleans_up_after_it():
    with World(proxies=2) as world:
        program, flags = limited("defaults", "wgsocks-exporter")
        flags.remove("--mode=node")  # Node sets it
        node = Node(*flags, binary=program, wait_for=2)
        views = world.views(node)
        befores = [Before(view) for view in views]
        check_views(
            views,
            befores,
            world.lab.traffic(*MIXED, seed=93, concurrency=24, deadline=120).finish(),
        )
        equal(node.scrape().value("proxy_info", proxy_name="crab-0"), 1)

        cleaner = limited("defaults", "detach")
        code, said = run(*cleaner)
        equal((code, "a running exporter holds the pins" in said), (1, True), "while an agent runs")
        equal(node.stop(), 0, "its end")
        equal(all(attached(proxy) for proxy in world.lab.proxies), True, "attached after SIGTERM")
        equal(run(*cleaner)[0], 0, "its clean-up")
        equal(
            [attached(proxy) for proxy in world.lab.proxies],
            [[], []],
            "attached after the clean-up",
        )
        equal(
            [str(path) for path in pathlib.Path(PINS).rglob("*")]
            if pathlib.Path(PINS).exists()
            else [],
            [],
            "pins",
        )


class OfTheChart(sidecar.Sidecar):
    """In the namespaces of the proxy, with the flags and capabilities of the example pod."""

    def __init__(self, proxy, program, flags):
        self.proxy, self.name = proxy, "golden-crab"
        self.process = proxy.popen([program, *flags], env={"PROXY_NAME": self.name})
        sidecar.started.append(self.process)
        self.wait_ready()


def test_the_sidecar():
    with World(proxies=1) as world:
        watcher = OfTheChart(world.lab.proxies[0], *limited("mullvad-proxy", "wgsocks-exporter"))
        before = Before(watcher)
        tally = world.lab.traffic(*MIXED, seed=94, concurrency=24, deadline=120).finish()
        settle(watcher)
        check_all([before], tally)
        equal(watcher.scrape().value("vpn_connection_status"), 1, "the tunnel")
        equal(watcher.stop(), 0, "its end")
        equal(attached(world.lab.proxies[0]), [], "attached afterwards")


def test_what_is_ready_when_a_node_is_clean():
    with World(proxies=1) as world:
        program, flags = limited(
            "defaults", "done", "--reuid=65534", "--regid=65534", "--clear-groups"
        )
        process = subprocess.Popen([program, *flags], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: answers("/livez") == 200, 5, "/livez")
            wait_until(lambda: answers("/startupz") == 200, 10, "the first attempt to attach")
            equal(attached(world.lab.proxies[0]), [], "attached")
        finally:
            process.terminate()
            equal(process.wait(5 * PATIENCE), 0, "its end")


def answers(path):
    try:
        return fetch("127.0.0.1", 9999, path)[0]
    except OSError:
        return None
