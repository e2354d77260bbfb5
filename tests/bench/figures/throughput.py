# SPDX-License-Identifier: Apache-2.0
"""dante's throughput with and without the exporter, in turns: only ratios of neighbours count on a
machine that others use too.
"""

from . import table
from .machine import priority
from .processes import children_cpu_ns, cpu_ns
from .spread import interval, median

PAIRS = 16
REQUESTS = 2000
LIMIT_LOST = 1.0


def block(bench):
    """(requests a second, dante's CPU µs of a request)."""
    pids = bench.proxy.dante.processes()
    cpu = cpu_ns(pids) + children_cpu_ns(pids)
    tally = bench.lab.traffic(f"{REQUESTS} connect", concurrency=64).finish()
    pids = bench.proxy.dante.processes()
    return tally["requests_per_second"], (
        cpu_ns(pids) + children_cpu_ns(pids) - cpu
    ) / REQUESTS / 1000


def watched(bench):
    with bench.exporter():
        return block(bench)


def pairs(bench):
    """A B, B A, …: drift affects both equally."""
    found = []
    block(bench)
    for turn in range(PAIRS):
        if turn % 2:
            with_us = watched(bench)
            without = block(bench)
        else:
            without = block(bench)
            with_us = watched(bench)
        found.append((without, with_us))
    return found


def throughput(bench):
    with priority(*bench.namespaces()):
        found = bench.raw["throughput"] = pairs(bench)
    lost = [100 * (1 - with_us[0] / without[0]) for without, with_us in found]
    cpu = [100 * (with_us[1] / without[1] - 1) for without, with_us in found]
    low, high = interval(lost)
    rates = [median(side[0] for side in sides) for sides in zip(*found, strict=True)]
    return [
        table.row(
            "dante's throughput lost with us",
            median(lost),
            LIMIT_LOST,
            "%",
            f"{rates[0]:.0f}/s without, {rates[1]:.0f}/s with; dante's CPU a request "
            f"{median(cpu):+.1f} %",
            (low, high),
            hidden=low <= LIMIT_LOST,
        )
    ]
