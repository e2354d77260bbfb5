# SPDX-License-Identifier: Apache-2.0
"""Memory: of the processes as in a pod of their own, of the maps in the kernel."""

import shutil
import subprocess
import tempfile
import time

from . import programs, table
from .processes import NodeExporter, bpf_objects, pss_kib

LIMIT_PSS_MIB, LIMIT_MAPS_MIB = 6.5, 4.0
SCRAPES = 50
START_S = 2.5  # userspace/lib/process/process.c


def private_copy(program, folder):
    """
    The program with its libraries in a folder of their own, that no other process maps: its path,
    its environment. PSS divides a page by all who map it; other exporters on this machine would
    make ours look small.
    """
    for line in subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True
    ).stdout.splitlines():
        words = line.split()
        if "=>" in words and words[2].startswith("/"):
            shutil.copy(words[2], folder)
    return {"program": shutil.copy(program, folder), "environment": {"LD_LIBRARY_PATH": folder}}


def used(server):
    """PSS in MiB once it has answered some scrapes and probes, what its start took given back."""
    for pause in (START_S, 0):
        for _ in range(SCRAPES // 2):
            server.get("/metrics")
            server.get("/livez", getattr(server, "HEALTH", None))
        time.sleep(pause)
    each = [pss_kib(pid) / 1024 for pid in server.pids()]
    return sum(each), each


def measure(bench):
    space = bench.proxy.ns
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        with bench.exporter(**private_copy(programs.EXPORTER, one)) as exporter:
            pss, each = used(exporter)
            maps, loaded, _ = bpf_objects(exporter.collector())
        with NodeExporter(
            space, **private_copy(shutil.which(programs.NODE_EXPORTER), other)
        ) as node:
            node_pss, _ = used(node)
    with bench.exporter() as exporter:
        pss_here, _ = used(exporter)
    return {
        "pss": pss,
        "each": each,
        "pss_here": pss_here,
        "node": node_pss,
        "maps": maps,
        "programs": loaded,
    }


def memory(bench):
    found = bench.raw["memory"] = measure(bench)
    map_mib, program_mib = (
        sum(found["maps"].values()) / 2**20,
        sum(found["programs"].values()) / 2**20,
    )
    return [
        table.row(
            "PSS of all four processes, nothing shared with others",
            found["pss"],
            LIMIT_PSS_MIB,
            "MiB",
            f"node-exporter {found['node']:.1f}; {found['pss_here']:.1f} with what this machine "
            f"shares",
        ),
        table.row(
            "kernel maps at rest, one proxy",
            map_mib,
            LIMIT_MAPS_MIB,
            "MiB",
            f"{len(found['maps'])} maps; programs {program_mib:.2f} MiB more",
            digits=2,
        ),
    ]
