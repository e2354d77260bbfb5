# SPDX-License-Identifier: Apache-2.0
"""All proxies at once: what is wrong, then how they do."""

from .. import panels as show
from ..frame import new
from ..queries import (
    ACTIVE,
    BYTES,
    ENDED,
    FAILED,
    FAILED_SHARE,
    REQUESTS,
    STATE,
    USABLE,
    number,
    of,
    once,
    rate,
    rates,
    share,
    total,
)
from ..trouble import figures, firing_table

LEAKED = f"{once(of('proxy:leaked_connections:increase15m'))} or {once(of('proxy:leaked_dns_queries:increase15m'))}"
SILENT = number('count(up{job=~"$job"} == 0)')
UNWATCHED = number('sum(max by (job, instance) (wgsocks_exporter_proxies_unwatched{job=~"$job"}))')
PODS = f"max by (job, proxy_name, proxy_namespace, proxy_pod, proxy_node) ({of('proxy_kubernetes_info')})"


def make():
    page = new("Fleet", "fleet", "All proxies: what is wrong now, which cannot be used, how much they do.")
    for panel in (
        *figures(),
        show.figure("Proxies not usable", "No usable tunnel, or nothing that listens for SOCKS.", number(f"count({USABLE} == 0)"), steps=show.ANY_IS_BAD, width=3),
        show.figure("Leaked in 15 min", "Connections and DNS queries that left beside the tunnel. Any is too many.", number(total(LEAKED)), steps=show.ANY_IS_BAD, width=3, decimals=0),
        show.figure("Exporters silent", "Targets that do not answer Prometheus: of their proxies nothing is known.", SILENT, steps=show.ANY_IS_BAD, width=3),
        show.figure("Requests failing", "Of the requests that end, the share without a success reply.", share(total(FAILED), total(ENDED)), "percentunit",
                    show.FAILED_SHARE_STEPS, width=3, decimals=1),
        show.figure("Proxies", "Proxies that an exporter shows.", number(f"count({once(of('proxy_info'))})"), steps=show.ZERO_IS_BAD, width=3),
        show.figure("Not watched", "Proxies found on nodes but not watched: more than --proxies.max, or a capability is missing.", UNWATCHED, steps=show.ANY_IS_BAD, width=3),
        firing_table(12, 9),
        show.timeline("Tunnels", "State of each proxy's tunnel. Red: it cannot be used. Idle and never used are well: nothing has to be sent.", STATE, show.STATE_WORDS, width=12, height=9),
        show.rows("Proxies now", "A line for each proxy, the worst first: not usable, then by the share of failing requests.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)),
            show.Column("Usable", USABLE, words=show.UP_WORDS, width=80),
            show.Column("Tunnel", STATE, words=show.STATE_WORDS, width=110),
            show.Column("Failing", FAILED_SHARE, unit="percentunit", steps=show.FAILED_SHARE_STEPS, decimals=1, width=80),
            show.Column("Requests/s", REQUESTS, unit="reqps", gauge=0),
            show.Column("Connections", ACTIVE, gauge=0, decimals=0),
            show.Column("Bytes/s", BYTES, unit="Bps", gauge=0),
            show.Column("Seen by", f"count by (job, proxy_name) ({of('proxy_info')})", decimals=0, width=80),
        ], height=9, sort=("Usable", "-Failing")),
        show.lines("Requests by outcome", "All chosen proxies together.", [
            (total(rates("proxy_requests_successful_total")), "successful"), (total(FAILED), "failed")],
            "reqps", width=8, stacked=True, colours={"successful": show.GREEN, "failed": show.RED}),
        show.lines("Why requests fail", "Failed requests by reason, all proxies together.",
                   [(total(once(rate("proxy_request_failures_total"), "reason"), "reason"), "{{reason}}")],
                   "reqps", width=8, stacked=True, calcs=("max", "lastNotNull")),
        show.lines("Data transfer", "Bytes through the tunnels, as the recording rules have them: all proxies, by proxy.", [
            (total(once(of("proxy:bytes_transferred:rate5m")), "proxy_name"), "{{proxy_name}}")], "Bps", width=8, stacked=True),
        show.rows("In Kubernetes", "Which pod on which node each proxy is, where a node's agent sees it.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)),
            show.Column("Namespace", label="proxy_namespace"), show.Column("Pod", label="proxy_pod"), show.Column("Node", label="proxy_node"),
            show.Column("Usable", f"{PODS} * on (job, proxy_name) group_left () {USABLE}", words=show.UP_WORDS, width=90),
        ], width=24, height=6, empty="No agent of a node sees a pod"),
    ):
        page.with_panel(panel)
    return page
