# SPDX-License-Identifier: Apache-2.0
"""The saving of a disabled collector: all BPF time of a request and of a DNS query, with and
without it, from the kernel's statistics.
"""

from . import table
from .machine import priority
from .processes import bpf_objects
from .sockets import all_bpf_ns
from .spread import median
from .stats import Stats, difference

ROUNDS = 5
REQUESTS = 1500
OPTIONAL = ("dns", "leaks", "handshakes", "compat")
SETS = {
    "every collector that is on by default": (),
    **{f"without {name}": (f"--no-collector.{name}",) for name in OPTIONAL},
    "without these four": tuple(f"--no-collector.{name}" for name in OPTIONAL),
    "with destinations and clients": ("--collector.destinations", "--collector.clients"),
}


def measure(bench, flags):
    """(µs of a request, programs loaded) of an exporter with these flags; the requests ask for
    names, so each holds a query.
    """
    with bench.exporter("--bpf.attach=tcx", *flags) as exporter, Stats(bench, exporter) as stats:
        before = stats.look()
        bench.lab.traffic(f"{REQUESTS} connect addr=name", concurrency=32).finish()
        return all_bpf_ns(difference(before, stats.look())) / REQUESTS / 1000, len(
            bpf_objects(exporter.collector())[1]
        )


def collectors(bench):
    found = {name: [] for name in SETS}
    with priority(*bench.namespaces()):
        for _ in range(ROUNDS):
            for name, flags in SETS.items():
                found[name].append(measure(bench, flags))
    bench.raw["collectors"] = found
    first = median(us for us, _ in found[next(iter(SETS))])
    rows = []
    for name, runs in found.items():
        times = [us for us, _ in runs]
        rows.append(
            table.row(
                f"all BPF time of a request by name, {name}",
                median(times),
                None,
                "µs",
                f"{median(times) - first:+.1f} µs; {runs[0][1]} programs loaded",
                (min(times), max(times)),
            )
        )
    return rows
