# SPDX-License-Identifier: Apache-2.0
"""Metrics that the legacy exporter has too, so this dashboard works for both; and alerts."""

from .. import panels as show
from ..frame import new
from ..queries import ACTIVE, BYTES, FAILED, of, once, share, total
from ..trouble import figures, firing_table

VPN = once(of("vpn_connection_status"), take="min")
ARRIVED = once(of("proxy_request_rate_permin"))
FAILED_A_MINUTE = f"{FAILED} * 60"
# Approximate: the legacy exporter does not count completed requests, so use received ones.
FAILING = f"clamp_max({share(FAILED_A_MINUTE, ARRIVED)}, 1)"


def make():
    page = new(
        "Proxy pool",
        "pool",
        (
            "All proxies from the metrics of the legacy exporter: VPN, requests, failures, "
            "connections, data transfer."
        ),
        hours=1,
    )
    for panel in (
        show.figure(
            "VPN down",
            (
                "Proxies whose tunnel is unusable. A proxy that no exporter shows is not "
                "included; an alert reports it."
            ),
            f"count({VPN} == 0) or vector(0)",
            steps=show.ANY_IS_BAD,
            width=4,
        ),
        *figures(4),
        show.figure(
            "Requests/min",
            "SOCKS requests of all selected proxies, received in the last 60 seconds.",
            total(ARRIVED),
            spark=True,
            decimals=0,
        ),
        show.figure(
            "Active connections", "Open client connections.", total(ACTIVE), spark=True, decimals=0
        ),
        show.figure(
            "Data transfer",
            "Bytes per second through the tunnels of all selected proxies, both directions.",
            total(BYTES),
            "Bps",
            spark=True,
        ),
        show.rows(
            "Proxy pool status",
            (
                "One row for each proxy, those whose VPN is down first. A name links to the "
                "proxy's details."
            ),
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("VPN", VPN, words=show.UP_WORDS, width=90),
                show.Column(
                    "Failed",
                    FAILING,
                    unit="percentunit",
                    decimals=1,
                    steps=show.FAILED_SHARE_STEPS,
                    width=80,
                ),
                show.Column("Requests/min", ARRIVED, decimals=0, gauge=0),
                show.Column("Failed/min", FAILED_A_MINUTE, decimals=0, width=90),
                show.Column("Active connections", ACTIVE, decimals=0, gauge=0),
                show.Column("Bytes/s", BYTES, unit="Bps", gauge=0),
                show.Column(
                    "Bytes so far",
                    once(of("proxy_bytes_transferred_total")),
                    unit="decbytes",
                    width=120,
                ),
            ],
            width=14,
            height=9,
            sort=("VPN", "-Failed"),
        ),
        firing_table(10, 9),
        show.lines(
            "Request rate",
            "SOCKS requests in the minute before each point, by proxy.",
            [(ARRIVED, "{{proxy_name}}")],
            "short",
            height=8,
        ),
        show.lines(
            "Failed requests",
            "Requests per minute without a success reply, by proxy.",
            [(FAILED_A_MINUTE, "{{proxy_name}}")],
            "short",
            height=8,
        ),
        show.lines(
            "Active connections by proxy",
            "Open client connections by proxy.",
            [(ACTIVE, "{{proxy_name}}")],
            "short",
            height=8,
            decimals=0,
        ),
        show.lines(
            "Data transfer by proxy",
            "Bytes per second through the tunnel, both directions, by proxy.",
            [(BYTES, "{{proxy_name}}")],
            "Bps",
            height=8,
        ),
    ):
        page.with_panel(panel)
    return page
