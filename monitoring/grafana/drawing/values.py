# SPDX-License-Identifier: Apache-2.0
"""A number as Grafana writes it, and its colour: units, mappings, thresholds, the palette by name."""

import math
import re

COLOURS = {"green": "#73BF69", "dark-green": "#37872D", "yellow": "#FADE2A", "orange": "#FF9830", "red": "#F2495C", "dark-red": "#C4162A", "blue": "#5794F2", "purple": "#B877D9",
           "text": "#D0D1DC", "transparent": None}
# The palette of charts, in the order of the series.
PALETTE = ("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D",
           "#FADE2A", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598")
SHORT = ("", " K", " Mil", " Bil", " Tri")
PREFIXES = ("", "k", "M", "G", "T", "P")
TIMES = ((1e-6, 1e9, " ns"), (1e-3, 1e6, " µs"), (1, 1e3, " ms"), (60, 1, " s"), (3600, 1 / 60, " mins"), (86400, 1 / 3600, " hours"), (604800, 1 / 86400, " days"), (math.inf, 1 / 604800, " weeks"))


def colour(name):
    return COLOURS.get(name, name)


def fixed(value, decimals=None):
    """Three digits that say something, unless so many decimals are asked for."""
    if decimals is None:
        decimals = 0
        if value % 1:
            decimals = 1 - math.floor(math.log10(abs(value)))
            if value / 10 ** -decimals > 2.25:
                decimals += 1
    return f"{value:.{min(20, max(0, int(decimals)))}f}"


def scaled(value, base, names, decimals):
    index = 0
    while abs(value) >= base and index < len(names) - 1:
        value /= base
        index += 1
    return fixed(value, decimals) + names[index]


def number(value, unit=None, decimals=None):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit in (None, "none"):
        return fixed(value, decimals)
    if unit == "short":
        return scaled(value, 1000, SHORT, decimals)
    if unit == "percent":
        return fixed(value, decimals) + "%"
    if unit == "percentunit":
        return fixed(value * 100, decimals) + "%"
    if unit in ("s", "ms"):
        seconds = value / 1000 if unit == "ms" else value
        if seconds == 0:
            return f"0 {unit}"
        for below, factor, name in TIMES:
            if abs(seconds) < below:
                return fixed(seconds * factor, decimals) + name
    if unit == "bytes":
        return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"], decimals)
    if unit in ("decbytes", "Bps"):
        return scaled(value, 1000, [f" {prefix}B{'/s' if unit == 'Bps' else ''}" for prefix in PREFIXES], decimals)
    if unit == "Mbits":
        return scaled(value, 1000, [" Mb/s", " Gb/s"], decimals)
    names = {"reqps": " req/s", "cps": " c/s", "pps": " p/s"}
    return scaled(value, 1000, SHORT, decimals) + names[unit]


class Config:
    """How a field is shown: the panel's defaults, and over them what its name is given."""

    def __init__(self, panel, name):
        defaults = panel["fieldConfig"]["defaults"]
        self.unit, self.decimals = defaults.get("unit"), defaults.get("decimals")
        self.mappings, self.thresholds = defaults.get("mappings") or [], defaults.get("thresholds")
        self.least, self.greatest = defaults.get("min"), defaults.get("max")
        self.mode = (defaults.get("color") or {}).get("mode")
        self.fixed, self.cell, self.width, self.links = None, {}, None, defaults.get("links") or []
        for override in panel["fieldConfig"]["overrides"]:
            if _matches(override["matcher"], name):
                for one in override["properties"]:
                    self._override(one["id"], one["value"])

    def _override(self, key, value):
        plain = {"unit": "unit", "decimals": "decimals", "mappings": "mappings", "thresholds": "thresholds", "min": "least", "max": "greatest", "custom.cellOptions": "cell",
                 "custom.width": "width", "links": "links"}
        if key == "color":
            self.fixed = colour(value["fixedColor"])
        elif key in plain:
            setattr(self, plain[key], value)

    def mapped(self, value):
        """What a value is called: its text and colour; None."""
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for mapping in self.mappings:
            if found := mapping["options"].get(text):
                return found["text"], colour(found["color"])
        return None

    def text(self, value):
        if mapped := self.mapped(value):
            return mapped[0]
        return value if isinstance(value, str) else number(value, self.unit, self.decimals)

    def colour(self, value):
        if mapped := self.mapped(value):
            return mapped[1]
        if self.fixed or isinstance(value, str) or not self.thresholds:
            return self.fixed
        found = None
        for step in self.thresholds["steps"]:
            if step["value"] is None or value >= step["value"]:
                found = step["color"]
        return colour(found)


def _matches(matcher, name):
    if matcher["id"] == "byName":
        return matcher["options"] == name
    return bool(re.search(matcher["options"].strip("/"), name))
