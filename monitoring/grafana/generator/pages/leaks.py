# SPDX-License-Identifier: Apache-2.0
"""What went beside the tunnel, and how names are found."""

from .. import panels as show
from ..frame import new
from ..queries import number, of, once, quantile, rate, rates, share, total
from ..trouble import firing_table

NAMED = "{{proxy_name}}"
CONNECTIONS, QUERIES = once(of("proxy:leaked_connections:increase15m")), once(of("proxy:leaked_dns_queries:increase15m"))
ALL_CONNECTIONS, ALL_QUERIES = once(of("proxy_leaked_connections_total")), once(of("proxy_leaked_dns_queries_total"))
BESIDE = total(once(rate("proxy_dns_queries_total", 'path="underlay"'), "type"), "job", "proxy_name")
ANSWERED = rates("proxy_dns_responses_total", "", "rcode", "path")


def failing():
    bad = 'rcode=~"servfail|refused"'
    unanswered = rates("proxy_dns_unanswered_total", "", "path")
    return share(f"{rates('proxy_dns_responses_total', bad, 'rcode', 'path')} + {unanswered}", f"{ANSWERED} + {unanswered}")


def make():
    page = new("Leaks and DNS", "leaks", "What left beside the tunnel (targets and resolvers have then seen the host's own address), and whether names are found.", hours=3)
    any_leak = ((None, "transparent"), (1, show.RED))
    for panel in (
        show.figure("Leaked connections, 15 min", "Connects to targets whose first SYN left by an interface that is neither the tunnel nor lo. Any is too many.",
                    number(total(CONNECTIONS)), steps=show.ANY_IS_BAD, decimals=0, link=("Runbook", "${runbooks}/ProxyLeak.md")),
        show.figure("Leaked DNS queries, 15 min", "DNS queries that left outside the tunnel: a resolver there learns what clients ask for.",
                    number(total(QUERIES)), steps=show.ANY_IS_BAD, decimals=0, link=("Runbook", "${runbooks}/ProxyDnsLeak.md")),
        show.figure("Proxies that ever leaked", "Since their counters began.", number(f"count(({ALL_CONNECTIONS} + {ALL_QUERIES}) > 0)"), steps=show.ANY_IS_ODD),
        show.figure("DNS beside the tunnel", "Per second, to allowed resolvers (--leak.allow) too.", number(total(BESIDE)), "reqps", ((None, show.GREEN), (0.001, show.YELLOW)), decimals=1),
        show.figure("DNS failing, worst proxy", "Of the queries that ended: SERVFAIL, REFUSED, or nothing within 5 seconds.", f"max({failing()})", "percentunit",
                    ((None, show.GREEN), (0.05, show.YELLOW), (0.3, show.RED)), decimals=1, link=("Runbook", "${runbooks}/ProxyResolverFailing.md")),
        show.figure("DNS answer, slowest p95", "The slowest proxy's.", f"max({quantile(0.95, 'proxy_dns_query_duration_seconds', 'path')})", "s", ((None, show.GREEN), (0.5, show.YELLOW), (2, show.RED)), empty="none asked"),
        show.rows("Leaks by proxy", "Now and since the counters began (they live through restarts of the exporter and of its pins' owner). Those that leak now first.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)),
            show.Column("Connections, 15 min", f"{CONNECTIONS} or {ALL_CONNECTIONS} * 0", decimals=0, steps=any_leak),
            show.Column("DNS queries, 15 min", f"{QUERIES} or {ALL_QUERIES} * 0", decimals=0, steps=any_leak),
            show.Column("Connections ever", ALL_CONNECTIONS, decimals=0), show.Column("DNS queries ever", ALL_QUERIES, decimals=0),
            show.Column("DNS failing", failing(), unit="percentunit", decimals=1, steps=((None, "transparent"), (0.05, show.YELLOW), (0.3, show.RED)), width=100),
        ], width=14, height=8, sort=("-Connections, 15 min", "-DNS queries, 15 min", "-Connections ever")),
        firing_table(10, 8),
        show.lines("Leaked connections", "Counters: each step is a leak.", [(ALL_CONNECTIONS, NAMED)], "none", decimals=0, calcs=("lastNotNull", "range")),
        show.lines("Leaked DNS queries", "Counters: each step is a leak.", [(ALL_QUERIES, NAMED)], "none", decimals=0, calcs=("lastNotNull", "range")),
    ):
        page.with_panel(panel)
    dns(page)
    return page


def dns(page):
    page.with_row(show.row("DNS"))
    for panel in (
        show.lines("Queries by way", "Through the tunnel, and beside it (underlay).", [(total(once(rate("proxy_dns_queries_total"), "type", "path"), "path"), "{{path}}")], "reqps", width=8, stacked=True,
                   colours={"tunnel": show.GREEN, "underlay": show.ORANGE}),
        show.lines("Queries by type", "What was asked for; most first.", [(total(once(rate("proxy_dns_queries_total"), "type", "path"), "type"), "{{type}}")],
                   "reqps", width=8, stacked=True, calcs=("max", "lastNotNull")),
        show.lines("Answers", "By code; unanswered: nothing within 5 seconds.", [
            (total(once(rate("proxy_dns_responses_total"), "rcode", "path"), "rcode"), "{{rcode}}"), (total(once(rate("proxy_dns_unanswered_total"), "path")), "unanswered")],
            "reqps", width=8, stacked=True, colours={"noerror": show.GREEN, "servfail": show.RED, "unanswered": "dark-red", "refused": show.ORANGE}),
        show.lines("Failing", "Share of the queries that ended, by proxy. From the red line on it is an alert.", [(failing(), NAMED)], "percentunit", ((None, show.GREEN), (0.3, show.RED)), width=8),
        show.lines("Time to an answer, p95", "By proxy.", [(quantile(0.95, "proxy_dns_query_duration_seconds", "path"), NAMED)], "s", width=8),
        show.lines("Time to an answer, p50", "By proxy.", [(quantile(0.5, "proxy_dns_query_duration_seconds", "path"), NAMED)], "s", width=8),
    ):
        page.with_panel(panel)
