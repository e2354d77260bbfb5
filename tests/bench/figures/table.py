# SPDX-License-Identifier: Apache-2.0
"""The table: figure, goal, peer or floor, verdict."""

from dataclasses import dataclass

MET, MISSED, UNCLEAR, FAILED, NO_GOAL = "met", "MISSED", "noise", "FAILED", ""


@dataclass
class Row:
    what: str
    figure: str
    goal: str = ""
    beside: str = ""
    verdict: str = NO_GOAL


def at_most(value, limit):
    return MET if value <= limit else MISSED


def at_least(value, limit):
    return MET if value >= limit else MISSED


def row(what, value, limit, unit, beside="", spread=None, digits=1, hidden=False):
    """A value with its upper limit (None: no goal). hidden: the floor or the spread shows that a
    miss is noise of the machine.
    """
    figure = f"{value:.{digits}f} {unit}"
    if spread:
        figure += f" ({spread[0]:.{digits}f}–{spread[1]:.{digits}f})"
    if limit is None:
        return Row(what, figure, beside=beside)
    verdict = at_most(value, limit)
    if hidden and verdict == MISSED:
        verdict = UNCLEAR
    return Row(what, figure, f"≤ {limit:g} {unit}", beside, verdict)


def failed(name, error):
    return Row(name, " ".join(str(error).split())[:160], verdict=FAILED)


_HEADER = Row("what", "figure", "goal", "beside, same run", "")


def _cells(entry):
    return [entry.what, entry.figure, entry.goal, entry.beside, entry.verdict]


def text(rows):
    table = [_cells(entry) for entry in (_HEADER, *rows)]
    widths = [max(len(line[i]) for line in table) for i in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines) + "\n" + footer(rows)


def markdown(rows):
    lines = ["| " + " | ".join(_cells(entry)) + " |" for entry in (_HEADER, *rows)]
    lines.insert(1, "|---|---|---|---|---|")
    return "\n".join(lines) + "\n\n" + footer(rows)


def footer(rows):
    count = {
        verdict: sum(entry.verdict == verdict for entry in rows)
        for verdict in (MET, MISSED, UNCLEAR, FAILED)
    }
    said = f"{count[MET]} goals met, {count[MISSED]} missed"
    if count[UNCLEAR]:
        said += f", {count[UNCLEAR]} hidden by noise"
    if count[FAILED]:
        said += f", {count[FAILED]} could not be measured"
    return said + "."
