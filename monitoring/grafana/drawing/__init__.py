# SPDX-License-Identifier: Apache-2.0
"""Draws dashboards without Grafana: asks.py queries, panels.jsx renders, page.py runs both."""
