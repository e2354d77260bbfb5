# SPDX-License-Identifier: Apache-2.0
"""Traffic outside the tunnel, and name resolution."""

from .. import panels as show
from ..frame import new
from ..queries import number, of, once, quantile, rate, rates, share, total
from ..trouble import firing_table

NAMED = "{{proxy_name}}"
CONNECTIONS, QUERIES = (
    once(of("proxy:leaked_connections:increase15m")),
    once(of("proxy:leaked_dns_queries:increase15m")),
)
ALL_CONNECTIONS, ALL_QUERIES = (
    once(of("proxy_leaked_connections_total")),
    once(of("proxy_leaked_dns_queries_total")),
)
BESIDE = total(
    once(rate("proxy_dns_queries_total", 'path="underlay"'), "type"), "job", "proxy_name"
)
ANSWERED = rates("proxy_dns_responses_total", "", "rcode", "path")


def failing():
    bad = 'rcode=~"servfail|refused"'
    unanswered = rates("proxy_dns_unanswered_total", "", "path")
    return share(
        f"{rates('proxy_dns_responses_total', bad, 'rcode', 'path')} + {unanswered}",
        f"{ANSWERED} + {unanswered}",
    )


def make():
    page = new(
        "Leaks and DNS",
        "leaks",
        (
            "Traffic that left outside the tunnel, so that targets and resolvers saw the "
            "host's own address; and name resolution."
        ),
        hours=3,
    )
    any_leak = ((None, "transparent"), (1, show.RED))
    for panel in (
        show.figure(
            "Leaked connections, 15 min",
            (
                "Connects to targets whose first SYN left by an interface that is neither the "
                "tunnel nor lo. The normal value is 0."
            ),
            number(total(CONNECTIONS)),
            steps=show.ANY_IS_BAD,
            decimals=0,
            link=("Runbook", "${runbooks}/ProxyLeak.md"),
        ),
        show.figure(
            "Leaked DNS queries, 15 min",
            (
                "DNS queries that left outside the tunnel, so that a resolver there sees the "
                "requested names. The normal value is 0."
            ),
            number(total(QUERIES)),
            steps=show.ANY_IS_BAD,
            decimals=0,
            link=("Runbook", "${runbooks}/ProxyDnsLeak.md"),
        ),
        show.figure(
            "Proxies with leaks",
            "Proxies with a leak since their counters started.",
            number(f"count(({ALL_CONNECTIONS} + {ALL_QUERIES}) > 0)"),
            steps=show.ANY_IS_ODD,
        ),
        show.figure(
            "DNS outside the tunnel",
            "DNS queries per second outside the tunnel, including those that --leak.allow allows.",
            number(total(BESIDE)),
            "reqps",
            ((None, show.GREEN), (0.001, show.YELLOW)),
            decimals=1,
        ),
        show.figure(
            "Failed DNS queries, worst",
            (
                "Highest share of failed queries of a proxy: SERVFAIL, REFUSED, or no answer "
                "within 5 seconds."
            ),
            f"max({failing()})",
            "percentunit",
            ((None, show.GREEN), (0.05, show.YELLOW), (0.3, show.RED)),
            decimals=1,
            link=("Runbook", "${runbooks}/ProxyResolverFailing.md"),
        ),
        show.figure(
            "DNS query duration, worst p95",
            "95th percentile of the time from query to answer, of the slowest proxy.",
            f"max({quantile(0.95, 'proxy_dns_query_duration_seconds', 'path')})",
            "s",
            ((None, show.GREEN), (0.5, show.YELLOW), (2, show.RED)),
            empty="no queries",
        ),
        show.rows(
            "Leaks by proxy",
            (
                "Leaks now and since the counters started; proxies that leak now come first. "
                "Pinned counters survive restarts of the exporter."
            ),
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column(
                    "Connections, 15 min",
                    f"{CONNECTIONS} or {ALL_CONNECTIONS} * 0",
                    decimals=0,
                    steps=any_leak,
                ),
                show.Column(
                    "DNS queries, 15 min",
                    f"{QUERIES} or {ALL_QUERIES} * 0",
                    decimals=0,
                    steps=any_leak,
                ),
                show.Column("Connections, total", ALL_CONNECTIONS, decimals=0),
                show.Column("DNS queries, total", ALL_QUERIES, decimals=0),
                show.Column(
                    "DNS failed",
                    failing(),
                    unit="percentunit",
                    decimals=1,
                    steps=((None, "transparent"), (0.05, show.YELLOW), (0.3, show.RED)),
                    width=100,
                ),
            ],
            width=14,
            height=8,
            sort=("-Connections, 15 min", "-DNS queries, 15 min", "-Connections, total"),
        ),
        firing_table(10, 8),
        show.lines(
            "Leaked connections",
            "Counter of each proxy: each step is a leak.",
            [(ALL_CONNECTIONS, NAMED)],
            "none",
            decimals=0,
            calcs=("lastNotNull", "range"),
        ),
        show.lines(
            "Leaked DNS queries",
            "Counter of each proxy: each step is a leak.",
            [(ALL_QUERIES, NAMED)],
            "none",
            decimals=0,
            calcs=("lastNotNull", "range"),
        ),
    ):
        page.with_panel(panel)
    dns(page)
    return page


def dns(page):
    page.with_row(show.row("DNS"))
    for panel in (
        show.lines(
            "DNS queries by path",
            "DNS queries through the tunnel and outside it (underlay).",
            [(total(once(rate("proxy_dns_queries_total"), "type", "path"), "path"), "{{path}}")],
            "reqps",
            width=8,
            stacked=True,
            colours={"tunnel": show.GREEN, "underlay": show.ORANGE},
        ),
        show.lines(
            "DNS queries by type",
            "DNS queries by type of record.",
            [(total(once(rate("proxy_dns_queries_total"), "type", "path"), "type"), "{{type}}")],
            "reqps",
            width=8,
            stacked=True,
            calcs=("max", "lastNotNull"),
        ),
        show.lines(
            "DNS answers by code",
            "DNS answers by code. unanswered: no answer within 5 seconds.",
            [
                (
                    total(once(rate("proxy_dns_responses_total"), "rcode", "path"), "rcode"),
                    "{{rcode}}",
                ),
                (total(once(rate("proxy_dns_unanswered_total"), "path")), "unanswered"),
            ],
            "reqps",
            width=8,
            stacked=True,
            colours={
                "noerror": show.GREEN,
                "servfail": show.RED,
                "unanswered": "dark-red",
                "refused": show.ORANGE,
            },
        ),
        show.lines(
            "Failed DNS queries",
            (
                "Share of completed queries that failed, by proxy. Above the red line "
                "ProxyResolverFailing fires."
            ),
            [(failing(), NAMED)],
            "percentunit",
            ((None, show.GREEN), (0.3, show.RED)),
            width=8,
        ),
        show.lines(
            "DNS query duration, p95",
            "Time from a DNS query to its answer, by proxy.",
            [(quantile(0.95, "proxy_dns_query_duration_seconds", "path"), NAMED)],
            "s",
            width=8,
        ),
        show.lines(
            "DNS query duration, p50",
            "Time from a DNS query to its answer, by proxy.",
            [(quantile(0.5, "proxy_dns_query_duration_seconds", "path"), NAMED)],
            "s",
            width=8,
        ),
    ):
        page.with_panel(panel)
