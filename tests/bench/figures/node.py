# SPDX-License-Identifier: Apache-2.0
"""An agent of a node with 1 to 500 proxies, nearly all of them light ones (tests/lab): time, size,
memory, CPU.
"""

import json
import os
import socket
import subprocess
import time

from sockslab import LightProxies, wait_until

from . import programs, table
from .machine import priority
from .processes import Server, bpf_objects, cpu_ns, pss_kib
from .scrape import summary
from .spread import median, quantile

COUNTS = (1, 10, 100, 500)
SCRAPES, ROUNDS, REST_S, NEW = 25, 4, 60, 20
SOME = "/metrics?collect[]=sessions"
PER_CPU = ("tunnels",)
LIMIT_SCRAPE_MS, LIMIT_REST, LIMIT_NAMED_S, LIMIT_WATCHED_S, LIMIT_NEW_MS = 50, 0.2, 1, 3, 300


class Root:
    """The lab's root as a place for a server."""

    popen = staticmethod(subprocess.Popen)
    socket = staticmethod(socket.socket)


class Agent(Server):
    METRICS = 9090

    def __init__(self, *flags):
        self.begun = time.monotonic()
        super().__init__(Root, [programs.EXPORTER, "--mode=node", *flags], self.METRICS)

    def collector(self):
        return max(self.pids(), key=lambda pid: len(bpf_objects(pid)[0]))

    def _seconds(self, start, count, every=0.01):
        wait_until(
            lambda: self.get(SOME).count("\n" + start) >= count, 120, f"{count} × {start}", every
        )
        return time.monotonic() - self.begun

    def named(self, count):
        return self._seconds('proxy_info{proxy_name="crab-', count)

    def watched(self, count, every=0.01):
        return self._seconds("proxy_client_connections_total{", count, every)

    def stop(self):
        super().stop()
        subprocess.run(
            [programs.EXPORTER, "--mode=node", "--detach"], check=False, capture_output=True
        )


def ask(agent):
    rounds = []
    for _ in range(ROUNDS):
        before = cpu_ns(agent.pids())
        result = subprocess.run(
            [programs.path("http"), str(agent.METRICS), "/metrics", str(SCRAPES), "1"],
            check=True,
            capture_output=True,
        )
        found = programs.parse(result.stdout)
        rounds.append(
            {
                "ms": [us / 1000 for us in found["us"]],
                "rate": 0,
                "bytes": found["bytes"],
                "cpu_ms": (cpu_ns(agent.pids()) - before) / len(found["us"]) / 1e6,
            }
        )
    return summary(rounds)


def rest(agent, seconds=REST_S):
    """Percent of a CPU that all four processes take while nobody asks."""
    before, begun = cpu_ns(agent.pids()), time.monotonic()
    time.sleep(seconds)
    return (cpu_ns(agent.pids()) - before) / (time.monotonic() - begun) / 1e7


def by_count(light, others):
    found = {}
    for count in COUNTS:
        if count > others + light.begun:
            light.begin(count - others - light.begun)
        with priority(), Agent("--bpf.attach=clsact") as agent:
            one = {"watched_s": agent.watched(count), **ask(agent)}
            one["pss_kib"] = sum(pss_kib(pid) for pid in agent.pids())
            one["collector_kib"] = pss_kib(agent.collector())
        found[count] = one
    return found


def maps(limits=COUNTS):
    """Kernel memory as a + b × proxies + c × proxies × CPUs, in bytes: from the sizes with several
    --proxies.max.
    """
    shared, per_cpu = {}, {}
    for limit in limits:
        with Agent("--bpf.attach=clsact", f"--proxies.max={limit}") as agent:
            wait_until(
                lambda agent=agent: "wgsocks_exporter_bpf_memory_bytes" in agent.get("/metrics"), 20
            )
            names = {
                entry["id"]: entry["name"]
                for entry in json.loads(
                    subprocess.run(
                        ["bpftool", "--json", "map", "list"], check=True, capture_output=True
                    ).stdout
                )
            }
            sizes, loaded, _ = bpf_objects(agent.collector())
            per_cpu[limit] = sum(
                size for number, size in sizes.items() if names.get(number) in PER_CPU
            )
            shared[limit] = sum(sizes.values()) + sum(loaded.values()) - per_cpu[limit]
    low, high = limits[1], limits[-1]
    b = (shared[high] - shared[low]) / (high - low)
    c = (per_cpu[high] - per_cpu[low]) / (high - low) / os.cpu_count()
    a = shared[high] - b * high + per_cpu[high] - c * os.cpu_count() * high
    return {
        "a": a,
        "b": b,
        "c": c,
        "sizes": {limit: shared[limit] + per_cpu[limit] for limit in limits},
    }


def starts(count):
    found = {}
    for mode in ("clsact", "tcx"):
        with priority(), Agent(f"--bpf.attach={mode}") as agent:
            found[mode] = {"named_s": agent.named(count), "watched_s": agent.watched(count, 0.05)}
    return found


def later(light, others):
    """From the moment that a new one listens until it is counted, in ms."""
    found = {}
    for mode in ("clsact", "tcx"):
        with priority(), Agent(f"--bpf.attach={mode}") as agent:
            agent.watched(others + light.begun - light.ended, 0.05)
            each = []
            for _ in range(NEW):
                listens = light.begin(1)
                agent.watched(others + light.begun - light.ended, 0.002)
                each.append((time.monotonic_ns() - listens) / 1e6)
            found[mode] = each
    return found


def node(bench):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    try:
        with LightProxies() as light:
            light.begin(199)
            found = {"start": starts(199), "new": later(light, 1)}
            light.end(light.begun - 199)
            with Agent("--bpf.attach=clsact") as agent:
                agent.watched(200)
                wait_until(
                    lambda: time.monotonic() - agent.begun > 5, 10, "the first seconds to pass"
                )
                found["rest"] = rest(agent)
        with LightProxies() as light:
            found["counts"] = by_count(light, 1)
        found["maps"] = maps()
    finally:
        subprocess.run(["umount", "--lazy", "/sys/fs/bpf"], check=False)
    bench.raw["node"] = found
    return rows_of(found)


def rows_of(found):
    counts, start, fit = found["counts"], found["start"], found["maps"]
    rows = []
    for count, one in counts.items():
        limit = LIMIT_SCRAPE_MS if count == COUNTS[-1] else None
        figure = (
            f"{one['p50']:.2f} ms ({one['p50_spread'][0]:.2f}–{one['p50_spread'][1]:.2f}), p99 "
            f"{one['p99']:.1f}"
        )
        rows.append(
            table.Row(
                f"node of {count}: a scrape, p50",
                figure,
                f"≤ {limit} ms" if limit else "",
                f"{one['bytes'] / 1024:.0f} KiB, CPU {one['cpu']:.2f} ms, PSS "
                f"{one['pss_kib'] / 1024:.1f} MiB",
                table.at_most(one["p50"], limit) if limit else table.NO_GOAL,
            )
        )
    rows.append(
        table.row(
            "node of 200: all named after its start",
            start["clsact"]["named_s"],
            LIMIT_NAMED_S,
            "s",
            f"TCX {start['tcx']['named_s']:.2f}",
            digits=2,
        )
    )
    rows.append(
        table.row(
            "node of 200: all watched, clsact",
            start["clsact"]["watched_s"],
            LIMIT_WATCHED_S,
            "s",
            f"TCX {start['tcx']['watched_s']:.1f}",
            digits=2,
        )
    )
    for mode, each in found["new"].items():
        rows.append(
            table.row(
                f"node of 200: one more, until counted, {mode}",
                median(each),
                LIMIT_NEW_MS,
                "ms",
                f"p99 {quantile(each, 0.99):.0f}",
                (min(each), max(each)),
                digits=0,
            )
        )
    rows.append(
        table.row(
            "node of 200: CPU at rest, all processes",
            found["rest"],
            LIMIT_REST,
            "%",
            f"over {REST_S} s",
            digits=3,
        )
    )
    rows.append(
        table.Row(
            "node: kernel memory by --proxies.max",
            f"{fit['a'] / 2**20:.2f} MiB + {fit['b'] / 1024:.1f} KiB a proxy + "
            f"{fit['c'] / 1024:.2f} KiB a proxy and CPU",
            beside=", ".join(
                f"{limit}: {size / 2**20:.2f} MiB" for limit, size in fit["sizes"].items()
            ),
        )
    )
    return rows
