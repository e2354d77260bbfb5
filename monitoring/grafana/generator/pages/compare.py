# SPDX-License-Identifier: Apache-2.0
"""All proxies side by side."""

from .. import panels as show
from ..frame import new
from ..queries import (
    ACTIVE,
    BYTES,
    FAILED_SHARE,
    REQUESTS,
    of,
    once,
    quantile,
    rate,
    share,
)
from ..trouble import figures

P95 = {
    "request": quantile(
        0.95, "proxy_request_duration_seconds", "outcome", more='outcome="success"'
    ),
    "connect": quantile(0.95, "proxy_upstream_connect_duration_seconds"),
    "dns": quantile(0.95, "proxy_dns_query_duration_seconds", "path"),
}
NOT_CONNECTED = once(
    f"sum by (job, instance, proxy_name) ({rate('proxy_upstream_connect_failures_total')})"
)
REFUSED = share(
    NOT_CONNECTED,
    f"{NOT_CONNECTED} + {once(rate('proxy_upstream_connect_duration_seconds_count'))}",
)
RETRANSMITS = share(
    once(rate("proxy_tcp_retransmits_total", 'side="upstream"')),
    once(f"sum by (job, instance, proxy_name) ({rate('vpn_interface_transmit_packets_total')})"),
)
NAMED = "{{proxy_name}}"
LATENCY = ((None, show.GREEN), (300, show.YELLOW), (1000, show.RED))


def make():
    page = new(
        "Proxy comparison",
        "compare",
        "All proxies side by side: failures, latency, traffic, and since when they differ.",
    )
    figure_row = (
        *figures(4),
        show.figure(
            "Lowest success rate",
            "Lowest success rate of the selected proxies in the last 5 minutes.",
            f"min({once(of('proxy_success_rate_percent'), take='min')})",
            "percent",
            ((None, show.RED), (75, show.YELLOW), (95, show.GREEN)),
            decimals=1,
            width=4,
        ),
        show.figure(
            "Highest latency",
            "Highest median connect duration of the selected proxies in the last 5 minutes.",
            f"max({once(of('proxy_latency_ms'))})",
            "ms",
            LATENCY,
            width=4,
        ),
        show.figure(
            "Highest download speed",
            "Busiest 10 seconds of the last 10 minutes, of the fastest proxy.",
            f"max({once(of('proxy_download_speed_mbps'))})",
            "Mbits",
            width=4,
        ),
        show.figure(
            "Highest request rate",
            "Requests per second of the busiest proxy.",
            f"max({REQUESTS})",
            "reqps",
            width=4,
        ),
    )
    rankings = (
        show.ranking(
            "Success rate, lowest first",
            (
                "Share of success replies among the requests completed in the last 5 minutes; "
                "100 when none completed."
            ),
            once(of("proxy_success_rate_percent"), take="min"),
            NAMED,
            "percent",
            ((None, show.RED), (75, show.YELLOW), (95, show.GREEN)),
            greatest=100,
            width=6,
            decimals=1,
            least_first=True,
        ),
        show.ranking(
            "Latency",
            "Median connect duration of the last 5 minutes.",
            once(of("proxy_latency_ms")),
            NAMED,
            "ms",
            LATENCY,
            width=6,
        ),
        show.ranking(
            "Download speed",
            "Bits received from the tunnel in the busiest 10 seconds of the last 10 minutes.",
            once(of("proxy_download_speed_mbps")),
            NAMED,
            "Mbits",
            width=6,
        ),
        show.ranking(
            "Connection lifetime",
            "Mean lifetime of the client connections that closed in the last 5 minutes.",
            once(of("proxy_avg_connection_duration_seconds")),
            NAMED,
            "s",
            width=6,
        ),
    )
    charts = (
        show.lines(
            "Failed requests",
            (
                "Share of completed requests without a success reply. Above the red line "
                "ProxyRequestsFailing fires."
            ),
            [(FAILED_SHARE, NAMED)],
            "percentunit",
            show.FAILED_SHARE_STEPS,
        ),
        show.lines(
            "Failed connects to targets",
            (
                "Share of completed connects that failed: refused, timed out, unreachable. The"
                " cause is a target or the exit of the tunnel."
            ),
            [(REFUSED, NAMED)],
            "percentunit",
        ),
        show.lines(
            "Request duration, p95",
            "Time from a client's request to the success reply.",
            [(P95["request"], NAMED)],
            "s",
        ),
        show.lines(
            "Connect duration, p95",
            "Time from SYN to established, through the tunnel.",
            [(P95["connect"], NAMED)],
            "s",
        ),
        show.lines(
            "DNS query duration, p95",
            "Time from a DNS query to its answer, on any path.",
            [(P95["dns"], NAMED)],
            "s",
        ),
        show.lines(
            "TCP retransmits",
            (
                "Retransmitted segments to targets as a share of the packets sent into the "
                "tunnel. High: packets are lost."
            ),
            [(RETRANSMITS, NAMED)],
            "percentunit",
        ),
        show.lines("Requests", "SOCKS requests per second.", [(REQUESTS, NAMED)], "reqps"),
        show.lines(
            "Data transfer",
            "Bytes per second through the tunnel, both directions.",
            [(BYTES, NAMED)],
            "Bps",
        ),
        show.lines(
            "Client connections, relative to usual",
            (
                "Open client connections divided by the usual maximum of the proxy (99th "
                "percentile of its week). Above 2, ProxyConnectionsAbnormal fires."
            ),
            [(f"{ACTIVE} / ({once(of('proxy:active_connections:usual_high'))} > 0)", NAMED)],
            "percentunit",
            ((None, show.GREEN), (2, show.RED)),
        ),
        show.lines("Client connections", "Open client connections.", [(ACTIVE, NAMED)], "short"),
    )
    for panel in (*figure_row, *rankings, *charts):
        page.with_panel(panel)
    return page
