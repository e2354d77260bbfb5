# SPDX-License-Identifier: Apache-2.0
"""The first line of most dashboards: what is wrong, whose, since when, and where the runbook is."""

from . import panels as show
from .queries import firing, firing_since

CRITICAL = "Alerts that somebody has to get up for, of the proxies chosen above and of exporters. None is green."
WARNING = "Alerts for office hours, of the proxies chosen above and of exporters."
TABLE = ("What fires now, critical first: whom it is about, and for how long the condition has held. An alert's name leads to its runbook: what it means, how to confirm it, what to do. "
         "Consequences of a cause are silent, so each line is a trouble of its own.")


def figures(width=3, **which):
    return [show.figure("Critical alerts", CRITICAL, firing("critical", **which), steps=show.ANY_IS_BAD, width=width),
            show.figure("Warnings", WARNING, firing("warning", **which), steps=show.ANY_IS_ODD, width=width)]


def firing_table(width=12, height=8, **which):
    severity = {"critical": ("critical", show.RED), "warning": ("warning", show.YELLOW)}
    return show.rows("What is wrong now", TABLE, [
        show.Column("Severity", label="severity", words=severity, width=85),
        show.Column("Who", label="subject"),
        show.Column("Alert", label="alertname", link=("Runbook", show.TO_RUNBOOK)),
        show.Column("For", firing_since(**which), unit="s", width=80, decimals=0),
    ], width, height, sort=("Severity", "For"), empty="Nothing is wrong")
