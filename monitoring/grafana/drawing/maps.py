# SPDX-License-Identifier: Apache-2.0
"""The panel of the world: rough coasts, and a circle for each country of which the middle is known here. Grafana has a true map and all countries."""

from .svg import BACK, DIM, short

# Longitude and latitude.
COASTS = (
    ("-168 66 -162 70 -140 70 -115 68 -95 72 -80 73 -62 58 -56 52 -65 45 -70 42 -76 35 -81 30 -80 25 -84 30 -90 29 -97 27 -97 20 -91 18 -87 21 -88 16 -83 15 -83 10 -78 8 -82 8 -87 13 -94 16 -105 20 -110 24 "
     "-114 31 -117 33 -124 40 -124 48 -132 55 -145 60 -152 58 -162 55 -158 59 -166 62"),
    "-55 60 -44 60 -22 70 -20 80 -35 83 -60 82 -72 78 -55 70",
    "-78 8 -72 12 -60 9 -50 0 -35 -6 -39 -15 -41 -22 -48 -26 -54 -34 -58 -38 -65 -42 -67 -48 -69 -54 -75 -50 -73 -38 -71 -30 -70 -18 -76 -14 -81 -5 -80 1",
    "-6 35 10 37 11 33 20 31 32 31 35 27 39 18 43 12 51 12 48 4 40 -4 40 -15 35 -21 32 -28 26 -34 18 -34 14 -22 12 -15 13 -6 9 0 9 5 2 6 -8 5 -13 9 -17 15 -16 22 -10 30",
    ("-9 37 -9 43 -2 44 -4 48 2 51 8 54 9 57 12 55 20 55 24 59 30 60 22 60 22 65 25 66 18 60 16 57 12 57 6 58 6 62 14 67 25 71 40 67 45 68 68 69 75 73 100 77 112 74 140 73 160 70 180 69 178 63 163 58 161 52 "
     "156 52 157 60 143 59 135 54 140 48 130 42 127 38 126 35 122 39 118 39 122 31 119 25 110 21 106 19 109 12 105 9 100 13 103 2 98 9 97 16 92 22 87 21 80 15 78 8 73 18 67 25 58 26 56 24 59 22 52 16 44 12 "
     "36 27 35 32 36 36 28 37 27 41 23 38 20 40 13 45 18 40 16 38 10 44 3 43 0 39 -5 36"),
    "-5 50 1 51 0 53 -2 56 -3 58 -6 57 -3 54", "-10 52 -6 52 -6 55 -10 54", "-24 65 -14 65 -18 63", "130 31 136 34 141 36 142 43 145 44 140 42 137 37 131 34",
    "44 -24 47 -25 50 -15 49 -12 44 -17", "114 -22 122 -18 129 -14 136 -12 136 -16 141 -17 142 -11 146 -18 153 -25 150 -37 143 -39 138 -35 131 -31 123 -34 115 -34",
    "173 -35 178 -38 172 -44 167 -46 174 -40", "95 5 106 -6 104 -6 98 1", "109 1 117 6 118 1 114 -4 110 -2", "131 -1 141 -3 150 -10 138 -8",
)
MIDDLES = {"US": (-98, 39), "CA": (-106, 56), "BR": (-53, -11), "GB": (-2, 54), "FR": (2.5, 46.6), "NL": (5.3, 52.1), "DE": (10.4, 51), "CH": (8, 47), "ES": (-4, 40), "IT": (12, 43), "PL": (19, 52),
           "SE": (15, 62), "JP": (138, 36), "SG": (104, 1), "IN": (79, 22), "AU": (134, -25), "ZA": (24, -29)}


def geomap(draw, panel, answers, box):
    x, y, w, h = box
    scale = min(w / 360, h / 145)
    left, top = x + (w - 360 * scale) / 2, y + (h - 145 * scale) / 2
    draw.rect(x, y, w, h, BACK, 3)

    def place(longitude, latitude):
        return left + (longitude + 180) * scale, top + (84 - latitude) * scale

    for coast in COASTS:
        numbers = list(map(int, coast.split()))
        draw.path("M" + "L".join(" ".join(map(short, place(*pair))) for pair in zip(numbers[::2], numbers[1::2], strict=True)) + "Z", "#3d424d", "#252a33")
    found = [(labels["country"], value) for _target, series in answers for labels, value in series]
    greatest = max((value for _country, value in found), default=1)
    for country, value in sorted(found, key=lambda one: -one[1]):
        if country in MIDDLES:
            at = place(*MIDDLES[country])
            radius = 6 + 24 * value / greatest
            draw.circle(*at, radius, "#5794F2", 0.6)
            draw.text(at[0], at[1] + 4, country, 11, anchor="middle", bold=True)
    missing = [country for country, _value in found if country not in MIDDLES]
    if missing:
        draw.text(x + 8, y + h - 8, f"not on this map: {', '.join(missing)}", 11, DIM)
