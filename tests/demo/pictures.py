# SPDX-License-Identifier: Apache-2.0
"""What a browser shows, as files: build/demo/*.png, where there is a chromium."""

import pathlib
import shutil
import subprocess
import tempfile

from sockslab import PATIENCE

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "demo"
# No sandbox: it is root who looks, at pages of ours. No network but what the page asks for.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--no-first-run", "--window-size=1200,1000")


def browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def take(name, url):
    """The file's name, or None: without a browser, or when it failed."""
    program, target = browser(), FOLDER / f"{name}.png"
    if not program:
        return None
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="wgsocks-demo-") as profile:
        subprocess.run([program, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={target}", url], check=False, timeout=60 * PATIENCE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": profile, "PATH": "/usr/bin:/bin"})
    return target.name if target.exists() else None
