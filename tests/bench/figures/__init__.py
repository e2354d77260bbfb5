# SPDX-License-Identifier: Apache-2.0
"""The measurements: a function for each group of rows takes the Bench and returns table rows."""

from . import (
    bulk,
    churn,
    collectors,
    memory,
    node,
    packets,
    page,
    scrape,
    sockets,
    start,
    throughput,
    tls,
)

ROWS = {
    "tunnel": packets.tunnel,
    "bulk": bulk.bulk,
    "sockets": sockets.sockets,
    "collectors": collectors.collectors,
    "throughput": throughput.throughput,
    "scrape": scrape.scrape,
    "probes": scrape.probes,
    "tls": tls.tls,
    "memory": memory.memory,
    "churn": churn.churn,
    "start": start.start,
    "node": node.node,
    "page": page.page,
}
