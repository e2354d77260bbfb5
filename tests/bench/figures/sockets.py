# SPDX-License-Identifier: Apache-2.0
"""State transitions of sockets, and all BPF time of a request, at dante's highest rate."""

from . import programs, table
from .machine import priority
from .processes import Server, children_cpu_ns, cpu_ns
from .spread import median
from .stats import Stats, average, difference

ROUNDS = 5
REQUESTS = 4000
CONNECTIONS = 10000
LIMIT_WATCHED_NS, LIMIT_OTHER_NS, LIMIT_SHARE = 500, 20, 1.0


def dispatchers_ns(found):
    """Both copies of the state program, net of as many runs of the empty program at the same
    tracepoint.
    """
    floor = average(found["floor_transition"])
    return sum(
        value["ns"] - value["runs"] * floor
        for value in found.values()
        if isinstance(value, dict) and value["name"].startswith("state_dispatch")
    )


def other_netns(bench, stats):
    """ns of a transition elsewhere: connections between two programs in the clients' namespace."""
    before = stats.look()
    bench.run(bench.lab.clients.ns, "http", 8080, "/", CONNECTIONS, 1)
    found = difference(before, stats.look())
    return dispatchers_ns(found) / (found["watched"] + found["others"]), average(
        found["floor_transition"]
    )


def all_bpf_ns(found):
    """Time of all programs of the exporter, less the overhead of the statistics."""
    floor = average(found["floor_transition"])
    return sum(
        value["ns"] - value["runs"] * floor
        for key, value in found.items()
        if isinstance(value, dict) and key.isdigit()
    )


def dante_cpu_ns(bench):
    pids = bench.proxy.dante.processes()
    return cpu_ns(pids) + children_cpu_ns(pids)


def proxied(bench, stats, other_ns):
    """One run of requests: ns of a watched transition, BPF µs and dante's CPU µs of a request,
    requests a second.
    """
    before, cpu = stats.look(), dante_cpu_ns(bench)
    tally = bench.lab.traffic(f"{REQUESTS} connect", concurrency=64).finish()
    found, cpu = difference(before, stats.look()), dante_cpu_ns(bench) - cpu
    watched_ns = (dispatchers_ns(found) - found["others"] * other_ns) / found["watched"]
    return {
        "watched_ns": watched_ns,
        "bpf_us": all_bpf_ns(found) / REQUESTS / 1000,
        "dante_us": cpu / REQUESTS / 1000,
        "rate": tally["requests_per_second"],
        "transitions": found["watched"] / REQUESTS,
        "floor_ns": average(found["floor_transition"]),
        "programs": found,
    }


def measure(bench):
    with (
        priority(*bench.namespaces()),
        bench.exporter("--bpf.attach=tcx") as exporter,
        Stats(bench, exporter, "eth0") as stats,
        Server(bench.lab.clients.ns, [programs.path("floor_server"), "8080", "64"], 8080) as server,
    ):
        server.wait(path="/")
        others, runs = [], []
        for _ in range(ROUNDS):
            others.append(other_netns(bench, stats))
            runs.append(proxied(bench, stats, median(ns for ns, _ in others)))
    bench.raw["sockets"] = {"others": others, "runs": runs}
    return others, runs


def sockets(bench):
    others, runs = measure(bench)
    of = {key: [run[key] for run in runs] for key in runs[0]}
    other = [ns for ns, _ in others]
    share = [100 * run["bpf_us"] / run["dante_us"] for run in runs]
    return [
        table.row(
            "state transition, watched, both copies",
            median(of["watched_ns"]),
            LIMIT_WATCHED_NS,
            "ns more",
            f"empty program {median(of['floor_ns']):.0f} ns with bpf_stats",
            (min(of["watched_ns"]), max(of["watched_ns"])),
            0,
        ),
        table.row(
            "state transition, other netns, both copies",
            median(other),
            LIMIT_OTHER_NS,
            "ns more",
            f"empty program {median(floor for _, floor in others):.0f} ns with bpf_stats",
            (min(other), max(other)),
        ),
        table.row(
            "all BPF time of a request, share of dante's CPU",
            median(share),
            LIMIT_SHARE,
            "%",
            f"{median(of['bpf_us']):.1f} µs; dante itself {median(of['dante_us']):.0f} µs, "
            f"{median(of['rate']):.0f} requests/s",
            (min(share), max(share)),
            2,
        ),
    ]
