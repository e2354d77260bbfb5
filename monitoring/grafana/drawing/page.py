#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Dashboards as Grafana's own components (@grafana/ui) show them, in a headless Chromium.

Run as a program, it only installs these components into build/drawing.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[2] / "build" / "drawing"
BUNDLE = BUILD / "panels.js"
WIDTH, ROW, HEAD = 1560, 38, 84  # pixels; panels.jsx has the same
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--dump-dom",
    "--allow-file-access-from-files",
    "--force-device-scale-factor=1",
    "--virtual-time-budget=5000",
)
ESBUILD = (
    "--bundle",
    "--minify",
    "--jsx=automatic",
    "--define:process.env.NODE_ENV='production'",
    "--loader:.ttf=empty",
    "--loader:.woff2=dataurl",
    "--log-level=error",
)

PAGE = """<!doctype html><meta charset="utf-8"><title></title><link rel="stylesheet" href="{css}">
<script>
onerror = (message, _file, _line, _column, error) => {{ document.title = error.stack }};
window.__grafana_public_path__ = "{public}/";
</script>
<body style="margin: 0"><div id="root"></div>
<script src="data.js"></script><script src="{js}"></script>
"""


class Unavailable(Exception):
    """npm cannot install the components."""


class Failed(Exception):
    """Chromium ran, and the page reports an error."""


def install():
    """Installs what package-lock.json names and bundles panels.jsx, where either changed."""
    lock, installed = HERE / "package-lock.json", BUILD / "installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        BUILD.mkdir(parents=True, exist_ok=True)
        for name in (".npmrc", "package.json", lock.name):
            shutil.copy(HERE / name, BUILD)
        if subprocess.run(["npm", "ci", "--silent"], cwd=BUILD, check=False).returncode:
            raise Unavailable("npm ci failed in build/drawing")
        icons = BUILD / "public" / "build" / "img"
        icons.parent.mkdir(parents=True, exist_ok=True)
        icons.unlink(missing_ok=True)
        icons.symlink_to("../../node_modules/@grafana/ui/dist/public/img")
        shutil.copy(lock, installed)
    source = HERE / "panels.jsx"
    changed = max(source.stat().st_mtime, installed.stat().st_mtime)
    if not BUNDLE.exists() or BUNDLE.stat().st_mtime < changed:
        modules = BUILD / "node_modules"
        subprocess.run(
            [modules / ".bin" / "esbuild", source, *ESBUILD, f"--outfile={BUNDLE}"],
            env={**os.environ, "NODE_PATH": str(modules)},
            check=True,
        )


def show(dashboards, picture=None):
    """Lays out dashboards (asks.Dashboard) one below the other and returns the page's HTML.

    picture: the PNG to write, of the first.
    """
    data = [dashboard.data() for dashboard in dashboards]
    grids = [panel["gridPos"] for panel in data[0]["model"]["panels"]]
    height = HEAD + ROW * max(grid["y"] + grid["h"] for grid in grids)
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "page.html")
        page.with_name("data.js").write_text(f"window.DATA = {json.dumps(data)}", encoding="utf-8")
        page.write_text(
            PAGE.format(
                css=BUNDLE.with_suffix(".css").as_uri(),
                js=BUNDLE.as_uri(),
                public=(BUILD / "public").as_uri(),
            ),
            encoding="utf-8",
        )
        options = [*OPTIONS, f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{height}"]
        if picture:
            options.append(f"--screenshot={pathlib.Path(picture).resolve()}")
        ran = subprocess.run(
            ["chromium", *options, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
            env={**os.environ, "HOME": folder},
        )
    if "<title></title>" not in ran.stdout:
        raise Failed(f"{ran.stdout[:500]} {ran.stderr[-1000:]}")
    return ran.stdout


if __name__ == "__main__":
    try:
        install()
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        sys.exit(os.EX_UNAVAILABLE)
