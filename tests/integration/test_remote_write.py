# SPDX-License-Identifier: Apache-2.0
"""Remote write: one Prometheus scrapes an agent, with the rules and the filter of docs/scale.md; a
second one receives.
"""

import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest
from checks import equal
from node import Node, mount_bpffs
from sidecar import ROOT, fetch, join_underlay, kill_all
from sockslab import PATIENCE, Lab, wait_until
from sockslab.traffic import sum_tallies

pytestmark = pytest.mark.in_lab

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SENDER, RECEIVER = 9201, 9202
SHARD = {"cluster": "lab", "shard": "0"}


def block(word):
    """The block of the page with this first line."""
    return next(text for text in BLOCKS if text.startswith(word))


class Prometheus:
    def __init__(self, port, config, *flags):
        folder = pathlib.Path(f"/run/prometheus-{port}")
        (folder / "data").mkdir(parents=True)
        (folder / "rules.yml").write_text(block("groups:").replace("30s", "1s"), encoding="utf-8")
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        subprocess.run(
            ["promtool", "check", "config", str(folder / "prometheus.yml")],
            check=True,
            capture_output=True,
        )
        self.port = port
        with open(folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                    *flags,
                ],
                stderr=log,
            )
        wait_until(self._ready, 30, f"Prometheus on port {port}")

    def _ready(self):
        try:
            return fetch("127.0.0.1", self.port, "/-/ready")[0] == 200
        except OSError:
            return False

    def ask(self, query, time=None):
        arguments = {"query": query, **({"time": time} if time else {})}
        status, body = fetch(
            "127.0.0.1", self.port, "/api/v1/query?" + urllib.parse.urlencode(arguments)
        )
        if status != 200:
            raise AssertionError(f"{query}: {body}")
        return json.loads(body)["data"]["result"]

    def samples(self, selector, time):
        """{labels: [(timestamp, value), …]} in the ten seconds before this time."""
        return {
            json.dumps(
                {key: value for key, value in one["metric"].items() if key not in SHARD},
                sort_keys=True,
            ): one["values"]
            for one in self.ask(f"{selector}[10s]", time)
        }

    def now(self):
        return self.ask("time()")[1]

    def value(self, query):
        found = self.ask(query)
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * PATIENCE)


def kept():
    """The series that the filter of the page passes."""
    return re.search(r"regex: (\(shard.*)", PAGE)[1]


def sender():
    send = re.sub(
        r"url: .*", f"url: http://127.0.0.1:{RECEIVER}/api/v1/write", block("remote_write:")
    )
    labels = ", ".join(f'{key}: "{value}"' for key, value in SHARD.items())
    return Prometheus(
        SENDER,
        f"global: {{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{{labels}}}}}\n"
        f"rule_files: [rules.yml]\n"
        "scrape_configs: [{job_name: wgsocks, static_configs: [{targets: ['127.0.0.1:9090']}]}]\n"
        + send,
    )


def same_samples(first, second, time):
    """Exactly the series to be sent arrived, at least one of each."""
    selector = f'{{__name__=~"{kept()}"}}'
    sent = first.samples(selector, time)
    wait_until(
        lambda: second.samples(selector, time) == sent, 30, "the receiver to have every sample"
    )
    names = {json.loads(labels)["__name__"] for labels in sent}
    for name in ["up", "proxy_info", "vpn_interface_up", *re.findall(r"record: (\S+)", PAGE)]:
        equal(name in names, True, f"{name} is among what was sent")
    equal(
        second.ask(f'{{__name__!="", __name__!~"{kept()}"}}', time), [], "what was not to be sent"
    )
    return sum(len(values) for values in sent.values())


def test_what_the_receiver_has(record_property):
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus")
    with Lab(
        proxies=2, connect_timeout=6, dante_env=lambda index: {"PROXY_NAME": f"crab-{index}"}
    ) as lab:
        join_underlay()
        mount_bpffs()
        running = []
        try:
            Node(wait_for=2)
            running = [
                Prometheus(RECEIVER, "global: {}\n", "--web.enable-remote-write-receiver"),
                sender(),
            ]
            receiver, scraper = running
            tallies = [
                lab.traffic("300 connect", "30 refused", "20 transfer", seed=91 + turn).finish()
                for turn in range(3)
            ]
            total = sum_tallies(tallies)
            wait_until(
                lambda: (
                    receiver.value("sum(proxy_requests_successful_total)") == total["successful"]
                ),
                20,
                "successful requests at the receiver",
            )
            wait_until(
                lambda: receiver.value("sum(proxy_requests_failed_total)") == total["failed"],
                20,
                "failed requests at the receiver",
            )
            equal(receiver.value("shard:proxies:count"), 2, "the record of the shard")
            equal(receiver.ask("proxy_info")[0]["metric"]["shard"], "0", "the shard's name")
            count = same_samples(scraper, receiver, scraper.now())
            record_property("note", f"{count} samples of 10 s are the same")
            return
        finally:
            for one in reversed(running):  # it sends its last samples
                one.stop()
            kill_all()
            subprocess.run(["umount", "--lazy", "/sys/fs/bpf"], check=False)
