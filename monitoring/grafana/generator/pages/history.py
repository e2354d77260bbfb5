# SPDX-License-Identifier: Apache-2.0
"""By day, week and month, of the recording rules: sums of whole hours, per proxy by its name, whatever its pod."""

from .. import panels as show
from ..frame import new
from ..queries import ALERTS, BY_ALERT, number, of, once, share, subject, total

NAMED = "{{proxy_name}}"
USABLE = ((None, show.RED), (0.99, show.YELLOW), (0.999, show.GREEN))
NO_HISTORY = "The recording rules have nothing yet"


def recorded(what, time, before=""):
    """What a rule recorded; before: so long ago, the last value within two hours of it, as nobody records at every moment."""
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
        show.figure("Usable, worst proxy, 30 days", "The proxy whose tunnel could be used for the smallest share of the time that it was seen.",
            f"min({ratio('30d')})", "percentunit", USABLE, decimals=2, empty=NO_HISTORY),
        show.figure("Leaked in 30 days", "Connections and DNS queries beside the tunnel, of all chosen proxies. What a counter had when it was first seen is not among them (the alert counts it).",
                    number(total(leaks)), steps=((None, show.GREEN), (0.5, show.RED)), decimals=0),
        show.figure("Requests failing, 7 days", "Share of all requests.",
            share(total(recorded("requests_failed", "7d")), total(recorded("requests", "7d"))), "percentunit", show.FAILED_SHARE_STEPS, decimals=1,
                    empty=NO_HISTORY),
        show.figure("Requests, 7 days", "Of all chosen proxies.", total(recorded("requests", "7d")), "short", empty=NO_HISTORY),
        show.figure("Against the week before", "Requests of the last 7 days against the 7 days before them.",
            f"{total(recorded('requests', '7d'))} / {total(recorded('requests', '7d', '7d'))} - 1",
                    "percentunit", decimals=0, empty=NO_HISTORY),
        show.figure("Data, 30 days", "Bytes through the tunnels of all chosen proxies.", total(recorded("bytes_transferred", "30d")), "decbytes", empty=NO_HISTORY),
    ):
        page.with_panel(panel)


def tables(page):
    proxy = show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY))
    for title, time, named in (("Week", "7d", "the 7 days before"), ("Month", "30d", "the 30 days before")):
        page.with_panel(show.rows(f"{title} by proxy",
            f"The last {time[:-1]} days; change is against {named} (empty where nothing was recorded then), peak is the most connections that were open at once.",
            [
            proxy,
            show.Column("Usable", ratio(time), unit="percentunit", steps=USABLE, decimals=2, width=80),
            show.Column("Failing", fails(time), unit="percentunit", steps=show.FAILED_SHARE_STEPS, decimals=1, width=80),
            show.Column("Leaked", f"{recorded('leaked_connections', time)} + {recorded('leaked_dns_queries', time)}",
                unit="short", decimals=0, steps=((None, "transparent"), (0.5, show.RED)), width=80),
            show.Column("Requests", recorded("requests", time), unit="short"),
            show.Column("Change", change("requests", time), unit="percentunit", decimals=0, width=100),
            show.Column("Data", recorded("bytes_transferred", time), unit="decbytes", gauge=0),
            show.Column("Peak", peak(time), unit="short", decimals=0, width=60),
        ], width=12, height=8, sort=("Usable", "-Failing"), empty=NO_HISTORY))


def charts(page):
    page.with_row(show.row("Day by day (a bar is the day that ends there, UTC)"))
    for title, description, expression, unit, colours in (
        ("Requests", "Requests of each day.", recorded("requests", "1d"), "short", None),
        ("Failed requests", "Those of them that failed.", recorded("requests_failed", "1d"), "short", None),
        ("Data", "Bytes through the tunnels.", recorded("bytes_transferred", "1d"), "decbytes", None),
        ("Client connections", "Accepted connections of each day.", recorded("client_connections", "1d"), "short", None),
        ("Leaks", "Connections and DNS queries beside the tunnel.", f"{recorded('leaked_connections', '1d')} + {recorded('leaked_dns_queries', '1d')}", "short", None),
    ):
        page.with_panel(show.lines(title, description, [(expression, NAMED)], unit, width=8, bars=True, stacked=True, interval="1d", colours=colours, calcs=("sum", "max")))
    page.with_panel(show.lines("Usable", "Share of each day in which the tunnel could be used.",
        [(ratio("1d"), NAMED)], "percentunit", width=8, interval="1d", least=None, calcs=("min", "mean"), decimals=2))
    page.with_row(show.row("Hour by hour, and the week as it moves"))
    for title, description, expression, unit in (
        ("Requests by hour", "Requests of the hour before each point.", once(of("proxy:requests:increase1h")), "short"),
        ("Most connections by hour", "The greatest number of open connections in each hour.", once(of("proxy:active_connections:max1h")), "short"),
        ("Requests of 7 days", "Of the 7 days before each point: what grows, without Sundays in it.", recorded("requests", "7d"), "short"),
    ):
        page.with_panel(show.lines(title, description, [(expression, NAMED)], unit, width=8, interval="1h"))


def make():
    page = new("History by week and month", "history", "What days, weeks and months were like. Of recorded hours: Prometheus has to keep 60 days to compare months (--storage.tsdb.retention.time).",
               since="now-30d", refresh="5m")
    head(page)
    tables(page)
    fired = of("ALERTS", 'alertstate="firing"', ALERTS)
    page.with_panel(show.rows("Alerts that fired", "In the dashboard's time: for how long in all, to the minute.", [
        show.Column("Severity", label="severity", words={"critical": ("critical", show.RED), "warning": ("warning", show.YELLOW)}, width=110),
        show.Column("Who", label="subject"),
        show.Column("Alert", label="alertname", link=("Runbook", show.TO_RUNBOOK)),
        show.Column("In all", f"60 * count_over_time((max by ({BY_ALERT}) ({subject(fired)}))[$__range:1m])", unit="s", decimals=0, gauge=0),
    ], width=24, height=8, sort=("Severity", "-In all"), empty="None"))
    charts(page)
    return page
