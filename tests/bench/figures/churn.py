# SPDX-License-Identifier: Apache-2.0
"""A million sessions, and the state that they leave in the kernel."""

import json

from . import table
from .processes import bpf_objects

PORT = 1081  # of a server of the bench; dante does not listen there
SESSIONS = 1_000_000
TIMEOUT = 300


def entries(bench, name):
    """Of a map, as bpftool walks it."""
    dump = bench.proxy.run(
        ["sh", "-c", f"bpftool --json map dump pinned /sys/fs/bpf/wgsocks/v*/*/{name}"]
    ).stdout
    return len(json.loads(dump))


def sample(exporter, name):
    lines = exporter.get("/metrics").splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith((name + "{", name + " "))
    )


def look(exporter):
    return {
        "memory": sum(bpf_objects(exporter.collector())[0].values()),
        "lost": sample(exporter, "wgsocks_exporter_events_lost_total"),
        "counted": sample(exporter, "proxy_client_connections_total")
        + sample(exporter, "proxy_upstream_connects_total"),
    }


def churn(bench):
    with bench.exporter(f"--proxy.port={PORT}") as exporter:
        before = look(exporter)
        ran = json.loads(
            bench.proxy.run(["build/churn", str(PORT), str(SESSIONS)], timeout=TIMEOUT).stdout
        )
        after = look(exporter)
        left = {name: entries(bench, name) for name in ("sessions", "upstreams")}
    bench.raw["churn"] = {"before": before, "after": after, "left": left, **ran}
    uncounted = 2 * ran["connections"] - (after["counted"] - before["counted"])
    return [
        table.row(
            f"entries left by {SESSIONS:,} sessions, and as many upstream",
            sum(left.values()),
            0,
            "",
            f"{ran['connections'] / ran['seconds']:,.0f} sessions/s, each a client's and an "
            f"upstream",
            digits=0,
        ),
        table.row(
            "of them not counted, or lost",
            abs(uncounted) + after["lost"] - before["lost"],
            0,
            "",
            digits=0,
        ),
        table.row(
            "kernel maps at rest, after them",
            after["memory"] / 2**20,
            before["memory"] / 2**20,
            "MiB",
            f"{before['memory'] / 2**20:.3f} MiB before",
            digits=3,
        ),
    ]
