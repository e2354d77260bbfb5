# SPDX-License-Identifier: Apache-2.0
"""docs/migration.md: its commands next to a copy of the legacy exporter, its numbers for the same
traffic, and the switch-over.
"""

import importlib.machinery
import os
import pathlib
import re
import subprocess
import sys

import pytest
from checks import equal
from logfmt import parse, records
from pages import check_done, commands
from sidecar import BINARY, ROOT, Metrics, fetch
from sockslab import PATIENCE, wait_until

pytestmark = [pytest.mark.in_lab, pytest.mark.in_order]


@pytest.fixture(scope="module")
def world(lab):
    made = World(lab)
    yield made
    for process in filter(None, (made.old, made.new)):
        process.kill()
        process.wait()


PAGE = ROOT / "docs" / "migration.md"
TEXT = PAGE.read_text(encoding="utf-8")
TRAFFIC = ("20 connect", "4 hold", "5 refused", "3 blocked", "2 unresolved", "2 timeout")
BACKGROUND = " &"


class World:
    def __init__(self, lab):
        self.lab, self.proxy = lab, lab.proxies[0]
        self.environment = {"PATH": f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}"}
        self.old = self.proxy.popen(
            [sys.executable, str(ROOT / "tests" / "integration" / "old_exporter.py")],
            env={"PROXY_NAME": "golden-crab"},
        )
        self.new = self.log = None
        wait_until(lambda: self.answers(9090), 10, "the script's stand-in")

    def answers(self, port, path="/metrics"):
        try:
            return fetch(self.proxy.addr4, port, path)[1]
        except OSError:
            return None

    def run(self, command):
        if command.endswith(BACKGROUND):
            # Read until the end of the test.
            self.log = open("/run/lab/new.log", "w+", encoding="utf-8")  # noqa: SIM115
            self.new = self.proxy.popen(
                ["sh", "-ec", "exec env " + command.removesuffix(BACKGROUND)],
                env=self.environment,
                stderr=self.log,
            )
            wait_until(
                lambda: 'program_up{program="underlay"} 1' in (self.answers(9091) or ""),
                20,
                "the new one to be attached",
            )
            return subprocess.CompletedProcess(command, 0, "started", "")
        return self.proxy.run(
            ["bash", "-e", "-o", "pipefail", "-c", command], env=self.environment, check=False
        )


@pytest.mark.parametrize("block", commands(PAGE), ids=lambda block: block.lines[0][:80])
def test_the_page(world, block):
    for command in block.lines:
        check_done(command, world.run(command))


def row(name):
    """The statements of the page about the numbers are true."""
    return int(re.search(rf"^\| {name} \| ([\d,]+) \|", TEXT, re.MULTILINE)[1].replace(",", ""))


def test_open_connections_without_a_client(world):
    old, new = (
        Metrics(world.answers(port)).value("proxy_active_connections") for port in (9090, 9091)
    )
    equal((new, old), (row("open connections, no client"), 17))


def test_the_numbers_of_the_same_traffic(world):
    generator = world.lab.traffic(*TRAFFIC)
    tally = generator.wait_quiet()
    equal(tally["unexpected"], {}, "what the clients did not expect")
    metrics = wait_until(
        lambda: (
            (m := Metrics(world.answers(9091))).sum("proxy_requests_total") == 36
            and m.value("proxy_requests_failed_total") == 12
            and m
        ),
        20,
        "36 requests, 12 of them failed",
    )
    equal(metrics.value("proxy_requests_successful_total"), row("successful requests"))
    equal(metrics.value("proxy_requests_failed_total"), row("failed requests"))
    equal(metrics.value("proxy_request_rate_permin"), row("requests a minute"))
    equal(metrics.value("proxy_active_connections"), 4, "open")
    generator.release()
    generator.finish()


def test_open_connections_of_a_hundred_clients(world, record_property):
    generator = world.lab.traffic("100 hold", concurrency=100)
    generator.wait_quiet()
    old, new = (
        Metrics(world.answers(port)).value("proxy_active_connections") for port in (9090, 9091)
    )
    equal(new, row("open connections, 100 clients"))
    generator.release()
    generator.finish()
    record_property("note", f"the stand-in says {old}")


def test_the_picture_has_the_numbers_of_the_page():
    groups = (
        importlib.machinery.SourceFileLoader(
            "draw_migration", str(ROOT / "docs" / "draw-migration")
        )
        .load_module()
        .GROUPS
    )
    drawn = [[number for _who, number, _right in bars] for _title, bars in groups]
    rows = re.findall(
        r"^\| (?:successful|failed|requests|open).*?\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$",
        TEXT,
        re.MULTILINE,
    )
    told = [[int(number.replace(",", "")) for number in numbers] for numbers in rows]
    equal(
        sorted(told),
        sorted([numbers + numbers[-1:] * (3 - len(numbers)) for numbers in drawn]),
        "rows of the table",
    )


def test_the_switch(world):
    """The exporter waits for the port that the legacy exporter holds, logs it, and takes it once it
    is free.
    """
    world.new.terminate()
    world.new.wait(10 * PATIENCE)
    with open("/run/lab/switched.log", "w+", encoding="utf-8") as log:
        new = world.proxy.popen([BINARY], env={"PROXY_NAME": "golden-crab"}, stderr=log)
        line = re.search(r"the log says `([^`]+)`", TEXT)[1]
        wait_until(
            lambda: records(pathlib.Path(log.name).read_text(encoding="utf-8"), **parse(line)),
            10,
            f"the line {line}",
        )
        world.old.terminate()
        world.old.wait(10 * PATIENCE)
        wait_until(
            lambda: "wgsocks_exporter_build_info" in (world.answers(9090) or ""),
            10,
            "the port to be taken over",
        )
        wait_until(
            lambda: "VPN is active" in (world.answers(9999, "/") or ""),
            10,
            "the probes' port as well",
        )
        new.terminate()
        equal(new.wait(10 * PATIENCE), 0, "status")
