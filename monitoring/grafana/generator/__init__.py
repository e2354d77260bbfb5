# SPDX-License-Identifier: Apache-2.0
"""Makes the dashboards. queries.py asks, panels.py shows, frame.py is what every dashboard has, pages/ are the dashboards."""
