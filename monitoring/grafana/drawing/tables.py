# SPDX-License-Identifier: Apache-2.0
"""Panels of rows."""

from .frames import table as rows_of
from .svg import BACK, DIM, FRAME, TEXT, cut, ink, width
from .values import Config

LINE = 30


def table(draw, panel, answers, box):
    x, y, w, h = box
    names, rows = rows_of(panel, answers)
    if not rows:
        draw.text(x + w / 2, y + h / 2, panel["fieldConfig"]["defaults"].get("noValue", "No data"), 14, DIM, "middle")
        return
    configs = {name: Config(panel, name) for name in names}
    rest = w - sum(config.width or 0 for config in configs.values())
    free = [name for name in names if not configs[name].width]
    widths = {name: configs[name].width or max(40, rest / len(free)) for name in names}
    scale = w / sum(widths.values())
    left = x
    shown = rows[:max(1, int((h - LINE) // LINE))]
    for name in names:
        room = widths[name] * scale
        column(draw, name, configs[name], [row[name] for row in shown], [row[name] for row in rows], (left, y, room))
        left += room
    for number in range(len(shown) + 1):
        draw.line(x, y + LINE * (number + 1), x + w, y + LINE * (number + 1), FRAME)
    if len(rows) > len(shown):
        draw.rect(x + w - 4, y + LINE, 4, (h - LINE) * len(shown) / len(rows), DIM, 2)


def column(draw, name, config, values, every, box):
    x, y, room = box
    number = any(isinstance(value, float) for value in values)
    kind = config.cell.get("type")
    centred = kind == "color-background"
    draw.text(x + room - 8 if number and not centred else x + 8, y + 19, cut(name, room - 12, 12), 12, "#6e9fff", "end" if number and not centred else "start", True)
    greatest = config.greatest or max([value for value in every if isinstance(value, float)] or [1]) or 1
    for index, value in enumerate(values):
        top = y + LINE * (index + 1)
        if value is None:
            continue
        text, fill = config.text(value), TEXT
        shade = config.colour(value)
        if kind == "color-background" and shade:
            draw.rect(x + 1, top + 1, room - 2, LINE - 1, shade)
            fill = ink(shade)
        if kind == "gauge":
            space = width(text, 12) + 14
            draw.rect(x + 8, top + 7, room - space - 12, LINE - 14, BACK, 2, FRAME)
            draw.rect(x + 8, top + 7, (room - space - 12) * min(1, max(0, value / greatest)), LINE - 14, "#73BF69", 2, opacity=0.8)
        if config.links:
            fill = fill if kind == "color-background" and shade else "#6e9fff"
        end = isinstance(value, float) and not config.mapped(value)
        draw.text(x + room - 8 if end else x + 8, top + 19, cut(text, room - 12, 12), 12, fill, "end" if end else "start")
