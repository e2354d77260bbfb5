# SPDX-License-Identifier: Apache-2.0
"""Queries that Grafana sends to Prometheus for a dashboard: variables, interpolation, steps."""

import json
import math
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

# Grafana's roundInterval: below the first, the second (milliseconds).
ROUNDED = (
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1500, 1000),
    (3500, 2000),
    (7500, 5000),
    (12500, 10000),
    (17500, 15000),
    (25000, 20000),
    (45000, 30000),
    (90000, 60000),
    (210000, 120000),
    (450000, 300000),
    (750000, 600000),
    (1050000, 900000),
    (1500000, 1200000),
    (2700000, 1800000),
    (5400000, 3600000),
    (9000000, 7200000),
    (16200000, 10800000),
    (32400000, 21600000),
    (86400000, 43200000),
    (604800000, 86400000),
)
UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}


class Failed(Exception):
    """Prometheus refused a query."""


class Prometheus:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def ask(self, what, **how):
        data = urllib.parse.urlencode(
            {key: value for key, value in how.items() if value is not None}, doseq=True
        ).encode()
        try:
            with urllib.request.urlopen(
                f"{self.url}/api/v1/{what}", data=data, timeout=60
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Failed(json.load(error).get("error", str(error))) from error

    def instant(self, expression, at):
        """[(labels, value)]"""
        found = self.ask("query", query=expression, time=at)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in found["result"]]

    def between(self, expression, begin, end, step):
        """[(labels, [(time, value)])]"""
        return [
            (one["metric"], [(float(at), float(value)) for at, value in one["values"]])
            for one in self.ask("query_range", query=expression, start=begin, end=end, step=step)[
                "result"
            ]
        ]

    def label_values(self, selector, label, begin, end):
        return sorted(
            {
                one[label]
                for one in self.ask("series", **{"match[]": selector}, start=begin, end=end)
                if label in one
            }
        )


def milliseconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|[smhd])", text).groups()
    return int(number) * UNITS[unit]


def duration(ms):
    for unit in ("d", "h", "m", "s"):
        if ms % UNITS[unit] == 0:
            return f"{ms // UNITS[unit]}{unit}"
    return f"{ms}ms"


def interval(range_ms, points, least_ms):
    wanted = range_ms / points
    return max(least_ms, next((rounded for below, rounded in ROUNDED if wanted < below), 86400000))


class Dashboard:
    """A dashboard with values for its variables. scrape_ms: scrape interval of the data source.

    Grafana queries at whole multiples of a step. young: for a time range that is shorter than the
    minimum step of a panel, query its last moment.
    """

    def __init__(self, path, prometheus, begin, end, scrape_ms, chosen=None, young=False):
        self.model = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        self.prometheus, self.begin, self.end, self.scrape_ms, self.young = (
            prometheus,
            begin,
            end,
            scrape_ms,
            young,
        )
        self.values = {}
        for variable in self.model["templating"]["list"]:
            self.values[variable["name"]] = self._choose(
                variable, (chosen or {}).get(variable["name"])
            )

    def panels(self):
        """All panels except rows."""
        return [panel for panel in self.model["panels"] if panel["type"] != "row"]

    def options(self, variable):
        """Values of a query variable."""
        query = self.interpolate(variable["query"]["query"], 1000)
        if match := re.fullmatch(r"label_values\((.*), (\w+)\)", query):
            return self.prometheus.label_values(match[1], match[2], self.begin, self.end)
        expression = re.fullmatch(r"query_result\((.*)\)", query)[1]
        texts = [
            f"{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels.items())}}} {value:g} 0"
            for labels, value in self.prometheus.instant(expression, self.end)
        ]
        found = [re.search(variable["regex"].strip("/"), text) for text in texts]
        return sorted({match[1] for match in found if match})

    def _choose(self, variable, chosen):
        if variable["type"] == "constant":
            return variable["query"]
        if variable["type"] != "query":
            return "prometheus"
        if chosen is not None:
            return chosen
        options = self.options(variable)
        if not variable["multi"]:
            return options[0] if options else ""
        return ("all", variable["allValue"]) if variable.get("allValue") else options

    @staticmethod
    def _text(value):
        """Interpolate a value as Grafana's Prometheus data source does."""

        def escaped(one):
            return re.sub(r"([\\^$*+?.()|{}\[\]])", r"\\\\\1", one)

        if isinstance(value, tuple):
            return value[1]
        if isinstance(value, list):
            return escaped(value[0]) if len(value) == 1 else f"({'|'.join(map(escaped, value))})"
        return value.replace("\\", "\\\\").replace('"', '\\"')

    def interpolate(self, text, points, least=None):
        """The step, from a panel's maximum number of points and its minimum interval."""
        range_ms = round((self.end - self.begin) * 1000)
        step = interval(range_ms, points, milliseconds(least) if least else self.scrape_ms)
        own = {
            "__interval": duration(step),
            "__interval_ms": str(step),
            "__range": f"{max(1, range_ms // 1000)}s",
            "__range_s": str(range_ms // 1000),
            "__range_ms": str(range_ms),
            "__rate_interval": duration(max(step + self.scrape_ms, 4 * self.scrape_ms)),
        }

        def put(match):
            name = match[1] or match[2]
            if name in own:
                return own[name]
            return self._text(self.values[name]) if name in self.values else match[0]

        return re.sub(r"\$(?:(\w+)|\{(\w+)\})", put, text)

    def step(self, panel, points, begin=None):
        least = panel.get("interval")
        return (
            interval(
                round((self.end - (begin or self.begin)) * 1000),
                points,
                milliseconds(least) if least else self.scrape_ms,
            )
            / 1000
        )

    def run(self, panel, points=None):
        """[(target, series)]: (labels, value) of instant queries, or (labels, [(time, value)])"""
        points = points or panel.get("maxDataPoints") or panel["gridPos"]["w"] * 60
        begin = (
            self.end - milliseconds(panel["timeFrom"]) / 1000
            if panel.get("timeFrom")
            else self.begin
        )
        found = []
        for target in panel["targets"]:
            expression = self.interpolate(target["expr"], points, panel.get("interval"))
            if target.get("instant"):
                found.append((target, self.prometheus.instant(expression, self.end)))
                continue
            step = self.step(panel, points, begin)
            first, last = (at // step * step for at in (begin, self.end))
            if self.young and panel.get("interval"):
                first, last = self.end - math.ceil((self.end - begin) / step) * step, self.end
            found.append((target, self.prometheus.between(expression, first, last, step)))
        return found

    def alerts(self):
        """[(since, until)] of the firing alerts that the dashboard shows as annotations."""
        merged = []
        for one in self.model["annotations"]["list"]:
            step = max(1, (self.end - self.begin) / 1000)
            found = self.prometheus.between(
                self.interpolate(one["expr"], 1500), self.begin, self.end, step
            )
            for since, until in sorted((values[0][0], values[-1][0]) for _labels, values in found):
                if merged and since <= merged[-1][1]:
                    merged[-1][1] = max(merged[-1][1], until)
                else:
                    merged.append([since, until])
        return merged

    def data(self):
        """The data for panels.jsx."""
        answers = [
            [series for _target, series in self.run(panel, panel["gridPos"]["w"] * 65)]
            for panel in self.panels()
        ]
        return {
            "model": self.model,
            "begin": self.begin,
            "end": self.end,
            "values": self.values,
            "alerts": self.alerts(),
            "answers": answers,
        }
