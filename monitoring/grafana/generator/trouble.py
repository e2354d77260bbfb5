# SPDX-License-Identifier: Apache-2.0
"""Firing alerts, the first panels of most dashboards."""

from . import panels as show
from .queries import firing, firing_since

CRITICAL = "Alerts that need action now, of the selected proxies and of exporters. Green: none."
WARNING = "Alerts that need action in office hours, of the selected proxies and of exporters."
TABLE = (
    "Alerts that fire now, critical ones first, with the proxy or exporter and the time since "
    "the condition began. An alert's name links to its runbook: impact, confirm, fix. An alert"
    " that another alert explains stays silent, so each row is a problem of its own."
)


def figures(width=3, **which):
    return [
        show.figure(
            "Critical alerts",
            CRITICAL,
            firing("critical", **which),
            steps=show.ANY_IS_BAD,
            width=width,
        ),
        show.figure(
            "Warnings", WARNING, firing("warning", **which), steps=show.ANY_IS_ODD, width=width
        ),
    ]


def firing_table(width=12, height=8, **which):
    severity = {"critical": ("critical", show.RED), "warning": ("warning", show.YELLOW)}
    return show.rows(
        "Firing alerts",
        TABLE,
        [
            show.Column("Severity", label="severity", words=severity, width=85),
            show.Column("Who", label="subject"),
            show.Column("Alert", label="alertname", link=("Runbook", show.TO_RUNBOOK)),
            show.Column("For", firing_since(**which), unit="s", width=80, decimals=0),
        ],
        width,
        height,
        sort=("Severity", "For"),
        empty="No alert fires",
    )
