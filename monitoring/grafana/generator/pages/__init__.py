# SPDX-License-Identifier: Apache-2.0
"""The dashboards by file name."""

from . import compare, cost, exporter, fleet, geography, history, leaks, pool, proxy

PAGES = {
    "proxy-pool-dashboard": pool.make,
    "fleet": fleet.make,
    "proxy": proxy.make,
    "compare": compare.make,
    "history": history.make,
    "leaks": leaks.make,
    "cost": cost.make,
    "geography": geography.make,
    "exporter": exporter.make,
}
