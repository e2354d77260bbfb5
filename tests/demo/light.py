# SPDX-License-Identifier: Apache-2.0
"""Light traffic, so that the numbers move, until Enter or Ctrl-C."""

import contextlib
import os
import select
import signal
import sys
import termios
import time

from sockslab import PATIENCE, LabError
from terminal import status
from truth import scrape

KINDS = ("4 connect", "1 transfer down=300000", "1 refused", "1 connect addr=name")
PAUSE = 1.0  # seconds from one round to the next


class Keyboard:
    """Waits for Enter, if standard input is a terminal."""

    def __init__(self):
        self.open = sys.stdin is not None and sys.stdin.isatty()

    def forget(self):
        """Drop earlier input."""
        if self.open:
            with contextlib.suppress(termios.error):
                termios.tcflush(0, termios.TCIFLUSH)

    @staticmethod
    def _hung_up():
        poll = select.poll()
        poll.register(0, 0)
        return any(events & select.POLLHUP for _fd, events in poll.poll(0))

    def descriptors(self):
        return [0] if self.open else []

    def entered(self):
        """Read available input; returns whether it has an Enter. The end of input is not an Enter.

        A terminal that was closed ends the demo, as Ctrl-C does.
        """
        try:
            data = os.read(0, 4096)
        except OSError:  # the terminal is gone, or is another job's
            data = b""
        if not data and self._hung_up():
            os.kill(os.getpid(), signal.SIGINT)
        self.open = bool(data)
        return b"\n" in data


class Light:
    """Rounds of a few connections to each proxy. made: the requests sent to each so far."""

    def __init__(self, lab, sidecars, befores, made, every_second):
        """every_second: called about once a second."""
        self.lab, self.sidecars, self.every_second = lab, sidecars, every_second
        self.befores, self.made = befores, made
        self.generator, self.due = None, 0.0

    def run(self, keyboard):
        """Return on Enter if there is a keyboard, else never."""
        told = 0.0
        while True:
            if select.select(keyboard.descriptors(), [], [], 0)[0] and keyboard.entered():
                return
            self._advance(keyboard)
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                self.every_second()

    def _advance(self, keyboard):
        """Waits a moment for the keyboard or the end of a round; begins the next one in time."""
        if not self.generator and time.monotonic() >= self.due:
            seed = time.monotonic_ns() & 0xFFFF
            self.generator = self.lab.traffic(
                *KINDS, each=True, concurrency=4, seed=seed, deadline=15 / PATIENCE
            )
        said = [self.generator.process.stdout] if self.generator else []
        ready = select.select(said + keyboard.descriptors(), [], [], 0.5)[0]
        if not said or said[0] not in ready:
            return
        with contextlib.suppress(LabError):
            tally = self.generator.wait_quiet()
            self.made = [
                count + each["requests_total"]
                for count, each in zip(self.made, tally["by_proxy"], strict=True)
            ]
        self.generator.kill()
        self.generator.process.stdin.close()
        self.generator.process.stdout.close()
        self.generator, self.due = None, time.monotonic() + PAUSE
        status(f"Requests: {self._counts()}")

    def _counts(self):
        parts = []
        for sidecar, before, made in zip(self.sidecars, self.befores, self.made, strict=True):
            now = scrape(sidecar) if before and sidecar.process.poll() is None else None
            if now:
                counted = now.sum("proxy_requests_total")
                counted -= before.metrics.sum("proxy_requests_total")
                parts.append(f"{sidecar.name} {made:,} sent, {counted:,} counted")
            else:
                parts.append(f"{sidecar.name}: no answer")
        return "; ".join(parts)
