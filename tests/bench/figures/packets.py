# SPDX-License-Identifier: Apache-2.0
"""Packets of the tunnel, by BPF_PROG_TEST_RUN."""

from . import table

BATCHES = 400
LIMIT_NS = 10


def measure(bench):
    """{name: {median, low, high}} in ns net of the empty program; packets.c says which there are."""
    if "packets" not in bench.raw:
        bench.raw["packets"] = bench.run(bench.proxy.ns, "packets", BATCHES)
    return bench.raw["packets"]


def tunnel(bench):
    figures = measure(bench)
    empty = figures["empty"]["median"]
    rows = []
    for family in ("ipv4", "ipv6"):
        for direction in ("receive", "transmit"):
            found = figures[f"tunnel_{direction}_{family}"]
            rows.append(table.row(
                f"tunnel packet, {family.replace('ip', 'IP')}, {direction}", found["median"], LIMIT_NS, "ns more",
                f"empty program {empty:.1f} ns", (found["low"], found["high"])))
    return rows
