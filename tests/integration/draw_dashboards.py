#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""draw_dashboards.py FOLDER [MINUTES]: writes the pictures of docs/dashboards.

They show the proxies of the lab after MINUTES (10), the second half with faults.
Needs root, a build and pngquant.
"""

import pathlib
import subprocess
import sys
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "tests" / "lab"),
    str(ROOT / "tests"),
    str(ROOT / "monitoring" / "grafana"),
]

from dashboard_world import IN_DEPTH, DashboardWorld
from drawing.asks import Dashboard, Prometheus
from drawing.page import install, show
from sockslab import enter

AFTER_HEADER = 33  # PNG's signature and its IHDR chunk


def titles_of(model):
    return sorted(panel["title"] for panel in model["panels"] if panel["type"] != "row")


def note(picture, titles):
    """Write the panels' titles into a PNG (a tEXt chunk); test_dashboards.py compares them."""
    data, text = picture.read_bytes(), b"tEXtPanels\0" + "\n".join(titles).encode("latin-1")
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    picture.write_bytes(data[:AFTER_HEADER] + chunk + data[AFTER_HEADER:])


def noted(picture):
    data = picture.read_bytes()[AFTER_HEADER:]
    return data[15 : 8 + int.from_bytes(data[:4], "big")].decode("latin-1").split("\n")


def main(folder, minutes="10"):
    folder = pathlib.Path(folder).resolve()
    install()
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
            dashboard = Dashboard(path, prometheus, begin, end, 1000, chosen)
            picture = folder / f"{path.stem}.png"
            show([dashboard], picture)
            subprocess.run(["pngquant", "--force", "--ext=.png", "--strip", picture], check=True)
            note(picture, titles_of(dashboard.model))
            print(f"{path.stem}: {picture.stat().st_size / 1000:.0f} KB", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
