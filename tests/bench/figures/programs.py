# SPDX-License-Identifier: Apache-2.0
"""The C programs of the bench, and the exporter itself."""

import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
EXPORTER = os.path.join(BUILD, "wgsocks_exporter")
NODE_EXPORTER = "prometheus-node-exporter"


def build():
    subprocess.run(["make", "-s", "-C", ROOT, "all", "lab", "bench-programs"], check=True)


def path(name):
    return os.path.join(BUILD, "bench", name)


def parse(output):
    """The JSON that a program of the bench prints."""
    return json.loads(output)
