# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven by its own chromedriver over HTTP (WebDriver, and DevTools commands
through it).
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from sockslab import PATIENCE, wait_until

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--force-color-profile=srgb",
)


def missing():
    """The missing package, or None."""
    return next((name for name in ("chromium", "chromedriver") if not shutil.which(name)), None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """Runs in the network namespace of the calling process."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        environment = {
            **os.environ,
            "HOME": self.folder.name,
            "XDG_CONFIG_HOME": self.folder.name,
            "XDG_CACHE_HOME": self.folder.name,
        }
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.session = None
        wait_until(self._ready, 20, "chromedriver")
        options = {
            "args": [*ARGUMENTS, f"--user-data-dir={self.folder.name}/profile"],
            "binary": shutil.which("chromium"),
        }
        wanted = {
            "capabilities": {
                "alwaysMatch": {
                    "goog:chromeOptions": options,
                    "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                }
            }
        }
        self.session = self._ask("POST", "/session", wanted)["sessionId"]

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=60 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:600]}") from None

    def _ready(self):
        with contextlib.suppress(OSError):
            return self._ask("GET", "/status")["ready"]

    def _tell(self, path, body):
        return self._ask("POST", f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        return self._tell("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self._tell("/url", {"url": url})

    def run(self, script, *arguments):
        """The value that the script returns; waits if that is a promise."""
        return self._tell("/execute/sync", {"script": script, "args": list(arguments)})

    def scripts(self, allowed):
        """Whether pages may run scripts, from the next page on."""
        self.devtools("Emulation.setScriptExecutionDisabled", value=not allowed)

    def look(self, width=1280, height=900, dark=False, reduced=False):
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.devtools(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {
                    "name": "prefers-reduced-motion",
                    "value": "reduce" if reduced else "no-preference",
                },
            ],
        )

    def screenshot(self, path, most=2400):
        """A picture of the page from the top, at most this many pixels high."""
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": min(size["height"], most),
            "scale": 1,
        }
        data = self.devtools(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def complaints(self):
        """Console messages since the last call."""
        return [entry["message"] for entry in self._tell("/se/log", {"type": "browser"})]

    def requests(self):
        """URLs that were requested since the last call."""
        events = (
            json.loads(entry["message"])["message"]
            for entry in self._tell("/se/log", {"type": "performance"})
        )
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def close(self):
        with contextlib.suppress(AssertionError, OSError):
            if self.session:
                self._ask("DELETE", f"/session/{self.session}")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        self.process.wait(20 * PATIENCE)
        with contextlib.suppress(OSError):
            self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
