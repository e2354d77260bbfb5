# SPDX-License-Identifier: Apache-2.0
"""Draws dashboards as Grafana would show them, for where there is no Grafana: asks.py asks Prometheus, frames.py and values.py make of it what a panel shows,
figures.py, charts.py, tables.py and maps.py draw, page.py puts it on the grid. Of Python's library alone."""
