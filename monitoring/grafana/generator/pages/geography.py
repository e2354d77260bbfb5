# SPDX-License-Identifier: Apache-2.0
"""Traffic by country. Needs --collector.destinations and --geoip.database."""

from .. import panels as show
from ..frame import new
from ..queries import in_range, number, once, rate, share, total

NEEDED = "Needs --collector.destinations and --geoip.database"
COUNTRY = "proxy_destination_country_{}_bytes_total"


def moved(more="", *, ways=("receive", "transmit"), name=COUNTRY, label="country", by=None):
    """Bytes in the dashboard's time."""
    return total(
        " + ".join(in_range(name.format(way), more, label) for way in ways),
        *(by if by is not None else (label,)),
    )


def speed(*labels):
    return total(
        once(f"{rate(COUNTRY.format('receive'))} + {rate(COUNTRY.format('transmit'))}", "country"),
        *labels,
    )


REAL = 'country!~"unknown|other"'


def make():
    page = new(
        "Geography",
        "geography",
        "Traffic through the tunnels by country of the destination.",
        hours=6,
    )
    everything = moved(by=())
    for panel in (
        show.figure(
            "Unknown country",
            (
                "Share of bytes whose destination is not in the database, such as private "
                "networks. A high share: the database is old."
            ),
            share(number(moved('country="unknown"', by=())), everything),
            "percentunit",
            ((None, show.GREEN), (0.1, show.YELLOW), (0.5, show.RED)),
            width=6,
            decimals=1,
            empty=NEEDED,
        ),
        show.figure(
            "No country data",
            (
                "Share of bytes of destinations without a series of their own, so their "
                "country is unknown. A higher --destinations.max reduces it."
            ),
            share(number(moved('country="other"', by=())), everything),
            "percentunit",
            ((None, show.GREEN), (0.2, show.YELLOW), (0.6, show.RED)),
            width=6,
            decimals=1,
            empty=NEEDED,
        ),
        show.figure(
            "Countries with traffic",
            "Number of countries with traffic in the time range.",
            number(f"count({moved(REAL)} > 0)"),
            width=6,
        ),
        show.figure(
            "Total traffic",
            "Bytes in the time range, both directions.",
            everything,
            "decbytes",
            width=6,
            empty=NEEDED,
        ),
        show.world(
            "Bytes by country",
            (
                "Bytes in the time range, both directions. The table includes unknown and "
                "other, which have no place on the map."
            ),
            f"{moved(REAL)} > 0",
            "decbytes",
            width=15,
            height=13,
        ),
        show.rows(
            "Countries",
            "Bytes in the time range by country, the highest first.",
            [
                show.Column(
                    "Country",
                    label="country",
                    words={"unknown": ("unknown", show.YELLOW), "other": ("other", show.GREY)},
                ),
                show.Column("Received", moved(ways=("receive",)), unit="decbytes"),
                show.Column("Sent", moved(ways=("transmit",)), unit="decbytes"),
                show.Column("Both", moved(), unit="decbytes", gauge=0),
            ],
            width=9,
            height=13,
            sort=("-Both",),
            empty=NEEDED,
        ),
        show.lines(
            "Data transfer by country",
            "Bytes per second, both directions.",
            [(speed("country"), "{{country}}")],
            "Bps",
            stacked=True,
        ),
        show.lines(
            "Data transfer with known countries, by proxy",
            "Bytes per second, without unknown and other.",
            [
                (
                    total(
                        once(
                            " + ".join(
                                rate(COUNTRY.format(way), REAL) for way in ("receive", "transmit")
                            ),
                            "country",
                        ),
                        "job",
                        "proxy_name",
                    ),
                    "{{proxy_name}}",
                )
            ],
            "Bps",
            stacked=True,
        ),
        show.ranking(
            "Top destinations",
            (
                "Destinations with the most bytes in the time range, by address or name "
                "(personal data)."
            ),
            f"topk(15, {moved(name='proxy_destination_{}_bytes_total', label='destination')})",
            "{{destination}}",
            "decbytes",
            width=12,
            height=10,
        ),
        show.rows(
            "Countries by proxy",
            "Bytes of each proxy and country, the highest first.",
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Country", label="country"),
                show.Column(
                    "Both directions",
                    f"topk(50, {moved(by=('job', 'proxy_name', 'country'))} > 0)",
                    unit="decbytes",
                    gauge=0,
                ),
            ],
            width=12,
            height=10,
            sort=("-Both directions",),
            empty=NEEDED,
        ),
    ):
        page.with_panel(panel)
    return page
