# SPDX-License-Identifier: Apache-2.0
"""Proxies beside each other: which is worse than the others, and at what."""

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

P95 = {"request": quantile(0.95, "proxy_request_duration_seconds", "outcome", more='outcome="success"'),
       "connect": quantile(0.95, "proxy_upstream_connect_duration_seconds"),
       "dns": quantile(0.95, "proxy_dns_query_duration_seconds", "path")}
NOT_CONNECTED = once(f"sum by (job, instance, proxy_name) ({rate('proxy_upstream_connect_failures_total')})")
REFUSED = share(NOT_CONNECTED, f"{NOT_CONNECTED} + {once(rate('proxy_upstream_connect_duration_seconds_count'))}")
RETRANSMITS = share(once(rate("proxy_tcp_retransmits_total", 'side="upstream"')), once(f"sum by (job, instance, proxy_name) ({rate('vpn_interface_transmit_packets_total')})"))
NAMED = "{{proxy_name}}"
LATENCY = ((None, show.GREEN), (300, show.YELLOW), (1000, show.RED))


def make():
    page = new("Proxies compared", "compare", "Each proxy beside the others: which one fails more, is slower, carries more, and since when.")
    figure_row = (
        *figures(4),
        show.figure("Worst success rate", "The lowest success rate of the last 5 minutes, of all chosen proxies.", f"min({once(of('proxy_success_rate_percent'), take='min')})", "percent",
                    ((None, show.RED), (75, show.YELLOW), (95, show.GREEN)), decimals=1, width=4),
        show.figure("Slowest", "The greatest median connect time of the last 5 minutes.", f"max({once(of('proxy_latency_ms'))})", "ms", LATENCY, width=4),
        show.figure("Fastest download", "The busiest 10 seconds of the last 10 minutes, of the fastest proxy.", f"max({once(of('proxy_download_speed_mbps'))})", "Mbits", width=4),
        show.figure("Busiest", "Requests a second of the busiest proxy.", f"max({REQUESTS})", "reqps", width=4),
    )
    rankings = (
        show.ranking("Success rate, lowest first", "Of the requests that ended in the last 5 minutes; 100 where none ended.", once(of("proxy_success_rate_percent"), take="min"), NAMED, "percent",
                     ((None, show.RED), (75, show.YELLOW), (95, show.GREEN)), greatest=100, width=6, decimals=1, least_first=True),
        show.ranking("Latency", "Median time of connects to targets of the last 5 minutes.", once(of("proxy_latency_ms")), NAMED, "ms", LATENCY, width=6),
        show.ranking("Download speed", "Received from the tunnel in the busiest 10 seconds of the last 10 minutes.", once(of("proxy_download_speed_mbps")), NAMED, "Mbits", width=6),
        show.ranking("Length of connections", "Mean life of the client connections that closed in the last 5 minutes.", once(of("proxy_avg_connection_duration_seconds")), NAMED, "s", width=6),
    )
    charts = (
        show.lines("Requests failing", "Share of the requests that end without a success reply. From the red line on it is an alert.", [(FAILED_SHARE, NAMED)], "percentunit", show.FAILED_SHARE_STEPS),
        show.lines("Connects to targets that fail", "Share of the connects that ended: refused, timed out, unreachable, … Targets' fault or the tunnel exit's.", [(REFUSED, NAMED)], "percentunit"),
        show.lines("Time to the reply, p95", "From request to successful reply.", [(P95["request"], NAMED)], "s"),
        show.lines("Time to connect, p95", "From SYN to established, through the tunnel.", [(P95["connect"], NAMED)], "s"),
        show.lines("Time to a DNS answer, p95", "Whatever way it took.", [(P95["dns"], NAMED)], "s"),
        show.lines("Sent again", "Segments to targets that had to be sent again, of the packets sent into the tunnel: a lossy way.", [(RETRANSMITS, NAMED)], "percentunit"),
        show.lines("Requests", "SOCKS requests a second.", [(REQUESTS, NAMED)], "reqps"),
        show.lines("Data transfer", "Bytes a second, both directions.", [(BYTES, NAMED)], "Bps"),
        show.lines("Connections, against the usual", "Open now, divided by what the proxy's own week says is high (its 99th percentile). Above 2 it is an alert.", [
            (f"{ACTIVE} / ({once(of('proxy:active_connections:usual_high'))} > 0)", NAMED)], "percentunit", ((None, show.GREEN), (2, show.RED))),
        show.lines("Connections", "Open now.", [(ACTIVE, NAMED)], "short"),
    )
    for panel in (*figure_row, *rankings, *charts):
        page.with_panel(panel)
    return page
