# SPDX-License-Identifier: Apache-2.0
"""Generates the dashboards: queries.py, panels.py, frame.py (common parts), pages/."""
