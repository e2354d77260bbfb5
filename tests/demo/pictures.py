# SPDX-License-Identifier: Apache-2.0
"""Screenshots of pages: build/demo/*.png, if chromium is installed."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile

from sockslab import PATIENCE

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "demo"
# No sandbox: root looks at our own pages. The only network traffic is that of the page.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
         "--no-first-run", "--window-size=1200,1000")


def browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def take(name, url):
    """The file's name, or None: without a browser, or when it failed."""
    program, target = browser(), FOLDER / f"{name}.png"
    if not program:
        return None
    target.unlink(missing_ok=True)
    # The profile lies in the lab's own /run, so that it goes with the lab however that ends.
    profile = tempfile.mkdtemp(prefix="chromium-", dir="/run/lab")
    command = [program, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={target}", url]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, check=False, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"HOME": profile, "TMPDIR": profile, "PATH": "/usr/bin:/bin"})
    return target.name if target.exists() else None
