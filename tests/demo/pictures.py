# SPDX-License-Identifier: Apache-2.0
"""Writes build/demo with ONCE=1: a summary, and screenshots if chromium is installed."""

import contextlib
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time

from lab_prometheus import URL
from sockslab import PATIENCE
from terminal import say, step
from trouble import alerts_path

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "demo"
# No sandbox: root looks at our own pages. The only network traffic is that of the page.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--window-size=1200,1000",
)


def browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def take(name, url):
    """The file's name, or None: without a browser, or when it failed."""
    program, target = browser(), FOLDER / f"{name}.png"
    if not program:
        return None
    target.unlink(missing_ok=True)
    # The profile is in /run of the lab, so that it vanishes with the lab.
    profile = tempfile.mkdtemp(prefix="chromium-", dir="/run/lab")
    command = [program, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={target}", url]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command,
            check=False,
            timeout=60 * PATIENCE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": profile, "TMPDIR": profile, "PATH": "/usr/bin:/bin"},
        )
    return target.name if target.exists() else None


class Summary:
    """Screenshots and a summary in build/demo."""

    def __init__(self, once, sidecars):
        self.once, self.sidecars, self.pictures, self.why_not = once, sidecars, [], ""
        try:
            if once:
                FOLDER.mkdir(parents=True, exist_ok=True)
                self._write_text("The demo has not ended yet.\n")
        except OSError as error:  # the virtual machine cannot write to the files
            self.once, self.why_not = False, error.strerror

    def take(self):
        """Take pictures during the fault: the pages of both proxies, and the alerts."""
        if not self.once:
            return
        urls = {
            sidecar.name: f"http://{sidecar.proxy.addr4}:9090/"
            for sidecar in self.sidecars
            if sidecar.process.poll() is None
        }
        urls["alerts"] = URL + alerts_path()
        with step("the screenshots"):
            self.pictures = list(filter(None, (take(name, url) for name, url in urls.items())))

    @staticmethod
    def _write_text(text):
        (FOLDER / "summary.txt").write_text(text, encoding="utf-8")

    def write(self, verdict, differing, timeline):
        if self.why_not:
            say(f"No files in build/demo: {self.why_not}.")
            return
        kernel_name = f"{platform.system()} {platform.release()}, {platform.machine()}"
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"wgsocks_exporter's demo, {when}, {kernel_name}", "", verdict]
        lines += [
            f"  {name:41}{witness:28}{its:11,}{value:11,}"
            for name, witness, its, value in differing
        ]
        if timeline:
            lines += ["", "The trouble and its alerts:", *(f"  {line}" for line in timeline)]
        self._write_text("\n".join(lines) + "\n")
        say(f"Written to build/demo: {', '.join(['summary.txt', *self.pictures])}.")
        if not browser():
            say("No screenshots: chromium is not installed (Debian's package chromium).")
