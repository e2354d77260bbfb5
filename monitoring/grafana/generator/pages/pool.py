# SPDX-License-Identifier: Apache-2.0
"""The seed's dashboard: of the seed's families alone, but for the alerts, so that it shows the seed's exporter as well."""

from .. import panels as show
from ..frame import new
from ..queries import ACTIVE, BYTES, FAILED, of, once, total
from ..trouble import figures, firing_table

VPN = once(of("vpn_connection_status"), take="min")
ARRIVED = once(of("proxy_request_rate_permin"))
FAILED_A_MINUTE = f"{FAILED} * 60"


def make():
    page = new("Proxy pool", "pool", "Every proxy of the pool: is its VPN up, what is asked of it, what fails, what it carries.", hours=1)
    for panel in (
        show.figure("VPN down", "Proxies whose tunnel cannot be used now. A proxy that no exporter shows is not among them: it is an alert.",
                    f"count({VPN} == 0) or vector(0)", steps=show.ANY_IS_BAD, width=4),
        *figures(4),
        show.figure("Requests a minute", "SOCKS requests of all chosen proxies that arrived in the last 60 seconds.", total(ARRIVED), spark=True, decimals=0),
        show.figure("Active connections", "Client connections that are open now.", total(ACTIVE), spark=True, decimals=0),
        show.figure("Data transfer", "Bytes through the tunnels of all chosen proxies, both directions.", total(BYTES), "Bps", spark=True),
        show.rows("Proxy pool status", "A line for each proxy, those whose VPN is down first. Its name leads to all that is known of it.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)),
            show.Column("VPN", VPN, words=show.UP_WORDS, width=90),
            show.Column("Requests/min", ARRIVED, decimals=0, gauge=0),
            show.Column("Failed/min", FAILED_A_MINUTE, decimals=1, steps=((None, "transparent"), (1, show.YELLOW), (30, show.RED)), width=100),
            show.Column("Active connections", ACTIVE, decimals=0, gauge=0),
            show.Column("Bytes/s", BYTES, unit="Bps", gauge=0),
            show.Column("Bytes so far", once(of("proxy_bytes_transferred_total")), unit="decbytes", width=120),
        ], width=14, height=9, sort=("VPN", "-Failed/min")),
        firing_table(10, 9),
        show.lines("Request rate", "SOCKS requests a minute, by proxy (the minute before each point).", [(ARRIVED, "{{proxy_name}}")], "short", height=8),
        show.lines("Failed requests", "Requests a minute that did not end in a success reply, by proxy.", [(FAILED_A_MINUTE, "{{proxy_name}}")], "short", height=8),
        show.lines("Active connections by proxy", "Open client connections.", [(ACTIVE, "{{proxy_name}}")], "short", height=8, decimals=0),
        show.lines("Data transfer by proxy", "Bytes per second through the tunnel, received and sent.", [(BYTES, "{{proxy_name}}")], "Bps", height=8),
    ):
        page.with_panel(panel)
    return page


