# SPDX-License-Identifier: Apache-2.0
"""The page at /, of one proxy and of 200: its bytes and what it takes."""

import re
import subprocess

from sockslab import LightProxies

from . import programs, table
from .machine import priority
from .node import Agent
from .processes import cpu_ns
from .spread import quantile

COUNTS, ASKED, LIMIT_KB = (1, 200), 50, 60
# What a browser would ask for besides: there may be nothing. (A link is asked for when somebody
# follows it.)
MORE = re.compile(
    r"<(?:img|iframe|object|embed|audio|video|source|use)\b|\bsrc=|<link (?!rel=icon "
    r"href=\"data:)|@import|url\("
)


def ask(agent):
    pids = agent.pids()
    before = cpu_ns(pids)
    result = subprocess.run(
        [programs.path("http"), str(agent.METRICS), "/", str(ASKED), "1"],
        check=True,
        capture_output=True,
    )
    found = programs.parse(result.stdout)
    page = agent.get("/").partition("\r\n\r\n")[2]
    return {
        "ms": [us / 1000 for us in found["us"]],
        "cpu_ms": (cpu_ns(pids) - before) / (ASKED + 1) / 1e6,
        "bytes": len(page.encode()),
        "more": MORE.findall(page),
    }


def page(bench):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    found = {}
    try:
        with LightProxies() as light:
            for count in COUNTS:
                if count > 1:
                    light.begin(count - 1)
                with priority(), Agent("--bpf.attach=clsact") as agent:
                    agent.watched(count)
                    found[count] = ask(agent)
    finally:
        subprocess.run(["umount", "--lazy", "/sys/fs/bpf"], check=False)
    bench.raw["page"] = found
    rows = []
    for count, one in found.items():
        rows.append(
            table.row(
                f"page of {count} prox{'y' if count == 1 else 'ies'}",
                one["bytes"] / 1000,
                LIMIT_KB,
                "kB",
                f"{1 + len(one['more'])} request; p50 {quantile(one['ms'], 0.5):.1f} ms, p99 "
                f"{quantile(one['ms'], 0.99):.1f} ms, CPU {one['cpu_ms']:.1f} ms",
            )
        )
        if one["more"]:
            rows[-1].verdict = table.MISSED
    return rows
