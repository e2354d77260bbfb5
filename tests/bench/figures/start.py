# SPDX-License-Identifier: Apache-2.0
"""Time from exec to the first answers. Each start finds no pins or processes of the exporter."""

import os

from . import programs, table
from .machine import priority
from .processes import Exporter, NodeExporter
from .spread import median

ROUNDS = 11
LIMIT_HEALTH_MS, LIMIT_CLSACT_MS, LIMIT_TCX_MS = 6, 60, 130


def once(bench, health, metrics, text, argv):
    argv = [programs.path("start"), str(health), str(metrics), text, *argv]
    with open(os.path.join("/run/lab", "start.log"), "w+", encoding="utf-8") as log:
        result = bench.proxy.run(
            argv, env={"PROXY_NAME": Exporter.NAME}, stderr=log, stdout=-1, check=False
        )
        if result.returncode:
            log.seek(0)
            raise OSError(f"start: {log.read()[-300:]}")
    return programs.parse(result.stdout)


def start(bench):
    found = {"clsact": [], "tcx": [], "node": []}
    with priority():
        for _ in range(ROUNDS):
            for mode in ("clsact", "tcx"):
                found[mode].append(
                    once(
                        bench,
                        Exporter.HEALTH,
                        Exporter.METRICS,
                        "proxy_requests_total{",
                        [programs.EXPORTER, f"--bpf.attach={mode}"],
                    )
                )
            found["node"].append(once(bench, 0, NodeExporter.METRICS, "", NodeExporter.ARGV))
    bench.raw["start"] = found
    node = f"node-exporter {median(each['metrics_ms'] for each in found['node']):.0f} ms"
    health = [each["health_ms"] for mode in ("clsact", "tcx") for each in found[mode]]
    rows = [
        table.row(
            "exec → first 200 of health",
            median(health),
            LIMIT_HEALTH_MS,
            "ms",
            node,
            (min(health), max(health)),
        )
    ]
    for mode, limit in (("clsact", LIMIT_CLSACT_MS), ("tcx", LIMIT_TCX_MS)):
        values = [each["metrics_ms"] for each in found[mode]]
        rows.append(
            table.row(
                f"exec → first /metrics with counts, {mode}",
                median(values),
                limit,
                "ms",
                node,
                (min(values), max(values)),
            )
        )
    return rows
