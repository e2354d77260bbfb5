# SPDX-License-Identifier: Apache-2.0
"""Days, weeks and months from the recording rules: sums of whole hours for each proxy name."""

from .. import panels as show
from ..frame import new
from ..queries import ALERTS, BY_ALERT, number, of, once, share, subject, total

NAMED = "{{proxy_name}}"
USABLE = ((None, show.RED), (0.99, show.YELLOW), (0.999, show.GREEN))
NO_HISTORY = "The recording rules have no data yet"


def recorded(what, time, before=""):
    """What a rule recorded; with `before`, the last value in the two hours before that time ago."""
    name = of(f"proxy:{what}:{'increase' if 'ratio' not in what else ''}{time}")
    return once(f"last_over_time({name}[2h] offset {before})" if before else name)


def ratio(time):
    return once(of(f"proxy:tunnel_usable:ratio{time}"), take="min")


def peak(time):
    return once(of(f"proxy:active_connections:max{time}"))


def change(what, time):
    return f"{recorded(what, time)} / ({recorded(what, time, time)} > 0) - 1"


def fails(time):
    return share(recorded("requests_failed", time), recorded("requests", time))


def head(page):
    leaks = f"{recorded('leaked_connections', '30d')} + {recorded('leaked_dns_queries', '30d')}"
    for panel in (
        show.figure(
            "Usable, worst, 30 days",
            (
                "Lowest share of time with a usable tunnel among the selected proxies, of the "
                "time in which an exporter showed the proxy."
            ),
            f"min({ratio('30d')})",
            "percentunit",
            USABLE,
            decimals=2,
            empty=NO_HISTORY,
        ),
        show.figure(
            "Leaks, 30 days",
            (
                "Connections and DNS queries that left outside the tunnel, of all selected "
                "proxies. The first value of a counter is not included; the alert includes it."
            ),
            number(total(leaks)),
            steps=((None, show.GREEN), (0.5, show.RED)),
            decimals=0,
        ),
        show.figure(
            "Failed requests, 7 days",
            "Share of all requests that failed.",
            share(total(recorded("requests_failed", "7d")), total(recorded("requests", "7d"))),
            "percentunit",
            show.FAILED_SHARE_STEPS,
            decimals=1,
            empty=NO_HISTORY,
        ),
        show.figure(
            "Requests, 7 days",
            "Requests of all selected proxies.",
            total(recorded("requests", "7d")),
            "short",
            empty=NO_HISTORY,
        ),
        show.figure(
            "Change to week before",
            "Requests of the last 7 days, relative to the 7 days before them.",
            f"{total(recorded('requests', '7d'))} / {total(recorded('requests', '7d', '7d'))} - 1",
            "percentunit",
            decimals=0,
            empty=NO_HISTORY,
        ),
        show.figure(
            "Data transfer, 30 days",
            "Bytes through the tunnels of all selected proxies.",
            total(recorded("bytes_transferred", "30d")),
            "decbytes",
            empty=NO_HISTORY,
        ),
    ):
        page.with_panel(panel)


def tables(page):
    proxy = show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY))
    for title, time, named in (
        ("Week", "7d", "the 7 days before"),
        ("Month", "30d", "the 30 days before"),
    ):
        page.with_panel(
            show.rows(
                f"{title} by proxy",
                f"The last {time[:-1]} days. Change: relative to {named}, empty without data. "
                "Peak: highest number of open client connections.",
                [
                    proxy,
                    show.Column(
                        "Usable",
                        ratio(time),
                        unit="percentunit",
                        steps=USABLE,
                        decimals=2,
                        width=80,
                    ),
                    show.Column(
                        "Failed",
                        fails(time),
                        unit="percentunit",
                        steps=show.FAILED_SHARE_STEPS,
                        decimals=1,
                        width=80,
                    ),
                    show.Column(
                        "Leaked",
                        " + ".join(
                            recorded(f"leaked_{what}", time)
                            for what in ("connections", "dns_queries")
                        ),
                        unit="short",
                        decimals=0,
                        steps=((None, "transparent"), (0.5, show.RED)),
                        width=80,
                    ),
                    show.Column("Requests", recorded("requests", time), unit="short"),
                    show.Column(
                        "Change",
                        change("requests", time),
                        unit="percentunit",
                        decimals=0,
                        width=100,
                    ),
                    show.Column(
                        "Data transfer",
                        recorded("bytes_transferred", time),
                        unit="decbytes",
                        gauge=0,
                    ),
                    show.Column("Peak", peak(time), unit="short", decimals=0, width=60),
                ],
                width=12,
                height=8,
                sort=("Usable", "-Failed"),
                empty=NO_HISTORY,
            )
        )


def charts(page):
    page.with_row(show.row("Daily values (a bar shows the day that ends there, UTC)"))
    for title, description, expression, unit, colours in (
        ("Requests", "Requests per day.", recorded("requests", "1d"), "short", None),
        (
            "Failed requests",
            "Failed requests per day.",
            recorded("requests_failed", "1d"),
            "short",
            None,
        ),
        (
            "Data transfer",
            "Bytes through the tunnels per day.",
            recorded("bytes_transferred", "1d"),
            "decbytes",
            None,
        ),
        (
            "Client connections",
            "Accepted client connections per day.",
            recorded("client_connections", "1d"),
            "short",
            None,
        ),
        (
            "Leaks",
            "Connections and DNS queries that left outside the tunnel, per day.",
            f"{recorded('leaked_connections', '1d')} + {recorded('leaked_dns_queries', '1d')}",
            "short",
            None,
        ),
    ):
        page.with_panel(
            show.lines(
                title,
                description,
                [(expression, NAMED)],
                unit,
                width=8,
                bars=True,
                stacked=True,
                interval="1d",
                colours=colours,
                calcs=("sum", "max"),
            )
        )
    page.with_panel(
        show.lines(
            "Usable",
            "Share of each day with a usable tunnel.",
            [(ratio("1d"), NAMED)],
            "percentunit",
            width=8,
            interval="1d",
            least=None,
            calcs=("min", "mean"),
            decimals=2,
        )
    )
    page.with_row(show.row("Hourly values and moving week"))
    for title, description, expression, unit in (
        (
            "Requests by hour",
            "Requests in the hour before each point.",
            once(of("proxy:requests:increase1h")),
            "short",
        ),
        (
            "Peak connections by hour",
            "Highest number of open client connections in each hour.",
            once(of("proxy:active_connections:max1h")),
            "short",
        ),
        (
            "Requests, moving 7 days",
            "Requests in the 7 days before each point: the trend without weekly variation.",
            recorded("requests", "7d"),
            "short",
        ),
    ):
        page.with_panel(
            show.lines(title, description, [(expression, NAMED)], unit, width=8, interval="1h")
        )


def make():
    page = new(
        "History",
        "history",
        (
            "Days, weeks and months, from recorded hours. To compare months, Prometheus must "
            "keep 60 days (--storage.tsdb.retention.time)."
        ),
        since="now-30d",
        refresh="5m",
    )
    head(page)
    tables(page)
    fired = of("ALERTS", 'alertstate="firing"', ALERTS)
    page.with_panel(
        show.rows(
            "Alerts that fired",
            "Alerts that fired in the time range, with their total duration in minutes.",
            [
                show.Column(
                    "Severity",
                    label="severity",
                    words={"critical": ("critical", show.RED), "warning": ("warning", show.YELLOW)},
                    width=110,
                ),
                show.Column("Who", label="subject"),
                show.Column("Alert", label="alertname", link=("Runbook", show.TO_RUNBOOK)),
                show.Column(
                    "Total",
                    f"60 * count_over_time((max by ({BY_ALERT}) ({subject(fired)}))[$__range:1m])",
                    unit="s",
                    decimals=0,
                    gauge=0,
                ),
            ],
            width=24,
            height=8,
            sort=("Severity", "-Total"),
            empty="None",
        )
    )
    charts(page)
    return page
