# SPDX-License-Identifier: Apache-2.0
"""A dashboard on its grid of 24 columns."""

import datetime

from . import charts, figures, maps, tables
from .svg import DIM, FRAME, PANEL, TEXT, Drawing, cut, width

WIDTH, COLUMN, ROW, GAP, HEAD = 1560, 65, 38, 8, 84


def draw(dashboard):
    """SVG's text."""
    page = Drawing()
    model = dashboard.model
    head(page, dashboard)
    marks = alerts(dashboard)
    bottom = 0
    for panel in model["panels"]:
        grid = panel["gridPos"]
        box = grid["x"] * COLUMN + GAP / 2, HEAD + grid["y"] * ROW, grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
        bottom = max(bottom, box[1] + box[3])
        if panel["type"] == "row":
            page.text(box[0] + 6, box[1] + 20, f"⌄  {panel['title']}", 15, TEXT, bold=True)
        else:
            frame(page, dashboard, panel, box, marks)
    return page.svg(WIDTH, bottom + GAP, model["title"])


def head(page, dashboard):
    model = dashboard.model
    page.text(12, 28, f"wgsocks  ›  {model['title']}", 17, bold=True)
    page.text(WIDTH - 12, 27, span(dashboard.begin, dashboard.end), 12, DIM, "end")
    page.text(WIDTH - 12, 60, "Dashboards ▾  |  Runbooks", 12, DIM, "end")
    left = 12
    for variable in model["templating"]["list"]:
        if variable.get("hide") == 2:
            continue
        value = dashboard.values[variable["name"]]
        words = "Prometheus" if variable["type"] == "datasource" else "All" if isinstance(value, (list, tuple)) else value
        name = variable["label"]
        page.rect(left, 42, width(name, 12) + 20, 28, "#22252b", 2)
        page.text(left + 10, 60, name, 12, DIM)
        left += width(name, 12) + 20
        page.rect(left, 42, width(words, 12) + 36, 28, "#111217", 2, FRAME)
        page.text(left + 10, 60, f"{words}  ▾")
        left += width(words, 12) + 48


def span(begin, end):
    words = [datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S") for at in (begin, end)]
    return f"{words[0]} to {words[1]} UTC"


def alerts(dashboard):
    """[(since, until)] of each that the dashboard marks on its charts."""
    found = []
    for one in dashboard.model["annotations"]["list"]:
        expression = dashboard.interpolate(one["expr"], 1500)
        step = max(1, (dashboard.end - dashboard.begin) / 1000)
        for _labels, values in dashboard.prometheus.between(expression, dashboard.begin, dashboard.end, step):
            found.append((values[0][0], values[-1][0]))
    return found


def frame(page, dashboard, panel, box, marks):
    x, y, w, h = box
    page.rect(x, y, w, h, PANEL, 3, FRAME)
    note = f"Last {panel['timeFrom']}" if panel.get("timeFrom") else ""
    page.text(x + 9, y + 20, cut(panel["title"], w - 50 - width(note, 11), 14.5), 13, bold=True)
    page.text(x + w - 28, y + 19, note, 11, DIM, "end")
    page.circle(x + w - 15, y + 15, 7, FRAME)  # the description is behind it
    page.text(x + w - 15, y + 19, "i", 11, DIM, "middle")
    inner = x + 9, y + 32, w - 18, h - 40
    answers = dashboard.run(panel, int(w))
    kind = panel["type"]
    if kind == "stat":
        figures.stat(page, panel, answers, (x + 1, y + 28, w - 2, h - 29))
    elif kind == "bargauge":
        figures.bargauge(page, panel, answers, inner)
    elif kind == "table":
        tables.table(page, panel, answers, inner)
    elif kind == "geomap":
        maps.geomap(page, panel, answers, inner)
    elif kind == "state-timeline":
        charts.state_timeline(page, panel, answers, inner, dashboard.begin, dashboard.end)
    else:
        charts.timeseries(page, panel, answers, inner, dashboard.begin, dashboard.end, marks)
