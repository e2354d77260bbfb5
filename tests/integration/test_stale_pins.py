# SPDX-License-Identifier: Apache-2.0
"""Stale pins: of a sidecar whose namespace is gone, and of another layout. Runs outside the lab,
which does not see all processes.
"""

import os
import pathlib
import re
import signal
import subprocess

import pytest
from checks import equal
from logfmt import records
from sidecar import BINARY, ROOT
from sockslab import wait_until

pytestmark = pytest.mark.in_mounts

PINS = pathlib.Path("/sys/fs/bpf/wgsocks")
LAYOUT = re.search(
    r"define ABI_LAYOUT (\d+)", (ROOT / "include" / "wgsocks" / "abi.h").read_text(encoding="utf-8")
)[1]
AGENT = [
    "--mode=node",
    "--proxy.process=no-such-server",
    "--web.listen-address=127.0.0.1:19090",
    "--health.listen-address=127.0.0.1:19999",
]
INIT_PID_NAMESPACE = 0xEFFFFFFC


class Orphan:
    """A killed sidecar in a private namespace: its pins stay."""

    def __init__(self, name):
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        before = instances()
        process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{name}", BINARY, "--proxy.port=1080"],
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(
                lambda: any((path / "link_state_b").exists() for path in instances() - before),
                20,
                "its pins",
            )
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.pins = next(iter(instances() - before))

    def end(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def instances():
    return {path for path in PINS.glob("v*/*") if path.is_dir()}


def test_a_sidecar_whose_namespace_is_gone():
    if os.stat("/proc/self/ns/pid").st_ino != INIT_PID_NAMESPACE:
        pytest.skip("not in the first PID namespace: the agent removes nobody's pins here")
    gone, here = Orphan("wgsocks-gone"), Orphan("wgsocks-here")
    gone.end()
    agent = subprocess.Popen([BINARY, *AGENT], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not gone.pins.exists(), 40, "its pins to be removed")
        equal(here.pins.exists(), True, "those of one whose namespace lives")
    finally:
        agent.terminate()
        agent.wait()
        here.end()
        subprocess.run([BINARY, "--mode=node", "--detach"], check=True, stderr=subprocess.DEVNULL)


def test_pins_of_another_size():
    """After a change of --proxies.max the old pins are unused and removed."""
    for size in ("2", "3"):
        agent = subprocess.Popen(
            [BINARY, *AGENT, f"--proxies.max={size}"], stderr=subprocess.DEVNULL
        )
        wait_until(
            lambda s=size: (PINS / f"v{LAYOUT}-{s}" / "node" / "link_state_b").exists(),
            20,
            "its pins",
        )
        wait_until(
            lambda: len([path for path in instances() if path.name == "node"]) == 1,
            10,
            "the others to go",
        )
        agent.terminate()
        agent.wait()
    subprocess.run([BINARY, "--mode=node", "--detach"], check=True, stderr=subprocess.DEVNULL)
    equal([path for path in instances() if path.name == "node"], [], "after --detach")


def test_a_half_written_folder():
    """A foreign pin, maps without their links, or a folder in place of a pin: counts restart at 0,
    with a log line.
    """
    folder = PINS / f"v{LAYOUT}-500" / "node"
    (folder / "sessions").mkdir(parents=True)
    subprocess.run(
        [
            "bpftool",
            "map",
            "create",
            str(folder / "counters"),
            "type",
            "array",
            "key",
            "4",
            "value",
            "8",
            "entries",
            "1",
            "name",
            "counters",
        ],
        check=True,
    )
    agent = subprocess.Popen([BINARY, *AGENT], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (folder / "link_state_b").exists(), 20, "pins that are whole")
    agent.terminate()
    text = agent.communicate()[1]
    assert records(text, msg=re.compile("^pins do not fit this version"), path=str(folder)), text
    subprocess.run([BINARY, "--mode=node", "--detach"], check=True, stderr=subprocess.DEVNULL)
