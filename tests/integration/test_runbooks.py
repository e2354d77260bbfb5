# SPDX-License-Identifier: Apache-2.0
"""Runs every command of docs/troubleshooting.md, docs/runbooks and monitoring/prometheus/README.md
unchanged in a lab proxy, and checks the links of these pages.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from pages import check_done, commands
from sidecar import BINARY, ROOT, Sidecar, kill_all
from sockslab import PATIENCE, wait_until

pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="no prometheus (Debian's package prometheus)"
    ),
]


@pytest.fixture(scope="module")
def lab_options():
    return {"connect_timeout": 120}


@pytest.fixture(scope="module")
def world(lab):
    made = World(lab)
    yield made
    made.close()


PAGES = [
    ROOT / "docs" / "troubleshooting.md",
    *sorted((ROOT / "docs" / "runbooks").glob("*.md")),
    ROOT / "monitoring" / "prometheus" / "README.md",
]
# Commands that print nothing if all is well; all others must print something.
SILENT = (
    "ip link set",
    "ip route replace",
    "wg show wg0 peers | xargs",
    "danted -V",
    "ip netns list",
    "nft list",
    "tail ",
    "promtool query instant http://127.0.0.1:9091 'last_over",
    "promtool query instant http://127.0.0.1:9091 'up{job=~\"wgsocks.*\"} == 0'",
)
# Expected output of some commands, to find those that run but show nothing useful.
SHOWN = {
    "wg show wg0 latest-handshakes": r"=\t\d{10}",
    "wg show wg0": r"peer: ",
    "nsenter --net": r"TCP:|LISTEN .*:1080",
    "nsenter --target": r"peer: |target4\.lab",
    "sed 's|docs": r"runbook_url: "
    r"https://git\.example/wgsocks_exporter/docs/runbooks/ProxyLeak\.md",
    "ip -brief address": r"^wg0 ",
    "ip route get 192.0.2.1": r"dev wg0",
    "ss -tn state connected": r"10\.99\.",
    "ss -uln": r"UNCONN",
    "ss -tln 'sport = :1080'": r"LISTEN .*:1080",
    "ss -tn state syn-sent": r"10\.99\.0\.2",
    "ss -tno state syn-sent": r"10\.99\.0\.2:7 .*timer",
    "ss -tin state established '( sport = :1080 )'": r"rtt:",
    "pgrep -a danted": r"danted",
    "pgrep -a wgsocks": r"wgsocks_exporter",
    "bpftool map dump pinned /sys/fs/bpf/wgsocks/v*/*/upstreams": r'"key"|^0$',
    "bpftool map dump pinned /sys/fs/bpf/wgsocks/v*/*/counters | grep -A": r'"other"|"responses"',
    "curl -s 'http://127.0.0.1:9999/readyz?verbose'": r"check passed",
    "promtool query instant http://127.0.0.1:9091 'count": r"wgsocks.* => 1",
}
# on the host of Prometheus, on the host of the proxy, in a checkout
OUTSIDE = ("promtool", "nsenter", "sed")
PROMETHEUS = """
global: {scrape_interval: 500ms}
scrape_configs:
  - job_name: wgsocks
    static_configs: [{targets: ["10.77.1.1:9090"]}]
"""


def run(world, command):
    if command.startswith(OUTSIDE):
        return subprocess.run(
            ["sh", "-ec", command], capture_output=True, text=True, check=False, cwd=ROOT
        )
    # The danted of the lab has another configuration file.
    script = f"mount --bind /run/danted.conf /etc/danted.conf\n{command}"
    path = {"PATH": f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}"}
    return world.proxy.run(["unshare", "-m", "sh", "-ec", script], env=path, check=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_commands(world, page, record_property):
    found = [line for block in commands(page) for line in block.lines]
    assert found, "no command"
    for command in found:
        done = run(world, command)
        check_done(command, done, SILENT)
        for start, pattern in SHOWN.items():
            if command.startswith(start) and (command == start or start != "wg show wg0"):
                assert re.search(pattern, done.stdout, re.MULTILINE), f"{command}: {done.stdout}"
    record_property("note", f"{len(found)} commands")


class World:
    """A proxy with open connections, pending connects, DNS queries, and a Prometheus."""

    def __init__(self, lab):
        self.proxy = lab.proxies[0]
        self.sidecar = Sidecar(
            self.proxy, "golden-crab", "--proxy.port=1080", stderr=subprocess.DEVNULL
        )
        os.symlink(f"/run/netns/{self.proxy.name}", "/run/netns/golden-crab")
        lab.traffic("20 connect addr=name", "5 refused", "3 blocked").finish()
        self.held = lab.traffic("6 hold")
        self.waiting = lab.traffic("3 timeout", deadline=200)
        folder = pathlib.Path("/run/lab/prometheus")
        folder.mkdir()
        (folder / "prometheus.yml").write_text(PROMETHEUS, encoding="utf-8")
        self.prometheus = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:9091",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        query = "promtool query instant http://127.0.0.1:9091 'count by (job) (up)'"
        wait_until(lambda: "=> 1" in run(self, query).stdout, 20, "a scrape of Prometheus")

    def close(self):
        for process in (self.held, self.waiting):
            process.kill()
        self.prometheus.terminate()
        self.prometheus.wait(20 * PATIENCE)
        kill_all()
