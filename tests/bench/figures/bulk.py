# SPDX-License-Identifier: Apache-2.0
"""Bulk data over real TCP on the client's interface, without other traffic.

Reports the average time of each program, less the average of the empty program at the same hook.
"""

import subprocess

from . import packets, programs, table
from .spread import median
from .stats import Stats, average, difference

ROUNDS = 7
MIB = 1500
LIMIT_NS = 50
DIRECTIONS = {"send": "ingress", "receive": "egress"}


def rounds(bench, stats):
    """For both directions the (ours, empty) of each round, of the side on which the data goes."""
    found = {"ingress": [], "egress": []}
    for _ in range(ROUNDS):
        for what, direction in DIRECTIONS.items():
            before = stats.look()
            bench.lab.clients.run(
                [programs.path("bulk"), what, bench.proxy.addr4, "1080", str(MIB)]
            )
            here = difference(before, stats.look())
            ours, floor = here[stats.side(direction)], here[f"floor_{direction}"]
            found[direction].append((average(ours), average(floor), ours["runs"]))
    return found


def bulk(bench):
    proxy = bench.proxy
    proxy.stop_dante()
    try:
        with (
            bench.exporter("--bpf.attach=tcx", "--proxy.port=1080") as exporter,
            Stats(bench, exporter, "eth0") as stats,
            proxy.popen(
                [programs.path("bulk"), "serve", proxy.addr4, "1080"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            ) as server,
        ):
            server.stdout.readline()
            found = rounds(bench, stats)
            server.stdin.close()
    finally:
        proxy.start_dante()
    bench.raw["bulk"] = found
    tested = packets.measure(bench)
    rows = []
    for direction, what in (
        ("ingress", "client's data, session of a finished dialogue"),
        ("egress", "server's data, bytes_acked exit"),
    ):
        net = [ours - empty for ours, empty, _ in found[direction]]
        packets_seen = sum(runs for _, _, runs in found[direction])
        empty = median(empty for _, empty, _ in found[direction])
        rows.append(
            table.row(
                f"{what}, bpf_stats",
                median(net),
                LIMIT_NS,
                "ns more",
                f"empty program {empty:.0f} ns with bpf_stats; "
                f"{ROUNDS * MIB * 1024 / packets_seen:.0f} KiB a packet",
                (min(net), max(net)),
                0,
            )
        )
    for name, what in (("client_data", "client's data"),):
        for family in ("ipv4", "ipv6"):
            figure = tested[f"{name}_{family}"]
            rows.append(
                table.row(
                    f"{what}, {family.replace('ip', 'IP')}, TEST_RUN",
                    figure["median"],
                    LIMIT_NS,
                    "ns more",
                    f"empty program {tested['empty']['median']:.1f} ns",
                    (figure["low"], figure["high"]),
                )
            )
    return rows
