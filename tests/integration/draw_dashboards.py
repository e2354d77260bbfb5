#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""draw_dashboards.py FOLDER [MINUTES]: the pictures of docs/dashboards, of the lab's fleet after so many minutes (10), the second half of them with trouble. Needs root, and a build."""

import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "lab"), str(ROOT / "tests"), str(ROOT / "monitoring" / "grafana")]

from dashboard_world import IN_DEPTH, DashboardWorld
from drawing.asks import Dashboard, Prometheus
from drawing.page import draw
from sockslab import enter


def main(folder, minutes="10"):
    folder = pathlib.Path(folder).resolve()
    enter()
    with DashboardWorld() as world:
        half = float(minutes) * 30
        time.sleep(half)
        world.trouble()
        time.sleep(half)
        world.wait_trouble()
        prometheus, end = Prometheus("http://127.0.0.1:9091"), time.time()
        for path in sorted((ROOT / "monitoring" / "grafana" / "dashboards").glob("*.json")):
            begin = end - 30 * 86400 if path.stem == "history" else world.begun + 5
            chosen = {"proxy": IN_DEPTH} if path.stem == "proxy" else {}
            text = draw(Dashboard(path, prometheus, begin, end, 1000, chosen))
            (folder / f"{path.stem}.svg").write_text(text, encoding="utf-8")
            print(f"{path.stem}: {len(text) / 1000:.0f} KB", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
