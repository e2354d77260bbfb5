# SPDX-License-Identifier: Apache-2.0
"""docs/witnesses: the test of each family exists and names the family, and a scrape has as many
series as the page says. Also compares the families that no other test compares.
"""

import ast
import collections
import functools
import importlib.machinery
import importlib.util
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

import pytest
from checks import equal
from sidecar import BINARY, ROOT, Sidecar
from sockslab import wait_until

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def world(lab):
    made = Sidecar(lab.proxies[0], "golden-crab", *OPTIONS, stderr=subprocess.DEVNULL)
    lab.traffic("20 connect addr=name", "5 refused").finish()
    return made


EVENTS = {"packet", "segment", "transition", "query", "handshake", "second", "scrape", "loss"}
OPTIONS = ("--collector.clients", "--collector.destinations", "--cost.per-gigabyte=0.05EUR")
TESTS = pathlib.Path(__file__).resolve().parent


@functools.cache
def witnesses():
    loader = importlib.machinery.SourceFileLoader(
        "list_metrics", str(ROOT / "docs" / "list-metrics")
    )
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("list_metrics", loader)
    )
    sys.dont_write_bytecode = True  # not in docs/
    loader.exec_module(module)
    return module.witnesses()


def names_of(path):
    """A pattern for each word in a file's strings; placeholders of f-strings match anything."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (
                re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+"
                for part in node.values
            )
            yield from re.findall(r"(?:\\w\+|\w)+", "".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)


@functools.cache
def named(path):
    """The patterns of a test and of the modules next to it that it imports."""
    patterns = set(names_of(path))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (TESTS / f"{node.module}.py").exists():
            patterns |= set(names_of(TESTS / f"{node.module}.py"))
    # not a pattern that matches everything
    return [
        re.compile(pattern) for pattern in patterns if r"\w+" not in pattern or len(pattern) > 15
    ]


def test_each_witness_is_there_and_names_its_family():
    for family, (test, against, event, _series) in witnesses().items():
        path = TESTS / test
        assert path.is_file(), f"{family}: there is no {test}"
        forms = [family + end for end in ("", "_bucket", "_sum", "_count")]
        assert any(pattern.fullmatch(form) for pattern in named(path) for form in forms), (
            f"{family} is not in {test}"
        )
        assert against and event in EVENTS, f"{family}: {against!r}, {event!r}"


def test_families_have_as_many_series_as_the_page_says(world, record_property):
    """The lab has one proxy, one tunnel and one peer; only the collectors are several."""
    metrics = world.scrape()
    families = collections.Counter(
        re.sub(r"_(bucket|sum|count)$", "", name) for name, _labels, _value in metrics.samples
    )
    equal(
        sorted(families.keys() - witnesses().keys()),
        [],
        "families that are scraped and not on the page",
    )
    # All are on except geoip, which has no database.
    collectors = (
        len(
            re.findall(
                r"--collector\.\w+",
                subprocess.run(
                    [BINARY, "--help"], check=True, capture_output=True, text=True
                ).stdout,
            )
        )
        - 1
    )
    exact = 0
    for family, (_test, _against, _event, series) in witnesses().items():
        most, number, each = re.fullmatch(
            r"(≤?)(\d+)(?: a (proxy|tunnel|peer|collector|collector and proxy))?", series
        ).groups()
        count = int(number) * (collectors if each and each.startswith("collector") else 1)
        if most:
            assert families[family] <= count, (
                f"{family}: {families[family]} series, {series} on the page"
            )
        else:
            equal(families[family], count, f"series of {family}")
            exact += 1
    record_property(
        "note",
        f"{exact} exact, {len(witnesses()) - exact} bounded, {sum(families.values())} series in "
        f"all",
    )


def processes(world):
    return [world.process.pid, *world.children().values()]


def test_process_virtual_memory_bytes(world):
    def sizes():
        texts = (
            pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            for pid in processes(world)
        )
        return (
            sum(int(re.search(r"^VmSize:\s+(\d+)", text, re.MULTILINE)[1]) for text in texts) * 1024
        )

    # each reports every five seconds
    wait_until(
        lambda: world.scrape().value("process_virtual_memory_bytes") == sizes(),
        15,
        "what /proc says",
    )


def test_process_start_time_seconds(world):
    fields = (
        pathlib.Path(f"/proc/{world.process.pid}/stat")
        .read_text(encoding="utf-8")
        .rsplit(")", 1)[1]
        .split()
    )
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    started = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
    shown = world.scrape().value("process_start_time_seconds")
    assert -0.1 <= shown - started <= 1, f"{shown} instead of {started}"


def test_wgsocks_exporter_bpf_memory_bytes(world, record_property):
    """Maps and programs, each once, with any number of descriptors."""
    found = {}
    for path in pathlib.Path(
        f"/proc/{next(pid for name, pid in world.children().items() if 'collect' in name)}/fdinfo"
    ).iterdir():
        fields = dict(
            line.split(":", 1)
            for line in path.read_text(encoding="utf-8").splitlines()
            if ":" in line
        )
        for kind in ("map_id", "prog_id"):
            if kind in fields and "memlock" in fields:
                found[kind, fields[kind].strip()] = int(fields["memlock"])
    shown = world.scrape().value("wgsocks_exporter_bpf_memory_bytes")
    equal(shown, sum(found.values()), f"{len(found)} maps and programs")
    record_property("note", f"{len(found)} maps and programs, {shown / 2**20:.2f} MiB")


def test_wgsocks_exporter_build_info(world):
    ((_name, labels, value),) = world.scrape().find("wgsocks_exporter_build_info")
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout
    equal(said, f"wgsocks_exporter, version {labels['version']} (revision {labels['revision']})\n")
    equal((labels["arch"], value), (platform.machine(), 1))


def test_wgsocks_exporter_collector_duration_seconds(world):
    begun = time.monotonic()
    durations = world.scrape().by("wgsocks_exporter_collector_duration_seconds", "collector")
    took = time.monotonic() - begun
    assert all(durations.values()) and sum(durations.values()) < took, (
        f"{durations} in a scrape of {took} s"
    )
