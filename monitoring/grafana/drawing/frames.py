# SPDX-License-Identifier: Apache-2.0
"""From what Prometheus answered to what a panel shows: names of series, rows of tables, one number of many."""

import math
import re


def legend(target, labels):
    template = target.get("legendFormat") or "__auto"
    if template == "__auto":
        shown = {key: value for key, value in labels.items() if key != "__name__"}
        return labels.get("__name__", "") + ("{" + ", ".join(f'{key}="{value}"' for key, value in shown.items()) + "}" if shown else "") or target["expr"]
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template)


def series(answers):
    """[(name, [(time, value)])] of a chart's queries."""
    return [(legend(target, labels), values) for target, found in answers for labels, values in found]


def last(values):
    """lastNotNull; of what was asked once it is that."""
    if isinstance(values, float):
        return values
    numbers = [value for _at, value in values if not math.isnan(value)]
    return numbers[-1] if numbers else math.nan


def calculate(name, values):
    numbers = [value for _at, value in values if not math.isnan(value)]
    if not numbers:
        return math.nan
    return {"lastNotNull": lambda: numbers[-1], "max": lambda: max(numbers), "min": lambda: min(numbers), "sum": lambda: sum(numbers), "mean": lambda: sum(numbers) / len(numbers),
            "range": lambda: max(numbers) - min(numbers)}[name]()


CALLED = {"lastNotNull": "Last *", "max": "Max", "min": "Min", "sum": "Total", "mean": "Mean", "range": "Range"}


def table(panel, answers):
    """(names of columns, rows): frames merged by what they have in common, then renamed, left out and ordered."""
    frames = []
    for target, found in answers:
        name = "Value" if len(answers) == 1 else f"Value #{target['refId']}"
        frames.append([{**{key: value for key, value in labels.items() if key != "__name__"}, name: value} for labels, value in found])
    keys = set.intersection(*({key for one in frame for key in one if not key.startswith("Value")} for frame in frames if frame)) if any(frames) else set()
    merged = []
    for frame in frames:
        for one in frame:
            into = next((row for row in merged if all(row.get(key) == one.get(key) for key in keys) and all(row.get(key, value) == value for key, value in one.items())), None)
            if into is None:
                merged.append(dict(one))
            else:
                into.update(one)
    options = next(step["options"] for step in panel["transformations"] if step["id"] == "organize")
    fields = {key for row in merged for key in row}
    order = sorted((key for key in fields if not options["excludeByName"].get(key) and not options["excludeByName"].get(options["renameByName"].get(key))),
                   key=lambda key: options["indexByName"].get(key, 99))
    rows = [{options["renameByName"].get(key, key): row.get(key) for key in order} for row in merged]
    for sort in reversed(panel["options"].get("sortBy") or []):
        rows.sort(key=lambda row, by=sort["displayName"]: (row.get(by) is None, row.get(by) if row.get(by) is not None else 0), reverse=bool(sort.get("desc")))
    return [options["renameByName"].get(key, key) for key in order], rows
