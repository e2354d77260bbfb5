# SPDX-License-Identifier: Apache-2.0
"""Where the bytes go, by country: with --collector.destinations and --geoip.database."""

from .. import panels as show
from ..frame import new
from ..queries import in_range, number, once, rate, share, total

NEEDED = "Needs --collector.destinations and --geoip.database"
COUNTRY = "proxy_destination_country_{}_bytes_total"


def moved(more="", *, ways=("receive", "transmit"), name=COUNTRY, label="country", by=None):
    """Bytes in the dashboard's time."""
    return total(" + ".join(in_range(name.format(way), more, label) for way in ways), *(by if by is not None else (label,)))


def speed(*labels):
    return total(once(f"{rate(COUNTRY.format('receive'))} + {rate(COUNTRY.format('transmit'))}", "country"), *labels)


REAL = 'country!~"unknown|other"'


def make():
    page = new("Geography", "geography", "Where the bytes of the tunnels come from and go to, by country of the destination.", hours=6)
    everything = moved(by=())
    for panel in (
        show.figure("Country unknown", "Share of the bytes whose destination the database does not have (private networks, say). Much of it: the database is old.",
                    share(moved('country="unknown"', by=()), everything), "percentunit", ((None, show.GREEN), (0.1, show.YELLOW), (0.5, show.RED)), width=6, decimals=1, empty=NEEDED),
        show.figure("Destinations without a series", "Share of the bytes of destinations that have no series of their own, so that no country is known: more --destinations.max shows more.",
                    share(moved('country="other"', by=()), everything), "percentunit", ((None, show.GREEN), (0.2, show.YELLOW), (0.6, show.RED)), width=6, decimals=1, empty=NEEDED),
        show.figure("Countries reached", "To or from which bytes went in the dashboard's time.", number(f"count({moved(REAL)} > 0)"), width=6),
        show.figure("All bytes", "In the dashboard's time, both directions.", everything, "decbytes", width=6, empty=NEEDED),
        show.world("Bytes by country", "Both directions, in the dashboard's time. unknown and other have no place on the map; they are in the table.", f"{moved(REAL)} > 0", "decbytes", width=15, height=13),
        show.rows("Countries", "The dashboard's time, the most first.", [
            show.Column("Country", label="country", words={"unknown": ("unknown", show.YELLOW), "other": ("other", show.GREY)}),
            show.Column("Received", moved(ways=("receive",)), unit="decbytes"), show.Column("Sent", moved(ways=("transmit",)), unit="decbytes"),
            show.Column("Both", moved(), unit="decbytes", gauge=0),
        ], width=9, height=13, sort=("-Both",), empty=NEEDED),
        show.lines("Data transfer by country", "Bytes per second, both directions.", [(speed("country"), "{{country}}")], "Bps", stacked=True),
        show.lines("Data transfer to known countries, by proxy", "Bytes per second, without unknown and other.", [
            (total(once(f"{rate(COUNTRY.format('receive'), REAL)} + {rate(COUNTRY.format('transmit'), REAL)}", "country"), "job", "proxy_name"), "{{proxy_name}}")], "Bps", stacked=True),
        show.ranking("Destinations", "The heaviest of the dashboard's time, by address or name (personal data).",
                     f"topk(15, {moved(name='proxy_destination_{}_bytes_total', label='destination')})", "{{destination}}", "decbytes", width=12, height=10),
        show.rows("Countries by proxy", "Which proxy talks to which country, the most first.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)), show.Column("Country", label="country"),
            show.Column("Both directions", f"topk(50, {moved(by=('job', 'proxy_name', 'country'))} > 0)", unit="decbytes", gauge=0),
        ], width=12, height=10, sort=("-Both directions",), empty=NEEDED),
    ):
        page.with_panel(panel)
    return page
