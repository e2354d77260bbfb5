# SPDX-License-Identifier: Apache-2.0
"""Panels of time: timeseries and state-timeline."""

import datetime
import itertools
import math

from .frames import CALLED, calculate, legend, series
from .svg import DIM, GRID, TEXT, cut, ink, width
from .values import PALETTE, Config

ALERT = "#F2495C"


def ticks(low, high, wanted, base=10):
    """Round numbers between them."""
    rough = (high - low) / max(1, wanted) or 1
    unit = base ** math.floor(math.log(rough, base))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10, 20, 50) if unit * factor >= rough)
    at = math.ceil(low / step - 1e-9) * step
    found = []
    while at <= high + step * 1e-6:
        found.append(at)
        at += step
    return found


def times(begin, end, wanted):
    steps = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 2 * 86400, 5 * 86400, 7 * 86400)
    step = next((one for one in steps if (end - begin) / one <= wanted), steps[-1])
    at = math.ceil(begin / step) * step
    while at <= end:
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
        yield at, moment.strftime("%m/%d" if step >= 86400 else "%H:%M:%S" if step < 60 else "%H:%M")
        at += step


def time_axis(draw, box, begin, end):
    x, y, w, h = box
    for at, text in times(begin, end, max(2, w // 80)):
        place = x + (at - begin) / (end - begin) * w
        draw.line(place, y, place, y + h)
        if width(text, 11) / 2 < place - x + 30 and place + width(text, 11) / 2 < x + w + 6:
            draw.text(place, y + h + 15, text, 11, DIM, "middle")


def shades(panel, names):
    return {name: Config(panel, name).fixed or PALETTE[number % len(PALETTE)] for number, name in enumerate(names)}


def stack(found):
    """Each series on those below it, those with negative values downwards: [(name, [(time, bottom, top)])]."""
    bottoms = {True: {}, False: {}}
    stacked = []
    for name, values in found:
        base = bottoms[any(value < 0 for _at, value in values)]
        points = []
        for at, value in values:
            low = base.get(at, 0)
            if not math.isnan(value):
                base[at] = low + value
                points.append((at, low, low + value))
        stacked.append((name, points))
    return stacked


def thin(values, most):
    return values if len(values) <= most else values[::math.ceil(len(values) / most)]


def timeseries(draw, panel, answers, box, begin, end, alerts=()):
    x, y, w, h = box
    found = series(answers)
    custom = panel["fieldConfig"]["defaults"]["custom"]
    names = [name for name, _values in found]
    colours = shades(panel, names)
    if not any(not math.isnan(value) for _name, values in found for _at, value in values):
        draw.text(x + w / 2, y + h / 2, "No data", 14, DIM, "middle")
        return
    if panel.get("timeFrom"):
        begin = min(values[0][0] for _name, values in found if values)
    rows = key(draw, panel, found, colours, (x, y, w, h))
    h -= rows + 22
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    shapes = stack(found) if stacked else [(name, [(at, 0, value) for at, value in values]) for name, values in found]
    every = [value for _name, points in shapes for _at, low, high in points for value in ((low, high) if stacked else (high,)) if not math.isnan(value)]
    config = Config(panel, names[0])
    low = min([*every, config.least if config.least is not None else math.inf])
    high = max([*every, low + 1e-9])
    if high - low < 1e-6:
        high = low + 1
    marks = ticks(low, high * 1.02 if high > 0 else high, max(2, h // 45))
    high = max(high * 1.05 if high > 0 else high, marks[-1])
    left = max(width(config.text(mark), 11) for mark in marks) + 10
    x, w = x + left, w - left - 6

    def place(at, value):
        return f"{x + (at - begin) / (end - begin) * w:.0f} {y + h - (value - low) / (high - low) * h:.0f}"

    time_axis(draw, (x, y, w, h), begin, end)
    for mark in marks:
        at = y + h - (mark - low) / (high - low) * h
        draw.line(x, at, x + w, at)
        draw.text(x - 6, at + 4, config.text(mark), 11, DIM, "end")
    most = max(20, int(w // (10 if stacked else 7)))
    for name, points in shapes:
        if stacked and all(bottom == top for _at, bottom, top in points):
            continue  # it would be a line on the one below it
        if custom.get("drawStyle") == "bars":
            bars(draw, points, colours[name], (x, y, w, h), (begin, end, low, high))
        else:
            areas(draw, thin([point for point in points if not math.isnan(point[2])], most), colours[name], place, stacked, max(0, low))
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            if step["value"] is not None and low <= step["value"] <= high:
                at = y + h - (step["value"] - low) / (high - low) * h
                draw.line(x, at, x + w, at, Config(panel, "").colour(step["value"]), True)
    for since, until in alerts:
        first, last = (min(max(at, begin), end) for at in (since, until))
        draw.rect(x + (first - begin) / (end - begin) * w, y + h + 2, max(2, (last - first) / (end - begin) * w), 3, ALERT)


def areas(draw, points, shade, place, stacked, floor):
    if not points:
        return
    top = "L".join(place(at, high) for at, _low, high in points)
    if len(points) == 1:
        at, _low, high = points[0]
        draw.circle(*map(float, place(at, high).split()), 2.5, shade)
        return
    if stacked:
        draw.path("M" + top + "L" + "L".join(place(at, low) for at, low, _high in reversed(points)) + "Z", "none", shade, 0.3)
    draw.path("M" + top, shade)


def bars(draw, points, shade, box, scale):
    x, y, w, h = box
    begin, end, low, high = scale
    room = w / max(2, (end - begin) / max(1, min((b[0] - a[0] for a, b in itertools.pairwise(points)), default=86400)))
    for at, bottom, top in points:
        if top != bottom and at >= begin:
            first, last = (y + h - (value - low) / (high - low) * h for value in (top, bottom))
            centre = x + (at - begin) / (end - begin) * w
            draw.rect(max(x, centre - room * 0.35), first, room * 0.7, last - first, shade, opacity=0.8)


def key(draw, panel, found, colours, box):
    """The legend; returns its height."""
    x, y, w, h = box
    legends = panel["options"]["legend"]
    calcs = legends["calcs"]
    if by := legends.get("sortBy"):
        name = next(name for name, called in CALLED.items() if called == by)
        found = sorted(found, key=lambda one: -math.inf if math.isnan(calculate(name, one[1])) else calculate(name, one[1]), reverse=bool(legends.get("sortDesc")))
    room = int(max(2, h * 0.36 // 17))
    shown = found[:room - 1] if len(found) > room - 1 else found
    height = 17 * (len(shown) + 1)
    top = y + h - height
    for number, calc in enumerate(reversed(calcs)):
        draw.text(x + w - 4 - number * 82, top + 12, CALLED[calc], 11, "#6e9fff", "end")
    draw.text(x + 18, top + 12, "Name" + (f" (more: {len(found) - len(shown)})" if len(found) > len(shown) else ""), 11, "#6e9fff")
    for index, (name, values) in enumerate(shown):
        at = top + 17 * (index + 1) + 12
        draw.rect(x + 2, at - 5, 12, 3, colours[name], 1)
        draw.text(x + 18, at, cut(name, w - 30 - 82 * len(calcs), 11), 11, TEXT)
        for number, calc in enumerate(reversed(calcs)):
            draw.text(x + w - 4 - number * 82, at, Config(panel, name).text(calculate(calc, values)), 11, TEXT, "end")
    return height


def state_timeline(draw, panel, answers, box, begin, end):
    x, y, w, h = box
    found = sorted(((legend(target, labels), values) for target, some in answers for labels, values in some), key=lambda one: one[0])
    if not found:
        draw.text(x + w / 2, y + h / 2, "No data", 14, DIM, "middle")
        return
    config = Config(panel, "")
    h -= 40
    names = min(w * 0.4, max(width(name, 12) for name, _values in found) + 14)
    each = min(46, h / len(found))
    x, w = x + names, w - names - 8
    for number, (name, values) in enumerate(found):
        top = y + number * each
        draw.text(x - 8, top + each / 2 + 4, cut(name, names - 12, min(12, each)), min(12, max(7, each)), TEXT, "end")
        step = min((b[0] - a[0] for a, b in itertools.pairwise(values)), default=15)
        for since, until, value in runs(values, step):
            first, last = (x + (min(max(at, begin), end) - begin) / (end - begin) * w for at in (since, until))
            text, shade = config.mapped(value) or (config.text(value), "#5794F2")
            draw.rect(first, top + each * 0.1, last - first, each * 0.8, shade, opacity=0.85)
            if width(text, 12) + 8 < last - first and each > 15:
                draw.text((first + last) / 2, top + each / 2 + 4, text, 12, ink(shade), "middle")
    time_axis(draw, (x, y + each * len(found), w, 2), begin, end)
    seen = {int(value) for _name, values in found for _at, value in values if not math.isnan(value)}
    left = x
    for value in sorted(seen):
        text, shade = config.mapped(float(value)) or (str(value), GRID)
        draw.rect(left, y + h + 26, 12, 4, shade, 1)
        draw.text(left + 17, y + h + 32, text, 11)
        left += width(text, 11) + 40


def runs(values, step):
    """[(since, until, value)], a gap of more than two steps between what was not seen."""
    merged = []
    for at, value in values:
        if merged and merged[-1][2] == value and at - merged[-1][1] <= 2 * step:
            merged[-1][1] = at + step
        else:
            merged.append([at, at + step, value])
    return merged
