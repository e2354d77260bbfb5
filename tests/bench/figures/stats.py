# SPDX-License-Identifier: Apache-2.0
"""The kernel's own statistics of BPF programs in real traffic (stats.c)."""

import json
import subprocess

from . import programs
from .processes import bpf_objects

TCX_INGRESS, TCX_EGRESS = "46", "47"


class Stats:
    """Runs next to an exporter attached with TCX. The difference of two readings is the result."""

    def __init__(self, bench, exporter, interface=None):
        links = bpf_objects(exporter.collector())[2]
        self.ids = [link["prog_id"] for link in links]
        self.ifindex = 0
        if interface:
            self.ifindex = int(
                bench.proxy.run(["cat", f"/sys/class/net/{interface}/ifindex"]).stdout
            )
        self.here = {
            link["attach_type"].split()[0]: link["prog_id"]
            for link in links
            if link.get("ifindex") == str(self.ifindex)
        }
        self.process = bench.proxy.popen(
            [programs.path("stats"), str(self.ifindex), str(bench.proxy.ns.net), *self.ids],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def side(self, direction):
        """The exporter's program on the interface: "ingress" or "egress"."""
        return self.here[{"ingress": TCX_INGRESS, "egress": TCX_EGRESS}[direction]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def difference(before, after):
    """What happened between two looks: {program: {ns, runs, name}}, watched, others."""
    found = {}
    for key, value in after.items():
        if isinstance(value, dict):
            found[key] = {
                "ns": value["ns"] - before[key]["ns"],
                "runs": value["runs"] - before[key]["runs"],
                "name": value["name"],
            }
        else:
            found[key] = value - before[key]
    return found


def average(program):
    return program["ns"] / program["runs"] if program["runs"] else 0
