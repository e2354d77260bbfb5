# SPDX-License-Identifier: Apache-2.0
"""Packets of the tunnel, by BPF_PROG_TEST_RUN."""

from . import table

BATCHES = 400
LIMIT_NS = 10
LIMIT_DESTINATIONS_NS = 45


def measure(bench):
    """{name: {median, low, high}} in ns, less the empty program; packets.c lists the names."""
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
            rows.append(
                table.row(
                    f"tunnel packet, {family.replace('ip', 'IP')}, {direction}",
                    found["median"],
                    LIMIT_NS,
                    "ns more",
                    f"empty program {empty:.1f} ns",
                    (found["low"], found["high"]),
                )
            )
    for name, words in (
        ("destination_receive_ipv4", "IPv4, receive"),
        ("destination_transmit_ipv6", "IPv6, transmit"),
        ("destination_other_receive_ipv4", "IPv4, receive, one of the others"),
        ("destination_other_transmit_ipv6", "IPv6, transmit, one of the others"),
    ):
        found = figures[name]
        rows.append(
            table.row(
                f"with destinations, {words}",
                found["median"],
                LIMIT_DESTINATIONS_NS,
                "ns more",
                f"empty program {empty:.1f} ns",
                (found["low"], found["high"]),
            )
        )
    return rows
