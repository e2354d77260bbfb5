# SPDX-License-Identifier: Apache-2.0
"""All proxies: problems first, then traffic."""

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

LEAKED = " or ".join(
    once(of(f"proxy:leaked_{what}:increase15m")) for what in ("connections", "dns_queries")
)
SILENT = number('count(up{job=~"$job"} == 0)')
UNWATCHED = number('sum(max by (job, instance) (wgsocks_exporter_proxies_unwatched{job=~"$job"}))')
PODS = (
    "max by (job, proxy_name, proxy_namespace, proxy_pod, proxy_node) "
    f"({of('proxy_kubernetes_info')})"
)


def make():
    page = new("All proxies", "fleet", "Firing alerts, state of each proxy, traffic. Begin here.")
    for panel in (
        *figures(),
        show.figure(
            "Proxies not usable",
            "Proxies without a usable tunnel, or without a listening SOCKS server.",
            number(f"count({USABLE} == 0)"),
            steps=show.ANY_IS_BAD,
            width=3,
        ),
        show.figure(
            "Leaked in 15 min",
            "Connections and DNS queries that left outside the tunnel. The normal value is 0.",
            number(total(LEAKED)),
            steps=show.ANY_IS_BAD,
            width=3,
            decimals=0,
        ),
        show.figure(
            "Exporters down",
            "Targets that do not answer Prometheus. No alert of their proxies can fire.",
            SILENT,
            steps=show.ANY_IS_BAD,
            width=3,
        ),
        show.figure(
            "Failed requests",
            "Share of completed requests without a success reply.",
            share(total(FAILED), total(ENDED)),
            "percentunit",
            show.FAILED_SHARE_STEPS,
            width=3,
            decimals=1,
        ),
        show.figure(
            "Proxies",
            "Number of proxies that exporters show.",
            number(f"count({once(of('proxy_info'))})"),
            steps=show.ZERO_IS_BAD,
            width=3,
        ),
        show.figure(
            "Not watched",
            (
                "Proxies that agents found but do not watch: --proxies.max is too low, or a "
                "capability is missing."
            ),
            UNWATCHED,
            steps=show.ANY_IS_BAD,
            width=3,
        ),
        firing_table(12, 9),
        show.timeline(
            "Tunnel state",
            (
                "State of each proxy's tunnel. Red: unusable. Idle and never used are usable: "
                "nothing is being sent."
            ),
            STATE,
            show.STATE_WORDS,
            width=12,
            height=9,
        ),
        show.rows(
            "Proxy status",
            (
                "One row for each proxy, unusable ones first, then by share of failed "
                "requests. A name links to the proxy's details."
            ),
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Usable", USABLE, words=show.UP_WORDS, width=80),
                show.Column("Tunnel", STATE, words=show.STATE_WORDS, width=110),
                show.Column(
                    "Failed",
                    FAILED_SHARE,
                    unit="percentunit",
                    steps=show.FAILED_SHARE_STEPS,
                    decimals=1,
                    width=80,
                ),
                show.Column("Requests/s", REQUESTS, unit="reqps", gauge=0),
                show.Column("Connections", ACTIVE, gauge=0, decimals=0),
                show.Column("Bytes/s", BYTES, unit="Bps", gauge=0),
                show.Column(
                    "Seen by",
                    f"count by (job, proxy_name) ({of('proxy_info')})",
                    decimals=0,
                    width=80,
                ),
            ],
            height=9,
            sort=("Usable", "-Failed"),
        ),
        show.lines(
            "Requests by outcome",
            "Completed requests of all selected proxies, by outcome.",
            [
                (total(rates("proxy_requests_successful_total")), "successful"),
                (total(FAILED), "failed"),
            ],
            "reqps",
            width=8,
            stacked=True,
            colours={"successful": show.GREEN, "failed": show.RED},
        ),
        show.lines(
            "Failed requests by reason",
            "Failed requests of all selected proxies, by reason.",
            [(total(once(rate("proxy_request_failures_total"), "reason"), "reason"), "{{reason}}")],
            "reqps",
            width=8,
            stacked=True,
            calcs=("max", "lastNotNull"),
        ),
        show.lines(
            "Data transfer",
            "Bytes per second through the tunnel of each proxy, from the recording rules.",
            [(total(once(of("proxy:bytes_transferred:rate5m")), "proxy_name"), "{{proxy_name}}")],
            "Bps",
            width=8,
            stacked=True,
        ),
        show.rows(
            "Kubernetes pods",
            "Pod and node of each proxy that an agent sees.",
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Namespace", label="proxy_namespace"),
                show.Column("Pod", label="proxy_pod"),
                show.Column("Node", label="proxy_node"),
                show.Column(
                    "Usable",
                    f"{PODS} * on (job, proxy_name) group_left () {USABLE}",
                    words=show.UP_WORDS,
                    width=90,
                ),
            ],
            width=24,
            height=6,
            empty="No agent sees a pod",
        ),
    ):
        page.with_panel(panel)
    return page
