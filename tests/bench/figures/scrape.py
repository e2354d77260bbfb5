# SPDX-License-Identifier: Apache-2.0
"""Scrapes and probes on new connections: latency, rate, CPU time of all exporter processes."""

import os
import sys

from . import programs, table
from .machine import priority
from .processes import Exporter, NodeExporter, Server, cpu_ns
from .spread import median, quantile

ROUNDS = 10
FLOOR_PORT, FLOOR_BYTES, LOOP_PORT = 8081, 4096, 8082
LIMIT_P50_MS, LIMIT_P99_MS, LIMIT_CPU_MS = 0.3, 1.0, 0.15
LIMIT_PROBES, LIMIT_PROBE_P99_MS = 20000, 1.0


def ask(bench, server, port, path, count, threads=1):
    """One round: latencies in ms, answers a second, CPU ms of each, bytes."""
    pids = server.pids()
    before = cpu_ns(pids)
    found = bench.run(server.space, "http", port, path, count, threads)
    if found["failed"]:
        raise OSError(f"{found['failed']} of {count} requests to port {port} failed")
    return {
        "ms": [us / 1000 for us in found["us"]],
        "rate": len(found["us"]) / found["seconds"],
        "cpu_ms": (cpu_ns(pids) - before) / len(found["us"]) / 1e6,
        "bytes": found["bytes"],
    }


def in_turns(bench, peers):
    """peers: {name: (server, port, path, count, threads)}; the figures of each over all rounds."""
    rounds = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name, arguments in peers.items():
            rounds[name].append(ask(bench, *arguments))
    return {name: summary(each) for name, each in rounds.items()}


def summary(rounds):
    latencies = [ms for each in rounds for ms in each["ms"]]
    p99 = [quantile(each["ms"], 0.99) for each in rounds]
    return {
        "p50": quantile(latencies, 0.5),
        "p99": median(p99),
        "p99_all": quantile(latencies, 0.99),
        "cpu": median(each["cpu_ms"] for each in rounds),
        "rate": median(each["rate"] for each in rounds),
        "p50_spread": [
            min(quantile(each["ms"], 0.5) for each in rounds),
            max(quantile(each["ms"], 0.5) for each in rounds),
        ],
        "p99_spread": [min(p99), max(p99)],
        "rate_spread": [min(e["rate"] for e in rounds), max(e["rate"] for e in rounds)],
        "cpu_spread": [min(e["cpu_ms"] for e in rounds), max(e["cpu_ms"] for e in rounds)],
        "bytes": rounds[0]["bytes"],
    }


def scrape(bench):
    space = bench.proxy.ns
    with (
        priority(),
        bench.exporter() as exporter,
        NodeExporter(space) as node,
        Server(
            space, [programs.path("floor_server"), str(FLOOR_PORT), str(FLOOR_BYTES)], FLOOR_PORT
        ) as floor,
    ):
        floor.wait(path="/")
        found = in_turns(
            bench,
            {
                "exporter": (exporter, Exporter.METRICS, "/metrics", 300),
                "node": (node, NodeExporter.METRICS, "/metrics", 25),
                "floor": (floor, FLOOR_PORT, "/", 300),
            },
        )
    bench.raw["scrape"] = found
    ours, node, floor = found["exporter"], found["node"], found["floor"]
    rows = []
    for key, what, limit in (
        ("p50", "p50", LIMIT_P50_MS),
        ("p99", "p99", LIMIT_P99_MS),
        ("cpu", "CPU of all processes", LIMIT_CPU_MS),
    ):
        rows.append(
            table.row(
                f"scrape, {what}",
                ours[key],
                limit,
                "ms",
                f"node-exporter {node[key]:.2f}, fixed 4 KiB {floor[key]:.3f}",
                ours[f"{key}_spread"],
                3,
                hidden=floor[key] > limit,
            )
        )
    return rows


def probes(bench):
    space = bench.proxy.ns
    loop = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "accept_loop.py")
    with (
        priority(),
        bench.exporter() as exporter,
        Server(space, [sys.executable, loop, str(LOOP_PORT)], LOOP_PORT) as python,
        Server(space, [programs.path("floor_server"), str(FLOOR_PORT), "64"], FLOOR_PORT) as floor,
    ):
        python.wait(path="/")
        floor.wait(path="/")
        found = in_turns(
            bench,
            {
                "exporter": (exporter, Exporter.HEALTH, "/livez", 6000, 4),
                "python": (python, LOOP_PORT, "/livez", 3000, 4),
                "floor": (floor, FLOOR_PORT, "/livez", 6000, 4),
            },
        )
    bench.raw["probes"] = found
    ours, python, floor = found["exporter"], found["python"], found["floor"]
    return [
        table.Row(
            "liveness probes",
            f"{ours['rate']:,.0f} /s ({ours['rate_spread'][0]:,.0f}–{ours['rate_spread'][1]:,.0f})",
            f"≥ {LIMIT_PROBES:,} /s",
            f"Python accept loop {python['rate']:,.0f}, fixed 64 bytes {floor['rate']:,.0f}",
            table.UNCLEAR
            if ours["rate"] < LIMIT_PROBES and floor["rate"] < LIMIT_PROBES
            else table.at_least(ours["rate"], LIMIT_PROBES),
        ),
        table.row(
            "liveness probe, p99 at that rate",
            ours["p99"],
            LIMIT_PROBE_P99_MS,
            "ms",
            f"Python accept loop {python['p99']:.2f}, fixed 64 bytes {floor['p99']:.3f}",
            ours["p99_spread"],
            3,
            hidden=floor["p99"] > LIMIT_PROBE_P99_MS,
        ),
    ]
