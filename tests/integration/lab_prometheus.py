# SPDX-License-Identifier: Apache-2.0
"""A Prometheus with the configuration and rules of monitoring/prometheus, 30 times as fast."""

import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

from scaled_rules import main as scale
from sidecar import ROOT
from sockslab import PATIENCE, LabError, wait_until

FACTOR = 30
SOURCE = ROOT / "monitoring" / "prometheus"
URL = "http://127.0.0.1:9091"


class Prometheus:
    """Runs in the lab's root, with a faster copy of the configuration."""

    def __init__(self, folder, targets):
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("rules", "targets"):
            (self.folder / part).mkdir(parents=True)
        scale(SOURCE / "rules", self.folder / "rules", FACTOR)
        text = (SOURCE / "prometheus.yml").read_text(encoding="utf-8")
        for pattern, new in (
            (r"scrape_interval: 15s", "scrape_interval: 500ms"),
            (r"evaluation_interval: 15s", "evaluation_interval: 500ms"),
            (r"refresh_interval: 1m", "refresh_interval: 1s"),
            (r"127\.0\.0\.1:9090", targets[0]),
        ):
            text, count = re.subn(pattern, new, text)
            if count != 1:
                raise LabError(f"{count} times {pattern} in prometheus.yml")
        (self.folder / "prometheus.yml").write_text(text, encoding="utf-8")
        self.list(targets[1:])
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.folder}/prometheus.yml",
                    f"--storage.tsdb.path={self.folder}/data",
                    "--web.listen-address=127.0.0.1:9091",
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_until(self.answers, 20, "Prometheus to answer")

    def answers(self):
        try:
            return self.query("vector(1)")
        except OSError:
            return None

    def list(self, targets):
        """Replace the file of targets atomically: Prometheus may read it at any moment."""
        path = self.folder / "targets" / "example.yml"
        text = (SOURCE / "targets" / "example.yml").read_text(encoding="utf-8")
        new = path.with_suffix(".new")
        new.write_text(
            text.replace("targets: []", f"targets: {json.dumps(targets)}"), encoding="utf-8"
        )
        new.rename(path)

    def query(self, expression):
        """[(labels, value)]"""
        with urllib.request.urlopen(
            f"{URL}/api/v1/query?" + urllib.parse.urlencode({"query": expression}),
            timeout=10 * PATIENCE,
        ) as answer:
            return [
                (one["metric"], float(one["value"][1]))
                for one in json.load(answer)["data"]["result"]
            ]

    def alerts(self):
        """Pending and firing alerts, with labels and summary."""
        with urllib.request.urlopen(f"{URL}/api/v1/alerts", timeout=10 * PATIENCE) as answer:
            return json.load(answer)["data"]["alerts"]

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * PATIENCE)
        shutil.rmtree(self.folder)
