# SPDX-License-Identifier: Apache-2.0
"""Cost of the traffic where a price per gigabyte is configured (PROXY_COST_PER_GB)."""

from .. import panels as show
from ..frame import new
from ..queries import BYTES, JOIN, in_range, of, once, rate, total

PRICE = once(of("proxy_cost_per_gigabyte"), "currency")
DESTINATION_BYTES = " + ".join(
    in_range(f"proxy_destination_{way}_bytes_total", "", "destination")
    for way in ("receive", "transmit")
)
IN_CURRENCY = "on (job, proxy_name) group_left (currency)"
UNPRICED = (
    f"count(max by (job, proxy_name) ({of('proxy_info')} "
    f"unless {JOIN} {of('proxy_cost_per_gigabyte')}) unless on (job, proxy_name) {PRICE}) "
    "or vector(0)"
)


def cost(amount):
    return f"({amount}) / 1e9 * {IN_CURRENCY} {PRICE}"


def days(time):
    return cost(once(of(f"proxy:bytes_transferred:increase{time}")))


# Each exporter knows its own price, so join the price before exporters are merged into one proxy.
PER_HOUR = once(
    f"{rate('proxy_bytes_transferred_total')} * 3600 / 1e9 * "
    f"{JOIN} group_left (currency) {of('proxy_cost_per_gigabyte')}",
    "currency",
)


def make():
    page = new(
        "Cost",
        "cost",
        (
            "Cost of the traffic through the tunnels, received and sent, at the configured "
            "price per gigabyte (10^9 bytes)."
        ),
        hours=24,
        refresh="1m",
    )
    in_all = "{{currency}}"
    for panel in (
        show.figure(
            "Month, at current rate",
            "Cost of 30.4 days at the current data rate.",
            (f"{total(PER_HOUR, 'currency')} * 730.5", in_all),
            decimals=2,
            steps=show.NEUTRAL,
        ),
        show.figure(
            "Hour, at current rate",
            "Cost of one hour at the current data rate.",
            (total(PER_HOUR, "currency"), in_all),
            decimals=3,
        ),
        show.figure(
            "Last 24 hours",
            "Cost of whole hours, from the recording rules.",
            (total(days("1d"), "currency"), in_all),
            decimals=2,
        ),
        show.figure(
            "Last 7 days",
            "Cost of whole hours, from the recording rules.",
            (total(days("7d"), "currency"), in_all),
            decimals=2,
        ),
        show.figure(
            "Last 30 days",
            "Cost of whole hours, from the recording rules.",
            (total(days("30d"), "currency"), in_all),
            decimals=2,
        ),
        show.figure(
            "Proxies without a price",
            "PROXY_COST_PER_GB is not set for these proxies, so no sum includes them.",
            UNPRICED,
            steps=show.ANY_IS_ODD,
        ),
        show.rows(
            "Cost by proxy",
            "Cost of each proxy, the most expensive month first.",
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Currency", label="currency", width=90),
                show.Column("Per GB", PRICE, decimals=3, width=80),
                show.Column("Hour, at current rate", PER_HOUR, decimals=3, width=110),
                show.Column("24 hours", days("1d"), decimals=2),
                show.Column("7 days", days("7d"), decimals=2),
                show.Column("30 days", days("30d"), decimals=2, gauge=0),
            ],
            width=14,
            height=9,
            sort=("-30 days",),
            empty="No proxy has a price (PROXY_COST_PER_GB)",
        ),
        show.ranking(
            "Cost by destination",
            (
                "Cost of the bytes in the time range. Needs --collector.destinations. other: "
                "all destinations without a series of their own."
            ),
            f"topk(12, {total(cost(DESTINATION_BYTES), 'destination', 'currency')})",
            "{{destination}}, {{currency}}",
            width=10,
            height=9,
            decimals=3,
        ),
        show.lines(
            "Cost per hour",
            "Cost per hour at the data rate of each moment, by proxy.",
            [(PER_HOUR, "{{proxy_name}}, {{currency}}")],
            "short",
            stacked=True,
            decimals=3,
        ),
        show.lines(
            "Data transfer",
            (
                "Bytes per second through the tunnel, both directions, of proxies with and "
                "without a price."
            ),
            [(BYTES, "{{proxy_name}}")],
            "Bps",
            stacked=True,
        ),
        show.lines(
            "Cost per day",
            (
                "Cost per day, by proxy. A bar shows the day that ends there (UTC), at the "
                "price at its end."
            ),
            [(days("1d"), "{{proxy_name}}, {{currency}}")],
            "short",
            width=24,
            stacked=True,
            bars=True,
            interval="1d",
            decimals=2,
            calcs=("sum", "max"),
            since="30d",
        ),
    ):
        page.with_panel(panel)
    return page
