# SPDX-License-Identifier: Apache-2.0
"""What the traffic costs, where a price per gigabyte is configured (PROXY_COST_PER_GB)."""

from .. import panels as show
from ..frame import new
from ..queries import BYTES, JOIN, in_range, of, once, rate, total

PRICE = once(of("proxy_cost_per_gigabyte"), "currency")
IN_CURRENCY = "on (job, proxy_name) group_left (currency)"
UNPRICED = f"count(max by (job, proxy_name) ({of('proxy_info')} unless {JOIN} {of('proxy_cost_per_gigabyte')}) unless on (job, proxy_name) {PRICE}) or vector(0)"


def cost(amount):
    return f"({amount}) / 1e9 * {IN_CURRENCY} {PRICE}"


def days(time):
    return cost(once(of(f"proxy:bytes_transferred:increase{time}")))


# As rate() of an exporter knows its own price: what each exporter says, joined before it is one proxy's.
PER_HOUR = once(f"{rate('proxy_bytes_transferred_total')} * 3600 / 1e9 * {JOIN} group_left (currency) {of('proxy_cost_per_gigabyte')}", "currency")


def make():
    page = new("Cost per GB", "cost", "What the traffic through the tunnels costs at the price that is configured per gigabyte (10^9 bytes), received and sent.", hours=24, refresh="1m")
    in_all = "{{currency}}"
    for panel in (
        show.figure("This month's pace", "What 30.4 days would cost at the speed of the last minutes.", (f"{total(PER_HOUR, 'currency')} * 730.5", in_all), decimals=2, steps=show.NEUTRAL),
        show.figure("An hour, now", "At the speed of the last minutes.", (total(PER_HOUR, "currency"), in_all), decimals=3),
        show.figure("Last 24 hours", "Whole hours, of the recording rules.", (total(days("1d"), "currency"), in_all), decimals=2),
        show.figure("Last 7 days", "Whole hours, of the recording rules.", (total(days("7d"), "currency"), in_all), decimals=2),
        show.figure("Last 30 days", "Whole hours, of the recording rules.", (total(days("30d"), "currency"), in_all), decimals=2),
        show.figure("Proxies without a price", "They are in no sum here: PROXY_COST_PER_GB is not set for them.", UNPRICED, steps=show.ANY_IS_ODD),
        show.rows("By proxy", "What each proxy costs, the dearest month first.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)),
            show.Column("Currency", label="currency", width=90),
            show.Column("Per GB", PRICE, decimals=3, width=80),
            show.Column("An hour, now", PER_HOUR, decimals=3, width=110),
            show.Column("24 hours", days("1d"), decimals=2),
            show.Column("7 days", days("7d"), decimals=2),
            show.Column("30 days", days("30d"), decimals=2, gauge=0),
        ], width=14, height=9, sort=("-30 days",), empty="No proxy has a price (PROXY_COST_PER_GB)"),
        show.ranking("By destination", "Bytes of the dashboard's time at the proxy's price, with --collector.destinations. other: all destinations without a series of their own.",
                     f"topk(12, {total(cost(' + '.join(in_range(f'proxy_destination_{way}_bytes_total', '', 'destination') for way in ('receive', 'transmit'))), 'destination', 'currency')})",
                     "{{destination}}, {{currency}}", width=10, height=9, decimals=3),
        show.lines("An hour's cost", "At the speed of each moment, by proxy.", [(PER_HOUR, "{{proxy_name}}, {{currency}}")], "short", stacked=True, decimals=3),
        show.lines("Bytes that cost", "Through the tunnel, both directions, of all proxies, with a price or not.", [(BYTES, "{{proxy_name}}")], "Bps", stacked=True),
        show.lines("A day's cost", "By proxy; the bar is the day that ends there (UTC), at the price of its end.", [(days("1d"), "{{proxy_name}}, {{currency}}")], "short", width=24, stacked=True, bars=True, interval="1d",
                   decimals=2, calcs=("sum", "max"), since="30d"),
    ):
        page.with_panel(panel)
    return page
