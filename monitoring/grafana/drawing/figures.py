# SPDX-License-Identifier: Apache-2.0
"""Panels of single numbers: stat and bargauge."""

import math

from .frames import last, legend
from .svg import BACK, DIM, FRAME, TEXT, cut, ink, width
from .values import Config


def stat(draw, panel, answers, box):
    x, y, w, h = box
    found = [(legend(target, labels), values) for target, series in answers for labels, values in series]
    if not found:
        text = panel["fieldConfig"]["defaults"].get("noValue", "No data")
        draw.text(x + w / 2, y + h / 2 + 8, cut(text, w - 10, 18), 18, DIM, "middle")
        return
    each = w / len(found)
    for number, (name, values) in enumerate(found):
        config = Config(panel, name)
        value = last(values)
        shade, text = config.colour(value) or TEXT, config.text(value)
        left, fill = x + number * each, shade
        if panel["options"]["colorMode"] == "background":
            draw.rect(left, y, each, h, shade, 3)
            fill = ink(shade)
        if panel["options"]["graphMode"] == "area" and not isinstance(values, float):
            spark(draw, values, (left, y + h * 0.55, each, h * 0.45), shade)
        named = panel["options"]["textMode"] == "value_and_name"
        size = min(34, h * 0.5, 0.9 * each / max(1, width(text, 1)))
        draw.text(left + each / 2, y + h / 2 + size * 0.35 - (6 if named else 0), text, size, fill, "middle", True)
        if named:
            draw.text(left + each / 2, y + h - 10, cut(name, each - 8, 12), 12, fill, "middle")


def spark(draw, values, box, shade):
    x, y, w, h = box
    numbers = [(at, value) for at, value in values if not math.isnan(value)]
    if len(numbers) < 2:
        return
    begin, end, top = numbers[0][0], numbers[-1][0], max(value for _at, value in numbers) or 1
    step = max(1, len(numbers) // 50)
    points = " ".join(f"{x + (at - begin) / (end - begin) * w:.0f} {y + h - max(0, value) / top * h:.0f}" for at, value in numbers[::step])
    draw.path(f"M{x:.0f} {y + h:.0f}L{points} {x + w:.0f} {y + h:.0f}Z", shade, shade, 0.2)


def bargauge(draw, panel, answers, box):
    x, y, w, h = box
    found = [(legend(target, labels), last(values)) for target, series in answers for labels, values in series]
    found = [(name, value) for name, value in found if not math.isnan(value)]
    if not found:
        draw.text(x + w / 2, y + h / 2, "No data", 14, DIM, "middle")
        return
    each = min(34, h / len(found))
    shown = found[:int(h // max(each, 18))]
    each = min(34, h / len(shown))
    config = Config(panel, "")
    greatest = config.greatest or max(value for _name, value in found) or 1
    names = min(w * 0.4, max(width(name, 12) for name, _value in shown) + 12)
    texts = max(width(config.text(value), 13) for _name, value in shown) + 12
    for number, (name, value) in enumerate(shown):
        top, bar = y + number * each, w - names - texts
        shade = config.colour(value) or "#5794F2"
        draw.text(x, top + each / 2 + 4, cut(name, names - 8, 12))
        draw.rect(x + names, top + 4, bar, each - 8, BACK, 2, FRAME)
        draw.rect(x + names, top + 4, bar * min(1, value / greatest), each - 8, shade, 2, opacity=0.85)
        draw.text(x + w, top + each / 2 + 4, config.text(value), 13, shade, "end")
